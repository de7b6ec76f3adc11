"""What is told at once, before anything is queued: what nobody can do, and what the operator has not set."""

import pytest
import structlog

from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.settings import Settings
from app.providers.catalog import Catalog
from tests.vendors.peer import Peer
from tests.vendors.studio import Studio, api, studio

PROMPT = {"prompt": "a red bicycle"}


async def refused(backlot: Studio, **fields: object) -> tuple[int, str, str]:
    answer = await backlot.account.live.post(
        "/v1/tasks", json={"operation": "text_to_image", "input": PROMPT, **fields}
    )
    problem = answer.json()
    backlot.told.append(answer.text)
    return answer.status_code, problem["code"], answer.text


async def test_an_unknown_model_names_those_there_are(backlot: Studio) -> None:
    status, code, told = await refused(backlot, model="flux-9000")
    assert (status, code) == (422, "unknown_model")
    assert "flux-9000" in told
    assert "flux-schnell" in told


async def test_a_provider_without_a_key_says_what_to_set(
    settings: Settings, database: Database, vendor_tools: AssetTools, peers: dict[str, Peer]
) -> None:
    two = {name: peers[name] for name in ("replicate", "openai")}
    async with api(two.values(), PROVIDERS_KEYS=f"openai={peers['openai'].keys[0]}") as found:
        catalog = Catalog.load(found)
        async with studio(found, database, vendor_tools, catalog, two) as made:
            status, code, told = await refused(made, provider="replicate")
            assert (status, code) == (503, "provider_not_configured")
            assert "BACKLOT_PROVIDERS_KEYS=replicate=<key>" in told
            assert await made.spent() == (0, 0)
            task = await made.do("text_to_image", PROMPT)
            assert (task["status"], task["provider"]) == ("succeeded", "openai")
        await catalog.close()
    assert not peers["replicate"].asked


@pytest.mark.parametrize("place", ["logs", "answers", "rows"])
async def test_a_key_that_leaks_is_noticed(backlot: Studio, place: str) -> None:
    """The look for keys at the end of each test can find one."""
    peer = backlot.peers["openai"]
    keys, leaky = peer.keys, f"leaks-into-{place}-5Rt9"
    peer.keys = (leaky,)
    assert await backlot.leaked() == []
    match place:
        case "logs":
            structlog.get_logger().error("leak", about=leaky)
        case "answers":
            await refused(backlot, model=leaky)
        case "rows":
            await backlot.order("text_to_image", {"prompt": leaky})
            backlot.told.clear()
    assert await backlot.leaked() == [f"{leaky} in {place}"]
    peer.keys = keys
