"""What was sent of a person's keys is erased with them, in workspaces of others too."""

import json

from app.privacy.erasure import queries
from tests.webhooks.receiver import Receiver
from tests.webhooks.scene import Scene


async def test_what_was_sent_of_their_keys_is_erased(scene: Scene, shop: Receiver) -> None:
    await scene.endpoint(shop.url)
    mine, other = "key_01jcqzm4x8e3v9tk5h2w7d6n0p", "key_01jcqzm4x8e3v9tk5h2w7d6n0q"
    for key in (mine, other):
        await scene.tell("api_key.created", data={"id": key, "name": "of somebody"})
    await scene.courier.deliver()
    async with scene.database.transaction() as session:
        await queries.erase(session, queries.PERSON["key_deliveries"], {"keys": [mine]})
    left = [(await scene.attempts(one["id"]))[0]["request"]["body"] for one in await scene.deliveries()]
    assert left[0] is None
    assert json.loads(left[1])["data"]["id"] == other
