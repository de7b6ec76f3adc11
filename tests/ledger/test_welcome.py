"""Welcome credits: live ones await the verified address, and whoever looks or orders first gets them, once."""

import asyncio

import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.ledger import service
from tests.conftest import Account

_SET = """
    update users set email_verified_at = case when $2 then now() end, no_welcome = $3
    where id = (select owner_id from workspaces where id = $1)
"""


async def _look(database: Database, settings: Settings, account: Account, mode: str = "live") -> int:
    async with database.transaction() as session:
        found = await service.get_account(session, settings, workspace_id=account.workspace_id, mode=mode)
        return found.balance


@pytest.fixture
async def awaiting(account: Account, database: Database, settings: Settings) -> Account:
    """Its owner looked at the credits before the address was verified, as it is by now."""
    await database.fetch(_SET, account.workspace_id, False, False)
    assert await _look(database, settings, account) == 0
    assert await _look(database, settings, account, "test") > 0
    await database.fetch(_SET, account.workspace_id, True, False)
    return account


async def test_who_looks_gets_them_once(awaiting: Account, database: Database, settings: Settings) -> None:
    balances = await asyncio.gather(*(_look(database, settings, awaiting) for _ in range(5)))
    assert set(balances) == {service.welcome(settings, "live")[0]}


@pytest.mark.parametrize("path", ["tasks", "batches"])
async def test_an_order_finds_them(awaiting: Account, path: str) -> None:
    entry = {"input": {"image": await awaiting.upload()}}
    order = entry if path == "tasks" else {"items": [entry]}
    answer = await awaiting.live.post(f"/v1/{path}", json={"operation": "remove_background", **order})
    assert answer.status_code == 202, answer.text


async def test_whose_mailbox_had_them_gets_none_and_awaits_none(
    awaiting: Account, database: Database, settings: Settings
) -> None:
    await database.fetch(_SET, awaiting.workspace_id, True, True)
    assert await _look(database, settings, awaiting) == 0
    await database.fetch(_SET, awaiting.workspace_id, True, False)
    assert await _look(database, settings, awaiting) == 0, "that was decided"


async def test_a_grant_of_the_operator_does_not_take_their_place(
    awaiting: Account, database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        where = {"workspace_id": awaiting.workspace_id, "mode": "live"}
        reference = f"test:{awaiting.workspace_id}"
        assert await service.grant(session, settings, 7, **where, reason="test", reference=reference)
    assert await _look(database, settings, awaiting) == service.welcome(settings, "live")[0] + 7
