"""A user has their account deleted, or thinks again."""

import asyncio
from uuid import UUID

import httpx
import pytest

from app.accounts.audit import verify as audit_verify
from app.accounts.users import service as users
from app.accounts.users import verifying
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import encode
from app.core.settings import Settings
from app.ledger import service as ledger
from app.ledger.verify import verify
from app.privacy.erasure import queries
from app.privacy.erasure import service as erasure
from tests.accounts.signed_in import let_due, make_team, sign_in, user_of
from tests.conftest import Account


async def _delete(person: httpx.AsyncClient, address: str) -> httpx.Response:
    return await person.request("DELETE", "/v1/me", json={"confirm": address})


async def _actions(database: Database, account: Account) -> list[str]:
    rows = await database.fetch(
        "select action from audit_entries where chain = $1 order by number", account.workspace_id
    )
    return [row["action"] for row in rows if row["action"].startswith("account.")]


async def test_the_address_has_to_be_given(account: Account, person: httpx.AsyncClient) -> None:
    answer = await _delete(person, "other@example.com")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/confirm")
    assert (await account.live.get("/v1/credits")).status_code == 200


async def test_an_old_sign_in_is_not_enough(account: Account, settings: Settings, database: Database) -> None:
    async with await sign_in(settings, database, account, is_confirmed=False) as person:
        answer = await _delete(person, account.email)
    assert (answer.status_code, answer.json()["code"]) == (403, "confirmation_required")


async def test_an_api_key_cannot_do_it(account: Account) -> None:
    answer = await _delete(account.live, account.email)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_the_account_is_locked_and_told(account: Account, person: httpx.AsyncClient, database: Database) -> None:
    answer = await _delete(person, account.email.upper())
    assert answer.status_code == 202
    assert answer.json()["erase_at"]
    assert (await person.get("/v1/me/export")).json()["code"] == "session_revoked"
    refused = await account.live.get("/v1/credits")
    assert (refused.status_code, refused.json()["code"]) == (403, "deletion_scheduled")
    mails = await database.fetch("select kind, facts from mails where to_address = $1", account.email)
    assert [mail["kind"] for mail in mails] == ["deletion_scheduled"]
    assert await _actions(database, account) == ["account.deletion_scheduled"]


