"""The addresses a key may be used from, also behind proxies and forged headers."""

import asyncio
from ipaddress import ip_network

import pytest

from app.core.settings import Settings
from tests.accounts.keys.conftest import MakeKey
from tests.accounts.keys.serving import serve
from tests.conftest import Account, client

HOME = "203.0.113.7"
REFUSED = (403, "ip_not_allowed")


async def test_a_key_opens_nothing_from_elsewhere(account: Account, make_key: MakeKey) -> None:
    key, caller = await make_key(allowed_ips=[f"{HOME}/24", "2001:DB8::1/48", f"{HOME}/24"])
    assert key["allowed_ips"] == ["203.0.113.0/24", "2001:db8::/48"]
    for answer in (
        await caller.get("/v1/credits"),
        await caller.get("/v1/tasks/nonsense"),
        await caller.post("/v1/tasks", json={"operation": "text_to_image", "input": {"prompt": "a cat"}}),
        await caller.post("/v1/tasks", json={}),
    ):
        assert (answer.status_code, answer.json()["code"]) == REFUSED
        assert "203.0" not in answer.text  # where it may be used from is for the owner to know
    changed = await account.live.patch(f"/v1/api-keys/{key['id']}", json={"allowed_ips": ["127.0.0.1"]})
    assert changed.json()["allowed_ips"] == ["127.0.0.1"]
    assert (await caller.get("/v1/credits")).status_code == 200
    await account.live.patch(f"/v1/api-keys/{key['id']}", json={"allowed_ips": [HOME]})
    assert (await caller.get("/v1/credits")).status_code == 403


async def test_a_forged_header_is_not_believed(settings: Settings, make_key: MakeKey) -> None:
    key, _ = await make_key(allowed_ips=[HOME])
    async with (
        serve(settings, trusted_proxies=()) as bare,
        client(bare, key["secret"], **{"X-Forwarded-For": HOME}) as forger,
    ):
        answer = await forger.get("/v1/credits")
    assert (answer.status_code, answer.json()["code"]) == REFUSED


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        (HOME, 200),
        (f"198.51.100.9, {HOME}", 200),
        (f"{HOME}, 10.1.2.3", 200),  # the second proxy is ours too
        (f"{HOME}, 198.51.100.9", 403),  # what stands before the last stranger was said by that stranger
        (f"{HOME}, 198.51.100.9, 10.1.2.3", 403),
        ("198.51.100.9", 403),
        (f"::ffff:{HOME}", 200),
        (f"{HOME}, nonsense", 403),
        ("", 403),
    ],
)
async def test_behind_proxies_it_is_the_last_that_is_none_of_ours(
    settings: Settings, make_key: MakeKey, forwarded: str, status: int
) -> None:
    key, _ = await make_key(allowed_ips=[HOME])
    ours = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))
    async with serve(settings, trusted_proxies=ours) as proxied, client(proxied, key["secret"]) as caller:
        answer = await caller.get("/v1/credits", headers={"X-Forwarded-For": forwarded})
    assert answer.status_code == status


async def test_a_stored_answer_is_not_repeated_elsewhere(settings: Settings, make_key: MakeKey) -> None:
    """It may hold the secret of a key."""
    key, _ = await make_key(allowed_ips=[HOME], scopes=["keys:write"])
    order = {"name": "n", "scopes": ["keys:write"]}
    async with (
        serve(settings, trusted_proxies=(ip_network("127.0.0.1/32"),)) as place,
        client(place, key["secret"], **{"Idempotency-Key": "one"}) as caller,
    ):
        made = await caller.post("/v1/api-keys", json=order, headers={"X-Forwarded-For": HOME})
        assert made.status_code == 201, made.text
        assert made.json()["allowed_ips"] == [HOME]
        stolen = await caller.post("/v1/api-keys", json=order, headers={"X-Forwarded-For": "198.51.100.9"})
    assert stolen.status_code == 403
    assert "secret" not in stolen.json()


async def test_the_last_use_is_told_with_its_address(account: Account, make_key: MakeKey) -> None:

    key, caller = await make_key()
    assert key["last_used_ip"] is None
    assert (await caller.get("/v1/credits")).status_code == 200
    async with asyncio.timeout(5):
        while (shown := (await account.live.get(f"/v1/api-keys/{key['id']}")).json())["last_used_at"] is None:
            await asyncio.sleep(0.05)
    assert shown["last_used_ip"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("ips", "pointer"),
    [
        (["home"], "/allowed_ips/0"),
        ([HOME, "1.2.3.4/99"], "/allowed_ips/1"),
        ([], "/allowed_ips"),
        ([f"10.0.0.{n}" for n in range(51)], "/allowed_ips"),
        (HOME, "/allowed_ips"),
        ([7], "/allowed_ips/0"),
    ],
)
async def test_what_is_no_list_of_networks_is_refused(account: Account, ips: object, pointer: str) -> None:
    answer = await account.live.post("/v1/api-keys", json={"name": "n", "allowed_ips": ips})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
