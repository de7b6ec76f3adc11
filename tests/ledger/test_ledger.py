"""Money: holds, captures, releases, and the database that guards them."""

import asyncio
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.amounts import to_number
from app.core.db import Database
from app.core.settings import Settings
from app.ledger.errors import InsufficientCredits
from app.ledger.service import HoldMissing
from tests.conftest import Account
from tests.ledger.purse import Purse


async def test_an_account_opens_with_ten_credits(purse: Purse) -> None:
    assert await purse.state() == (10, 0, 10, 0)


async def test_two_first_looks_at_once_grant_once(purse: Purse) -> None:
    await asyncio.gather(*(purse.state() for _ in range(8)))
    assert await purse.state() == (10, 0, 10, 0)


async def test_a_hold_sets_aside_and_a_capture_takes(purse: Purse) -> None:
    task = uuid4()
    await purse.hold(4, task)
    assert await purse.state() == (6, 4, 10, 0)
    await purse.capture(3, task)
    assert await purse.state() == (7, 0, 10, 3)


async def test_a_release_gives_all_back(purse: Purse) -> None:
    task = uuid4()
    await purse.hold(4, task)
    await purse.release(task)
    assert await purse.state() == (10, 0, 10, 0)


async def test_a_hold_is_settled_once(purse: Purse) -> None:
    task = uuid4()
    await purse.hold(4, task)
    await purse.capture(4, task)
    with pytest.raises(HoldMissing):
        await purse.release(task)
    with pytest.raises(HoldMissing):
        await purse.capture(4, task)
    assert await purse.state() == (6, 0, 10, 4)


async def test_two_settlements_at_once_settle_once(purse: Purse) -> None:
    task = uuid4()
    await purse.hold(4, task)
    results = await asyncio.gather(
        *(purse.capture(4, task) for _ in range(4)), *(purse.release(task) for _ in range(4)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1
    assert (await purse.state())[1] == 0


async def test_one_task_has_one_open_hold(purse: Purse) -> None:
    task = uuid4()
    await purse.hold(1, task)
    with pytest.raises(IntegrityError):
        await purse.hold(1, task)
    assert await purse.state() == (9, 1, 10, 0)


async def test_no_more_can_be_captured_than_held(purse: Purse) -> None:
    task = uuid4()
    await purse.hold(1, task)
    with pytest.raises(IntegrityError):
        await purse.capture(2, task)
    assert await purse.state() == (9, 1, 10, 0)


async def test_many_holds_at_once_admit_what_the_balance_covers(purse: Purse) -> None:
    await purse.state()
    results = await asyncio.gather(*(purse.hold(1, uuid4()) for _ in range(30)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, InsufficientCredits)]
    assert len(refused) == 20
    assert results.count(None) == 10
    assert await purse.state() == (0, 10, 10, 0)
    assert refused[0].facts == {"price": 1, "balance": 0}


@pytest.mark.parametrize(
    "statement",
    [
        "update credit_transfers set amount = amount + 1",
        "delete from credit_transfers",
        "truncate credit_transfers",
        "update credit_holds set status = 'open', resolved_at = null, captured = 0 where status <> 'open'",
        "update credit_holds set refunded = -1 where status <> 'open'",
        "update credit_holds set grant_ids = '{}', grant_amounts = '{}' where status = 'open' and amount > 0",
        "delete from credit_holds",
        "update credit_accounts set balance = -1",
        "update credit_grants set amount = amount + 1",
        "update credit_grants set remaining = -1",
        "delete from credit_grants",
        "truncate credit_grants",
    ],
)
async def test_the_database_itself_refuses_to_rewrite_history(purse: Purse, database: Database, statement: str) -> None:
    task = uuid4()
    await purse.hold(1, task)
    await purse.capture(1, task)
    await purse.hold(1, uuid4())
    with pytest.raises(DBAPIError):
        async with database.transaction() as session:
            await session.execute(text(statement))


async def test_transactions_chain_and_sum_to_the_balance(
    account: Account, settings: Settings, database: Database
) -> None:
    purse = Purse(database, settings, account.workspace_id)
    for amount in (1, 2, 3):
        task = uuid4()
        await purse.hold(amount, task)
        await purse.capture(amount, task)
    first = (await account.live.get("/v1/credits/transactions", params={"limit": 3})).json()
    rest = (
        await account.live.get("/v1/credits/transactions", params={"limit": 3, "cursor": first["next_cursor"]})
    ).json()
    rows = first["data"] + rest["data"]
    assert rest["next_cursor"] is None
    assert [row["amount"] for row in rows] == [-3, -2, -1, 10]
    assert all(row["balance_after"] == row["balance_before"] + row["amount"] for row in rows)
    assert all(newer["balance_before"] == older["balance_after"] for newer, older in pairwise(rows))
    credits_ = (await account.live.get("/v1/credits")).json()
    assert credits_ == {"balance": 4, "held": 0, "total_earned": 10, "total_spent": 6, "low_mark": 2}
    assert sum(row["amount"] for row in rows) == credits_["balance"]


async def test_test_keys_have_a_purse_of_their_own(account: Account) -> None:
    assert (await account.test.get("/v1/credits")).json()["balance"] == 1000
    assert (await account.live.get("/v1/credits")).json()["balance"] == 10


def test_numbers_on_the_wire_are_whole_where_they_can_be() -> None:
    assert [repr(to_number(micro)) for micro in (2_000_000, 1_500_000, 15_300, 0)] == ["2", "1.5", "0.0153", "0"]