async def test_who_signs_in_again_can_take_it_back(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    await _delete(person, account.email)
    async with await sign_in(settings, database, account) as again:
        assert (await again.get("/v1/credits")).json()["code"] == "deletion_scheduled"
        restored = await again.post("/v1/me/restore")
        assert (restored.status_code, restored.json()["erase_at"]) == (200, None)
        assert (await again.get("/v1/credits")).status_code == 200
        twice = await again.post("/v1/me/restore")
        assert (twice.status_code, twice.json()["code"]) == (409, "deletion_not_scheduled")
    assert (await account.live.get("/v1/credits")).status_code == 200
    assert await _actions(database, account) == ["account.deletion_scheduled", "account.deletion_taken_back"]
    assert not await database.fetch("select 1 from erasures where user_id = $1", await user_of(database, account))


async def test_open_tasks_are_canceled_and_their_credits_given_back(
    account: Account, person: httpx.AsyncClient, database: Database
) -> None:
    image = await account.upload()
    for path, body in (
        ("/v1/tasks", {"operation": "remove_background", "input": {"image": image}}),
        ("/v1/batches", {"operation": "remove_background", "items": [{"input": {"image": image}}] * 2}),
    ):
        assert (await account.live.post(path, json=body)).status_code == 202
    await _delete(person, account.email)
    tasks = await database.fetch("select status from tasks where workspace_id = $1", account.workspace_id)
    assert [task["status"] for task in tasks] == ["canceled"] * 3
    purse = await database.fetchrow(
        "select balance, held from credit_accounts where workspace_id = $1 and mode = 'live'", account.workspace_id
    )
    assert purse
    assert (purse["balance"], purse["held"]) == (10_000_000, 0)


async def test_the_last_owner_of_a_team_with_others_has_to_hand_it_over(
    account: Account, neighbour: Account, person: httpx.AsyncClient, database: Database
) -> None:
    me, other = await user_of(database, account), await user_of(database, neighbour)
    team = await make_team(database, "Lacquer", owner=me, member=other)
    await make_team(database, "Alone", owner=me)
    await make_team(database, "Two", owner=me, owner2=other)
    answer = await _delete(person, account.email)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert [one["name"] for one in answer.json()["workspaces"]] == ["Lacquer"]
    await database.fetch("update members set role = 'owner' where workspace_id = $1 and user_id = $2", team, other)
    assert (await _delete(person, account.email)).status_code == 202


async def test_of_two_owners_who_leave_at_once_one_has_to_stay(
    account: Account, neighbour: Account, person: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    me, other = await user_of(database, account), await user_of(database, neighbour)
    await make_team(database, "Two", owner=me, owner2=other)
    async with await sign_in(settings, database, neighbour) as second:
        answers = await asyncio.gather(_delete(person, account.email), _delete(second, neighbour.email))
    assert sorted(answer.status_code for answer in answers) == [202, 409]


async def test_nothing_is_erased_before_the_grace_is_over(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    await _delete(person, account.email)
    assert await erasure.erase_due(database, settings, tools, only=await user_of(database, account)) == 0


async def test_what_has_begun_cannot_be_taken_back(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    user_id = await user_of(database, account)
    await _delete(person, account.email)
    async with await sign_in(settings, database, account) as again:
        await database.fetch("update erasures set begun_at = now() where user_id = $1", user_id)
        answer = await again.post("/v1/me/restore")
    assert (answer.status_code, answer.json()["code"]) == (409, "deletion_begun")


async def test_after_the_erasure_the_books_are_right_and_the_address_is_free(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    user_id = await user_of(database, account)
    image = await account.upload()
    order = {"operation": "remove_background", "input": {"image": image}}
    await account.live.post("/v1/tasks", json=order)
    await _delete(person, account.email)
    await let_due(database, user_id)
    assert await erasure.erase_due(database, settings, tools, only=user_id) == 1
    row = await database.fetchrow("select email, status from users where id = $1", user_id)
    assert row
    assert (row["email"], row["status"]) == (f"erased-{user_id}@invalid", "erased")
    async with database.transaction() as session:
        assert await verify(session) == []
        assert (await audit_verify.verify(session)).breaches == []
        _, is_new = await users.add_user(session, account.email)
    assert is_new
    assert (await account.live.get("/v1/credits")).status_code == 401


async def test_who_comes_back_has_had_their_welcome(
    account: Account,
    person: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    tools: AssetTools,
) -> None:
    user_id = await user_of(database, account)
    assert (await account.live.get("/v1/credits")).json()["balance"] > 0
    await _delete(person, account.email)
    await let_due(database, user_id)
    await erasure.erase_due(database, settings, tools, only=user_id)
    welcome = []
    for address in (account.email, f"new-{account.email}"):
        async with database.transaction() as session:
            user, _ = await users.add_user(session, address)
            await verifying.verify(session, settings, user)
        workspace = await _workspace(database, user.id)
        async with database.transaction() as session:
            found = await ledger.get_account(session, settings, workspace_id=workspace, mode="live")
            welcome.append(found.balance > 0)
    assert welcome == [False, True]


async def _workspace(database: Database, user_id: UUID) -> UUID:
    row = await database.fetchrow("select id from workspaces where owner_id = $1", user_id)
    assert row is not None
    return UUID(str(row["id"]))


async def test_it_ends_when_the_last_mail_is_sent_and_all_was_gone_through_again(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    user_id = await user_of(database, account)
    await _delete(person, account.email)

    async def state() -> tuple[list[str], bool]:
        await let_due(database, user_id, settled=True)
        assert await erasure.erase_due(database, settings, tools, only=user_id) == 1
        mails = await database.fetch("select kind from mails where to_address = $1", account.email)
        row = await database.fetchrow("select ended_at from erasures where user_id = $1", user_id)
        assert row
        return [mail["kind"] for mail in mails], row["ended_at"] is not None

    assert await state() == (["account_deleted"], False)
    assert await state() == (["account_deleted"], False)
    await database.fetch("update mails set status = 'sent' where to_address = $1", account.email)
    assert await state() == ([], True)
    await let_due(database, user_id)
    assert await erasure.erase_due(database, settings, tools, only=user_id) == 0


@pytest.mark.parametrize("role", ["admin", "viewer"])
async def test_a_team_left_without_an_owner_gets_one(
    account: Account,
    neighbour: Account,
    person: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    tools: AssetTools,
    role: str,
) -> None:
    """Whoever was to stay an owner went meanwhile."""
    me, other = await user_of(database, account), await user_of(database, neighbour)
    await _delete(person, account.email)
    team = await make_team(database, "Lacquer", owner=me, **{role: other})
    await let_due(database, me)
    await erasure.erase_due(database, settings, tools, only=me)
    members = await database.fetch("select user_id, role from members where workspace_id = $1", team)
    assert [(member["user_id"], member["role"]) for member in members] == [(other, "owner")]


async def test_a_team_of_ones_own_goes_along(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    me = await user_of(database, account)
    team = await make_team(database, "Alone", owner=me)
    await _delete(person, account.email)
    await let_due(database, me)
    await erasure.erase_due(database, settings, tools, only=me)
    row = await database.fetchrow("select name, deleted_at from workspaces where id = $1", team)
    assert row
    assert row["name"] == "erased"
    assert row["deleted_at"]


async def test_two_workers_at_once_do_no_harm(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    me = await user_of(database, account)
    await account.upload()
    await _delete(person, account.email)
    await let_due(database, me)
    done = await asyncio.gather(*(erasure.erase_due(database, settings, tools, only=me) for _ in range(3)))
    assert sorted(done) == [0, 0, 1]


async def test_a_worker_that_comes_late_does_not_lose_the_last_mail(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    """It claimed the erasure, and another did all of it meanwhile."""
    user_id = await user_of(database, account)
    await _delete(person, account.email)
    await let_due(database, user_id)
    async with database.transaction() as session:
        late = await queries.claim(
            session, erasure.LEASE, settled=erasure.SETTLED, patience=erasure.PATIENCE, only=user_id
        )
    await let_due(database, user_id)
    assert await erasure.erase_due(database, settings, tools, only=user_id) == 1
    await erasure._erase(database, settings, tools, late)
    mails = await database.fetch("select kind, status from mails where to_address = $1", account.email)
    assert [(mail["kind"], mail["status"]) for mail in mails] == [("account_deleted", "pending")]


async def test_keys_made_in_a_team_end_and_leave_no_name(
    account: Account,
    neighbour: Account,
    person: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    tools: AssetTools,
) -> None:
    """The team learns that they ended; what their maker called them, and where they were used from, goes."""
    user_id = await user_of(database, account)
    team = await make_team(database, "Lacquer", owner=await user_of(database, neighbour), admin=user_id)
    made = await person.post(
        "/v1/api-keys", json={"name": "Thu's laptop"}, headers={"X-Workspace-Id": encode("ws", team)}
    )
    assert made.status_code == 201, made.text
    await _delete(person, account.email)
    await let_due(database, user_id)
    assert await erasure.erase_due(database, settings, tools, only=user_id) == 1
    told = await database.fetch("select type, data from events where workspace_id = $1 order by position", team)
    kinds = [(row["type"], row["data"]) for row in told if row["type"].startswith("api_key.")]
    assert kinds == [("api_key.created", "{}"), ("api_key.revoked", "{}")]
    noted = await database.fetch(
        "select d.data from audit_entries e left join audit_details d on d.entry_id = e.id"
        " where e.chain = $1 and e.action like 'api_key.%' order by e.number",
        team,
    )
    assert [row["data"] for row in noted] == [None, None]
