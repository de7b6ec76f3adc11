"""Grants: what is burned first, what expires, and where credits go back to."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.ledger import service
from app.ledger.errors import InsufficientCredits, NotRefundable, ReferenceTaken
from tests.conftest import Account
from tests.ledger.purse import Purse
from workers import maintenance

DAY = timedelta(days=1)


def in_days(days: int) -> dict[str, object]:
    return {"expires_at": clock.now() + days * DAY}


async def test_the_lowest_priority_then_the_soonest_to_expire_is_burned_first(purse: Purse) -> None:
    await purse.grant(3, **in_days(2))
    await purse.grant(3, **in_days(1))
    await purse.grant(3, priority=-1)
    await purse.hold(8, uuid4())
    assert await purse.remaining() == [10, 1, 0, 0]


async def test_a_release_gives_back_to_each_grant_what_it_gave(purse: Purse) -> None:
    task = uuid4()
    await purse.grant(3, **in_days(1))
    await purse.hold(5, task)
    assert await purse.remaining() == [8, 0]
    await purse.release(task)
    assert await purse.remaining() == [10, 3]


async def test_a_partial_capture_burns_in_order_and_gives_back_the_rest(purse: Purse) -> None:
    task = uuid4()
    await purse.grant(3, **in_days(1))
    await purse.hold(5, task)
    await purse.capture(2, task)
    assert await purse.remaining() == [10, 1]
    assert await purse.state() == (11, 0, 13, 2)


async def test_what_is_past_its_expiry_cannot_be_held_though_no_job_has_run(purse: Purse) -> None:
    await purse.grant(5, **in_days(1))
    await purse.pass_time(2 * DAY)
    with pytest.raises(InsufficientCredits) as refused:
        await purse.hold(11, uuid4())
    assert refused.value.facts == {"price": 11, "balance": 10}
    await purse.hold(10, uuid4())
    assert await purse.state() == (0, 10, 15, 0)


async def test_what_comes_back_to_an_expired_grant_expires_at_once(purse: Purse) -> None:
    task = uuid4()
    await purse.grant(5, **in_days(1))
    await purse.hold(4, task)
    await purse.pass_time(2 * DAY)
    assert await purse.state() == (10, 4, 15, 0)  # what is held does not expire
    await purse.release(task)
    assert await purse.state() == (10, 0, 15, 0)
    history = await purse.rows(
        "select kind, amount / 1000000 from credit_transfers where workspace_id = :workspace order by entry"
    )
    assert history == [("grant", 10), ("grant", 5), ("expiry", 1), ("expiry", 4)]


async def test_a_refund_to_an_expired_grant_is_worth_something_for_30_days(purse: Purse) -> None:
    task = uuid4()
    await purse.grant(5, **in_days(1))
    await purse.hold(4, task)
    await purse.capture(4, task)
    await purse.pass_time(2 * DAY)
    assert await purse.refund(task, 3) == 13
    assert await purse.remaining() == [10, 3]  # and nothing of what had expired
    await purse.pass_time(29 * DAY)
    assert await purse.state() == (13, 0, 15, 1)
    await purse.pass_time(2 * DAY)
    assert await purse.state() == (10, 0, 15, 1)


async def test_refunds_end_with_what_was_captured(purse: Purse) -> None:
    task = uuid4()
    await purse.hold(4, task)
    with pytest.raises(NotRefundable):
        await purse.refund(task)
    await purse.capture(3, task)
    assert await purse.refund(task, 1, "one") == 8
    assert await purse.refund(task, 1, "one") == 8
    with pytest.raises(ReferenceTaken):
        await purse.refund(task, 2, "one")
    with pytest.raises(NotRefundable, match="2 credits are left"):
        await purse.refund(task, 3)
    assert await purse.refund(task) == 10
    with pytest.raises(NotRefundable):
        await purse.refund(task)
    assert await purse.state() == (10, 0, 10, 0)


async def test_a_reference_grants_once(purse: Purse) -> None:
    reference = str(uuid4())
    given = await asyncio.gather(*(purse.grant(5, reference) for _ in range(4)))
    assert sorted(given) == [False, False, False, True]
    assert (await purse.state())[0] == 15
    with pytest.raises(ReferenceTaken):
        await purse.grant(6, reference)


async def test_the_job_expires_all_that_is_due_once(database: Database, settings: Settings) -> None:
    purses = [Purse(database, settings) for _ in range(7)]
    for purse in purses:
        await purse.grant(5, **in_days(1))
        await purse.pass_time(2 * DAY)
    counts = await asyncio.gather(*(service.expire_due(database, at_once=3) for _ in range(2)))
    assert sum(counts) >= 7
    balance = "select balance / 1000000, next_expiry_at from credit_accounts where workspace_id = :workspace"
    assert [await purse.rows(balance) for purse in purses] == [[(10, None)]] * 7
    assert await service.expire_due(database) == 0
    entries = "select count(*) from credit_transfers where workspace_id = :workspace and kind = 'expiry'"
    assert [await purse.rows(entries) for purse in purses] == [[(1,)]] * 7


def test_the_job_is_on_the_clock() -> None:
    from workers.settings import Maintenance

    assert maintenance.expire_credits in [job.coroutine for job in Maintenance.cron_jobs]


async def test_grants_and_the_balance_over_http_agree(account: Account, database: Database, settings: Settings) -> None:
    purse = Purse(database, settings, account.workspace_id)
    await purse.grant(5, **in_days(1))
    await purse.grant(7, priority=3)
    await purse.hold(2, task := uuid4())
    await purse.release(task)
    shown = (await account.live.get("/v1/credits/grants")).json()
    assert [(one["amount"], one["remaining"], one["priority"]) for one in shown["data"]] == [
        (7, 7, 3),
        (5, 5, 0),
        (10, 10, 0),
    ]
    assert [one["expires_at"] is None for one in shown["data"]] == [True, False, True]
    assert all(one["id"].startswith("grant_") for one in shown["data"])
    assert (await account.live.get("/v1/credits")).json()["balance"] == 22
    await purse.pass_time(2 * DAY)
    assert len((await account.live.get("/v1/credits/grants")).json()["data"]) == 2
    assert (await account.live.get("/v1/credits")).json()["balance"] == 17
    assert [one["amount"] for one in (await account.test.get("/v1/credits/grants")).json()["data"]] == [1000]


async def test_a_thousand_holds_at_once_on_a_balance_for_five_hundred(purse: Purse, settings: Settings) -> None:
    """Over many connections, while the burn goes over from one grant to the next and some is given back."""
    await purse.state()
    await purse.grant(200, **in_days(2))
    await purse.grant(290, **in_days(1))
    url = settings.database.url.get_secret_value()
    async with asyncpg.create_pool(url, min_size=24, max_size=24) as pool:

        async def take() -> int | None:
            left: int | None = await pool.fetchval(
                "select ledger_hold($1, 'live', gen_random_uuid(), 1000000)", purse.workspace_id
            )
            return left

        taken = await asyncio.gather(*(take() for _ in range(1000)))
        admitted = [left for left in taken if left is not None]
        assert sorted(admitted) == [left * 1_000_000 for left in range(500)]
        assert await purse.state() == (0, 500, 500, 0)
        tasks = await purse.held()
        given_back = await asyncio.gather(*(pool.fetchval("select ledger_release($1)", task) for task in tasks))
    assert max(given_back) == 500_000_000
    assert await purse.remaining() == [10, 200, 290]
