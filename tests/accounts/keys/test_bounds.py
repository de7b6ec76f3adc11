"""Nobody gives a key more than they have: making, changing and rotating keys are no way up."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.keys import bounds, networks
from app.accounts.keys.bounds import Power
from app.accounts.keys.errors import ForbiddenGrant
from app.accounts.models import Scope
from app.accounts.schemas import CallerInfo, KeyLimits
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.visitor import Visitor
from tests.accounts.keys.conftest import MakeKey
from tests.conftest import Account

SOON, LATER = "2099-01-01T00:00:00Z", "2099-06-01T00:00:00Z"
NARROW: dict[str, Any] = {
    "scopes": ["keys:read", "keys:write", "tasks:read"],
    "expires_at": SOON,
    "allowed_ips": ["127.0.0.0/8", "2001:db8::/48"],
    "allowed_operations": ["remove_background", "upscale"],
    "rate_limit": 600,
    "budget": {"credits": 50, "period": "month"},
}
WIDER: list[tuple[str, dict[str, Any]]] = [
    ("/scopes", {"scopes": ["keys:read", "tasks:write"]}),
    ("/scopes", {"scopes": ["workspace:write"]}),
    ("/expires_at", {"expires_at": LATER}),
    ("/allowed_ips", {"allowed_ips": ["0.0.0.0/0"]}),
    ("/allowed_ips", {"allowed_ips": ["127.0.0.1", "198.51.100.1"]}),
    ("/allowed_ips", {"allowed_ips": ["2001:db8::/32"]}),
    ("/allowed_operations", {"allowed_operations": ["upscale", "text_to_image"]}),
    ("/rate_limit", {"rate_limit": 601}),
    ("/budget", {"budget": {"credits": 1}}),
    ("/budget", {"budget": {"credits": 1000}}),
]
LIFTED = [(f"/{field}", {field: None}) for field in NARROW if field != "scopes"]


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["code"], body["errors"][0]["pointer"]


async def test_what_is_left_out_is_as_narrow_as_the_maker(make_key: MakeKey) -> None:
    narrow, caller = await make_key(**NARROW)
    made, _ = await make_key(caller)
    assert made["scopes"] == ["tasks:read"], "managing keys has to be named"
    for field in set(NARROW) - {"scopes"}:
        assert made[field] == narrow[field], field
    less, _ = await make_key(
        caller,
        scopes=["keys:write"],
        expires_at="2098-01-01T00:00:00Z",
        allowed_ips=["127.0.0.0/9", "127.128.0.0/9"],
        allowed_operations=["upscale"],
        rate_limit=1,
    )
    assert (less["allowed_operations"], less["rate_limit"]) == (["upscale"], 1)


@pytest.mark.parametrize(("pointer", "wider"), WIDER)
async def test_a_key_makes_none_that_may_do_more(make_key: MakeKey, pointer: str, wider: dict[str, Any]) -> None:
    _, caller = await make_key(**NARROW)
    answer = await caller.post("/v1/api-keys", json={"name": "more", "scopes": ["tasks:read"], **wider})
    assert refused(answer) == (403, "forbidden_grant", pointer)


@pytest.mark.parametrize(("pointer", "wider"), [*WIDER, *LIFTED])
async def test_a_key_does_not_widen_itself_nor_what_it_made(
    account: Account, make_key: MakeKey, pointer: str, wider: dict[str, Any]
) -> None:
    key, caller = await make_key(**NARROW)
    made, _ = await make_key(caller)
    for target in (key, made):
        path = f"/v1/api-keys/{target['id']}"
        before = (await account.live.get(path)).json()
        assert refused(await caller.patch(path, json=wider)) == (403, "forbidden_grant", pointer)
        after = (await account.live.get(path)).json()
        assert {**after, "last_used_at": 0, "last_used_ip": 0} == {**before, "last_used_at": 0, "last_used_ip": 0}


@pytest.mark.parametrize("field", NARROW)
async def test_a_key_does_not_take_over_a_wider_one(account: Account, make_key: MakeKey, field: str) -> None:
    """Whoever gets the new secret of a key gets all it can do; and unfencing a key that leaked is no better."""
    target, _ = await make_key(**{**NARROW, "budget": None})
    _, caller = await make_key(**{name: value for name, value in NARROW.items() if name in (field, "scopes")})
    if field == "scopes":
        target, _ = await make_key(scopes=["tasks:write"])
    elif field != "budget":
        changed = await account.live.patch(f"/v1/api-keys/{target['id']}", json={field: None})
        assert changed.status_code == 200
    path = f"/v1/api-keys/{target['id']}"
    for attempt in (caller.post(f"{path}/rotate", json={}), caller.patch(path, json={"name": "mine"})):
        answer = await attempt
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_grant")
        assert "errors" not in answer.json(), "no field of the request is at fault"
        assert "This key can do more than you may give." in answer.json()["detail"]
    assert (await caller.delete(path)).status_code == 204, "less is always possible"


async def test_a_test_key_reaches_no_live_one(account: Account, make_key: MakeKey) -> None:
    live, _ = await make_key()
    path = f"/v1/api-keys/{live['id']}"
    for attempt in (
        account.test.get(path),
        account.test.patch(path, json={"name": "mine"}),
        account.test.post(f"{path}/rotate", json={}),
        account.test.delete(path),
    ):
        assert (await attempt).status_code == 404
    made = await account.test.post("/v1/api-keys", json={"name": "n", "mode": "live"})
    assert refused(made) == (403, "forbidden_grant", "/mode")


async def test_a_neighbours_key_is_not_there(account: Account, neighbour: Account) -> None:
    path = f"/v1/api-keys/{(await neighbour.live.get('/v1/api-keys')).json()['data'][0]['id']}"
    for attempt in (account.live.patch(path, json={"name": "x"}), account.live.post(f"{path}/rotate", json={})):
        assert (await attempt).status_code == 404


async def test_a_budget_does_not_reach_the_other_mode(make_key: MakeKey) -> None:
    _, caller = await make_key(budget={"credits": 5}, scopes=["keys:write", "tasks:write"])
    answer = await caller.post("/v1/api-keys", json={"name": "n", "mode": "test"})
    assert refused(answer) == (403, "forbidden_grant", "/mode")


NOBODY = Visitor("", "")
scopes = st.frozensets(st.sampled_from([scope.value for scope in Scope]))
nets = st.none() | st.lists(
    st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.2.3", "::/0", "2001:db8::/48"]),
    min_size=1,
)
operations = st.none() | st.frozensets(st.sampled_from("abcd"), min_size=1)
rates = st.none() | st.integers(1, 5)
moments = st.none() | st.integers(1, 5).map(lambda days: clock.now() + timedelta(days=days))
BUDGETS = [new_id(), new_id()]
budget_keys = st.none() | st.sampled_from(BUDGETS)
modes = st.sampled_from(["live", "test"])
powers = st.builds(Power, modes, scopes, moments, nets, operations, rates, budget_keys)
PROBES = ["10.0.0.1", "10.200.0.1", "10.1.2.3", "192.0.2.1", "2001:db8::1", "2001:db9::1"]


def caller_with(power: Power) -> CallerInfo:
    """A caller who holds a key of this power."""
    limits = KeyLimits(
        networks=None if power.allowed_ips is None else tuple(map(networks.read, power.allowed_ips)),
        operations=None if power.allowed_operations is None else frozenset(power.allowed_operations),
        rate_limit=power.rate_limit,
        budget_key_id=power.budget_key_id,
    )
    return CallerInfo(
        workspace_id=new_id(),
        user_id=new_id(),
        key_id=new_id(),
        mode="live" if power.mode == "live" else "test",
        scopes=frozenset(power.scopes),
        ends_at=power.expires_at,
        limits=limits,
    )


def may(power: Power) -> set[tuple[str, object]]:
    """All that somebody with this power can do, one by one."""
    able: set[tuple[str, object]] = {("scope", scope) for scope in power.scopes}
    able |= {("mode", mode) for mode in ("live", "test") if mode == "test" or power.mode == "live"}
    able |= {("day", n) for n in range(7) if power.expires_at is None or power.expires_at > clock.now() + timedelta(n)}
    inside = None if power.allowed_ips is None else [networks.read(one) for one in power.allowed_ips]
    able |= {("ip", ip) for ip in PROBES if inside is None or networks.has(inside, ip)}
    able |= {("do", op) for op in "abcde" if power.allowed_operations is None or op in power.allowed_operations}
    able |= {("rate", n) for n in range(9) if power.rate_limit is None or n <= power.rate_limit}
    able |= {("spend", key) for key in [None, *BUDGETS] if power.budget_key_id in (None, key)}
    return able


@given(powers, powers)
def test_whatever_passes_can_do_nothing_its_giver_cannot(own: Power, asked: Power) -> None:
    try:
        bounds.check(caller_with(own), asked)
    except ForbiddenGrant:
        return
    assert may(asked) <= may(own)


@given(powers)
def test_everybody_may_give_what_they_have(own: Power) -> None:
    bounds.check(caller_with(own), own)


async def test_users_are_bound_by_their_role_alone(database: Database, account: Account) -> None:
    """And give neither keys nor settings of the workspace without saying so."""
    from app.accounts.keys import queries, service
    from app.accounts.keys.schemas import ApiKeyCreate
    from app.accounts.permissions import KEY_SCOPES, ROLE_SCOPES

    async with database.transaction() as session:
        held = await service.authenticate(database, account.key)
        row = await database.fetchrow("select id from sessions where user_id = $1", held.user_id)
        assert row
        user = CallerInfo(
            workspace_id=account.workspace_id,
            user_id=held.user_id,
            session_id=row["id"],
            mode="live",
            scopes=ROLE_SCOPES["admin"],
            role="admin",
        )
        plain, _ = await service.create_key(session, user, ApiKeyCreate(name="n"), NOBODY, ())
        assert sorted(plain.scopes) == sorted(KEY_SCOPES)
        assert not {"keys:write", "workspace:write"} & set(plain.scopes)
        asked = ApiKeyCreate(name="n", scopes=[Scope.KEYS_WRITE, Scope.WORKSPACE_WRITE])
        wide, _ = await service.create_key(session, user, asked, NOBODY, ())
        assert set(wide.scopes) == {"keys:write", "workspace:write"}
        member = user.model_copy(update={"scopes": ROLE_SCOPES["member"], "role": "member"})
        with pytest.raises(ForbiddenGrant, match="role"):
            await service.create_key(session, member, asked, NOBODY, ())
        assert await queries.find_key(session, wide.id, workspace_id=account.workspace_id, mode=None) is not None
