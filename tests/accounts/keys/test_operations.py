"""The operations a key may order: asked at every way to order one."""

from typing import Any

import pytest

from tests.accounts.keys.conftest import MakeKey
from tests.conftest import Account

ALLOWED = {"operation": "text_to_image", "input": {"prompt": "a cat"}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/tasks", {"operation": "text_to_image", "input": {"prompt": "a cat"}}),
        ("/v1/tasks/quote", {"operation": "text_to_image", "input": {"prompt": "a cat"}}),
        ("/v1/batches", {"operation": "text_to_image", "items": [{"input": {"prompt": "a cat"}}]}),
    ],
)
async def test_another_operation_is_refused(account: Account, make_key: MakeKey, path: str, body: Any) -> None:
    key, caller = await make_key(account.test, allowed_operations=["upscale", "upscale"])
    assert key["allowed_operations"] == ["upscale"]
    answer = await caller.post(path, json=body)
    found = answer.json()
    assert (answer.status_code, found["code"]) == (403, "operation_not_allowed")
    assert found["errors"][0]["pointer"] == "/operation"
    changed = {"allowed_operations": ["upscale", "text_to_image"]}
    assert (await account.test.patch(f"/v1/api-keys/{key['id']}", json=changed)).status_code == 200
    accepted = await caller.post(path, json=body)
    assert accepted.is_success
    if "location" in accepted.headers:
        await account.test.post(f"{accepted.headers['location']}/cancel")


async def test_nor_is_it_tried_again(account: Account, make_key: MakeKey) -> None:
    _, caller = await make_key(account.test, allowed_operations=["upscale"])
    path = (await account.test.post("/v1/tasks", json=ALLOWED)).headers["location"]
    await caller.post(f"{path}/cancel")
    answer = await caller.post(f"{path}/retry")
    assert (answer.status_code, answer.json()["code"]) == (403, "operation_not_allowed")
    assert (await caller.get(path)).json()["status"] == "canceled"


@pytest.mark.parametrize("method", ["post", "patch"])
async def test_an_operation_there_is_not_is_named(account: Account, make_key: MakeKey, method: str) -> None:
    key, _ = await make_key()
    path = "/v1/api-keys" if method == "post" else f"/v1/api-keys/{key['id']}"
    answer = await account.live.request(method, path, json={"name": "n", "allowed_operations": ["upscale", "upskale"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/allowed_operations/1")
    assert "upscale" in answer.json()["detail"]
