"""What is told of credits: what came in, and when what is left crosses a line; and that nothing else is told."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.amounts import MICRO
from app.core.db import Database
from app.core.ids import new_id
from app.ledger import service, verify
from app.ledger.models import GrantKind
from tests.conftest import Account
from tests.events.told import check, names, told
from tests.ledger.purse import Purse

CALLS = """
    select coalesce(sum(calls), 0) from pg_stat_xact_user_functions where funcname = 'tell_credits_spent'
"""


async def spend(purse: Purse, amount: int) -> None:
    task_id = new_id()
    await purse.hold(amount, task_id)
    await purse.capture(amount, task_id)


async def lines(purse: Purse) -> list[str]:
    """The crossings that were told, in order."""
    return [
        name.removeprefix("credits.")
        for name in await names(purse.database, purse.workspace_id, "credits")
        if name != "credits.granted"
    ]


async def set_mark(purse: Purse, credits_: int) -> None:
    await purse.rows(
        "update credit_accounts set low_mark = :mark where workspace_id = :workspace", mark=credits_ * MICRO
    )


async def test_each_way_credits_come_in_is_told(purse: Purse) -> None:
    ends = clock.now() + timedelta(days=30)
    await purse.grant(5, "welcome-back", reason="Sorry", expires_at=ends, priority=3)
    assert not await purse.grant(5, "welcome-back", reason="Sorry", expires_at=ends, priority=3)
    task_id = new_id()
    await purse.hold(4, task_id)
    await purse.grant(100, kind=GrantKind.PURCHASE, reason="100 credits")
    events = await told(purse.database, purse.workspace_id, "credits")
    check(events)
    assert [event.type for event in events] == ["credits.granted"] * 3
    welcome, sorry, bought = (event.data for event in events)
    assert (welcome["kind"], welcome["amount"], welcome["balance"], welcome["expires_at"]) == ("grant", 10, 10, None)
    assert (sorry["reason"], sorry["priority"], sorry["balance"], sorry["held"]) == ("Sorry", 3, 15, 0)
    assert sorry["expires_at"].startswith(f"{ends:%Y-%m-%dT%H:%M}")
    assert (bought["kind"], bought["amount"], bought["remaining"]) == ("purchase", 100, 100)
    assert (bought["balance"], bought["held"]) == (111, 4)


async def test_a_grant_that_is_rolled_back_was_never_told(purse: Purse) -> None:
    await purse.state()

    async def work(session: AsyncSession) -> None:
        terms: dict[str, Any] = {"reason": "test", "reference": str(new_id()), **purse.where}
        await service.grant(session, purse.settings, MICRO, **terms)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await purse.do(work)
    assert len(await names(purse.database, purse.workspace_id, "credits")) == 1


async def test_crossing_a_line_is_told_once(purse: Purse) -> None:
    await spend(purse, 8)
    assert await lines(purse) == [], "two are left: that is the mark, and not below it"
    await spend(purse, 1)
    assert await lines(purse) == ["low"]
    await spend(purse, 1)
    assert await lines(purse) == ["low", "exhausted"]
    low, exhausted = [
        event for event in await told(purse.database, purse.workspace_id) if event.type != "credits.granted"
    ]
    check([low, exhausted])
    assert low.data == {"balance": 1, "held": 0, "total_earned": 10, "total_spent": 9, "low_mark": 2}
    assert (exhausted.data["balance"], exhausted.data["held"], exhausted.mode) == (0, 0, "live")


async def test_what_is_held_and_given_back_crosses_nothing(purse: Purse) -> None:
    for _ in range(3):
        task_id = new_id()
        await purse.hold(10, task_id)
        await purse.release(task_id)
    assert await lines(purse) == []
    task_id = new_id()
    await purse.hold(10, task_id)
    await purse.capture(3, task_id)
    assert await lines(purse) == [], "seven are left"


async def test_each_crossing_is_told_again_after_more_came_in(purse: Purse) -> None:
    for _ in range(2):
        await spend(purse, 9)
        await purse.grant(9)
    task_id = new_id()
    await purse.hold(10, task_id)
    await purse.capture(10, task_id)
    await purse.refund(task_id, 10)
    await spend(purse, 9)
    assert await lines(purse) == ["low", "low", "low", "exhausted", "low"]


async def test_all_at_once_is_low_and_exhausted_in_one(purse: Purse) -> None:
    await spend(purse, 10)
    assert await lines(purse) == ["low", "exhausted"]


async def test_what_expires_is_gone_as_if_it_were_spent(purse: Purse) -> None:
    await purse.grant(5, expires_at=clock.now() + timedelta(days=1), priority=9)
    await spend(purse, 10)
    assert await lines(purse) == []
    await purse.pass_time(timedelta(days=2))
    assert (await purse.state())[0] == 0
    assert await lines(purse) == ["low", "exhausted"]


async def test_the_mark_is_the_workspaces_own(purse: Purse) -> None:
    await purse.state()
    await set_mark(purse, 9)
    assert await lines(purse) == []
    await spend(purse, 2)
    assert await lines(purse) == ["low"]
    await set_mark(purse, 20)
    await spend(purse, 1)
    assert await lines(purse) == ["low"], "it was below the mark already"
    await set_mark(purse, 0)
    await spend(purse, 7)
    assert await lines(purse) == ["low", "exhausted"]


async def test_the_mark_is_set_over_http_for_each_mode(account: Account, database: Database) -> None:
    shown = (await account.live.get("/v1/credits")).json()
    assert shown["low_mark"] == 2
    answer = await account.live.patch("/v1/credits", json={"low_mark": 5.25})
    assert (answer.status_code, answer.json()) == (200, {"low_mark": 5.25})
    assert (await account.live.get("/v1/credits")).json() == shown | {"low_mark": 5.25}
    assert (await account.test.get("/v1/credits")).json()["low_mark"] == 2
    assert (await account.test.patch("/v1/credits", json={"low_mark": 0})).json() == {"low_mark": 0}
    log = (await account.person.get("/v1/audit-log", params={"action": "credits.low_mark_set"})).json()["data"]
    assert [entry["data"] for entry in log] == [{"mode": "test", "low_mark": 0}, {"mode": "live", "low_mark": 5.25}]


@pytest.mark.parametrize("wrong", ["-1", "0.0000001", '"5"', "null", "true", "1e10", "1e400", "[5]"])
async def test_what_is_no_mark_is_refused(account: Account, wrong: str) -> None:
    body, headers = f'{{"low_mark": {wrong}}}', {"content-type": "application/json"}
    answer = await account.live.patch("/v1/credits", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/low_mark"]
    assert (await account.live.get("/v1/credits")).json()["low_mark"] == 2


async def test_the_books_are_right_whatever_is_told(purse: Purse) -> None:
    await spend(purse, 9)
    await purse.grant(1)
    await spend(purse, 2)
    breaches = await purse.do(verify.verify)
    assert [breach for breach in breaches if str(purse.workspace_id) in breach.detail] == []


async def test_what_is_no_crossing_calls_nothing(purse: Purse) -> None:
    """Orders do not pay for what tells of credits: its function is called on a crossing alone."""
    await purse.state()

    async def calls_by(amount: int) -> int:
        async with purse.database.transaction() as session:
            await session.execute(text("set local track_functions = 'all'"))
            task_id = new_id()
            await service.hold(session, purse.settings, amount * MICRO, task_id=task_id, **purse.where)
            await service.capture(session, task_id, amount * MICRO, reason="test")
            return int((await session.execute(text(CALLS))).scalar_one())

    assert await calls_by(3) == 0
    assert await calls_by(6) == 1
