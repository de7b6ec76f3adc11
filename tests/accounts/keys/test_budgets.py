"""Budgets: orders of a key never pass what it may spend, however many there are at once. No worker runs here."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.accounts.keys import budgets
from app.core import clock
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from app.ledger.verify import verify
from tests.accounts.keys.conftest import MakeKey
from tests.conftest import Account, client

CAT = {"operation": "text_to_image", "input": {"prompt": "a cat", "num_images": 2}}
"""Costs two test credits."""


@pytest.fixture(autouse=True)
async def books(database: Database, account: Account) -> AsyncIterator[None]:
    """They are right after each test, and nothing is left for the workers of others."""
    yield
    async with database.transaction() as session:
        assert await verify(session) == []
    for task in (await account.test.get("/v1/tasks", params={"status": "pending", "limit": 100})).json()["data"]:
        await account.test.post(f"/v1/tasks/{task['id']}/cancel")
    async with database.transaction() as session:
        assert await verify(session) == []


async def make(make_key: MakeKey, account: Account, credits_: float, period: str = "total", **terms: Any):  # type: ignore[no-untyped-def]
    return await make_key(account.test, budget={"credits": credits_, "period": period}, **terms)


async def shown(account: Account, key: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await account.live.get(f"/v1/api-keys/{key['id']}")).json()["budget"]
    return found


async def spent(account: Account, key: dict[str, Any]) -> float:
    found: float = (await shown(account, key))["spent"]
    return found


def batch(count: int) -> dict[str, Any]:
    return {
        "operation": "text_to_image",
        "items": [{"input": {"prompt": f"cat {n}", "num_images": 2}} for n in range(count)],
    }


async def change(database: Database, key: dict[str, Any], values: str) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(f"update key_budgets set {values} where key_id = :key"), {"key": decode("key", key["id"])}
        )


async def test_many_orders_at_once_never_pass_it(
    account: Account, settings: Settings, other: Settings, make_key: MakeKey
) -> None:
    key, here = await make(make_key, account, 9)
    async with client(other, key["secret"]) as there:
        orders = [place.post("/v1/tasks", json=CAT) for _ in range(20) for place in (here, there)]
        answers = await asyncio.gather(*orders)
    assert Counter(answer.status_code for answer in answers) == {202: 4, 402: 36}
    assert await shown(account, key) == {"credits": 9, "period": "total", "spent": 8, "resets_at": None}
    refused = next(answer.json() for answer in answers if answer.status_code == 402)
    assert (refused["code"], refused["price"], refused["budget"]) == ("key_budget_exceeded", 2, 9)
    assert refused["resets_at"] is None
    assert (await account.test.get("/v1/credits")).json()["held"] == 8


async def test_what_it_is_short_of_is_told(account: Account, make_key: MakeKey) -> None:
    _, caller = await make(make_key, account, 3.000001, "month")
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    refused = (await caller.post("/v1/tasks", json=CAT)).json()
    assert (refused["budget"], refused["spent"], refused["price"], refused["period"]) == (3.000001, 2, 2, "month")
    reset = datetime.fromisoformat(refused["resets_at"])
    assert (reset.day, reset.hour, reset > clock.now()) == (1, 0, True)
    assert "2 credits" in refused["detail"]


async def test_a_canceled_task_gives_back(account: Account, make_key: MakeKey) -> None:
    key, caller = await make(make_key, account, 2)
    path = (await caller.post("/v1/tasks", json=CAT)).headers["location"]
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 402
    assert await spent(account, key) == 2
    await account.test.post(f"{path}/cancel")
    assert await spent(account, key) == 0
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202


async def test_a_batch_is_covered_wholly_or_refused(account: Account, make_key: MakeKey) -> None:
    key, caller = await make(make_key, account, 7)
    refused = await caller.post("/v1/batches", json=batch(4))
    assert (refused.status_code, refused.json()["code"], refused.json()["price"]) == (402, "key_budget_exceeded", 8)
    assert await spent(account, key) == 0
    accepted = await caller.post("/v1/batches", json=batch(3))
    assert accepted.status_code == 202
    assert await spent(account, key) == 6
    assert (await caller.post("/v1/batches", json=batch(1))).status_code == 402
    await caller.post(f"{accepted.headers['location']}/cancel")
    assert await spent(account, key) == 0


async def test_batches_and_orders_at_once_never_pass_it(account: Account, make_key: MakeKey) -> None:
    key, caller = await make(make_key, account, 21)
    asked = [caller.post("/v1/batches", json=batch(n % 3 + 1)) for n in range(10)]
    asked += [caller.post("/v1/tasks", json=CAT) for _ in range(10)]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {202, 402}
    assert await spent(account, key) == (await account.test.get("/v1/credits")).json()["held"] == 20


async def test_another_attempt_counts_for_whoever_orders_it(account: Account, make_key: MakeKey) -> None:
    key, caller = await make(make_key, account, 3)
    path = (await caller.post("/v1/tasks", json=CAT)).headers["location"]
    await caller.post(f"{path}/cancel")
    assert (await caller.post(f"{path}/retry")).status_code == 202
    assert await spent(account, key) == 2
    second = (await account.test.post("/v1/tasks", json=CAT)).headers["location"]
    await account.test.post(f"{second}/cancel")
    refused = await caller.post(f"{second}/retry")
    assert (refused.status_code, refused.json()["code"]) == (402, "key_budget_exceeded")
    assert (refused.json()["price"], refused.json()["spent"]) == (2, 2)
    assert (await account.test.post(f"{second}/retry")).status_code == 202
    assert await spent(account, key) == 2


async def test_a_repeat_is_answered_though_the_budget_is_used_up(account: Account, make_key: MakeKey) -> None:
    key, caller = await make(make_key, account, 2)
    once = {"Idempotency-Key": "order-1"}
    first = await caller.post("/v1/tasks", json=CAT, headers=once)
    again = await caller.post("/v1/tasks", json=CAT, headers=once)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert await spent(account, key) == 2


async def test_a_period_that_is_over_is_as_if_nothing_was_spent(
    account: Account, make_key: MakeKey, database: Database
) -> None:
    key, caller = await make(make_key, account, 3, "day")
    path = (await caller.post("/v1/tasks", json=CAT)).headers["location"]
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 402
    await change(database, key, "started_at = started_at - interval '1 day'")  # midnight
    assert await spent(account, key) == 0
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    assert await spent(account, key) == 2
    await account.test.post(f"{path}/cancel")  # ordered yesterday: it gives today nothing
    assert await spent(account, key) == 2
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 402


async def test_many_orders_at_the_turn_of_a_month_never_pass_it(
    account: Account, make_key: MakeKey, database: Database
) -> None:
    key, caller = await make(make_key, account, 5, "month")
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    await change(database, key, "started_at = started_at - interval '1 month'")
    answers = await asyncio.gather(*(caller.post("/v1/tasks", json=CAT) for _ in range(12)))
    assert Counter(answer.status_code for answer in answers) == {202: 2, 402: 10}
    assert await spent(account, key) == 4


async def test_a_changed_budget_keeps_what_was_spent(account: Account, make_key: MakeKey) -> None:
    key, caller = await make(make_key, account, 2)
    path = f"/v1/api-keys/{key['id']}"
    await caller.post("/v1/tasks", json=CAT)
    raised = await account.test.patch(path, json={"budget": {"credits": 4}})
    assert raised.json()["budget"] == {"credits": 4, "period": "total", "spent": 2, "resets_at": None}
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    await account.test.patch(path, json={"budget": {"credits": 1}})
    assert (await caller.post("/v1/tasks", json=CAT)).json()["spent"] == 4
    anew = await account.test.patch(path, json={"budget": {"credits": 3, "period": "day"}})
    assert anew.json()["budget"]["spent"] == 0
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    lifted = await account.test.patch(path, json={"budget": None})
    assert lifted.json()["budget"] is None
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    back = await account.test.patch(path, json={"budget": {"credits": 3, "period": "day"}})
    assert back.json()["budget"]["spent"] == 0
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 402


async def test_keys_made_by_a_key_with_a_budget_spend_from_it(account: Account, make_key: MakeKey) -> None:
    scopes = ["tasks:write", "tasks:read", "keys:write"]
    parent, mother = await make(make_key, account, 4, scopes=scopes)
    child, daughter = await make_key(mother, scopes=scopes)
    _, granddaughter = await make_key(daughter)
    assert child["budget"] == parent["budget"]
    for caller in (daughter, granddaughter):
        assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    for caller in (mother, daughter, granddaughter):
        assert (await caller.post("/v1/tasks", json=CAT)).json()["code"] == "key_budget_exceeded"
    assert await spent(account, parent) == await spent(account, child) == 4
    own = await daughter.post("/v1/api-keys", json={"name": "n", "budget": {"credits": 1}})
    assert (own.status_code, own.json()["errors"][0]["pointer"]) == (403, "/budget")


@pytest.mark.parametrize(
    ("budget", "pointer"),
    [
        ({"credits": 0}, "/budget/credits"),
        ({"credits": -1}, "/budget/credits"),
        ({"credits": 0.0000001}, "/budget/credits"),
        ({"credits": 1e10}, "/budget/credits"),
        ({"credits": "5"}, "/budget/credits"),
        ({"credits": True}, "/budget/credits"),
        ({"credits": 5, "period": "week"}, "/budget/period"),
        ({"period": "day"}, "/budget/credits"),
        ({"credits": 5, "left": 3}, "/budget/left"),
        (5, "/budget"),
    ],
)
async def test_what_is_no_budget_is_refused(account: Account, budget: object, pointer: str) -> None:
    answer = await account.live.post("/v1/api-keys", json={"name": "n", "budget": budget})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_budget_that_is_no_json_number_is_refused(account: Account) -> None:
    body = b'{"name": "n", "budget": {"credits": NaN}}'
    answer = await account.live.post("/v1/api-keys", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


BREACHES = [
    "update key_budgets set spent = spent + 1 where key_id = :key",
    "update key_budgets set spent = 0 where key_id = :key",
    "update key_budgets set round = round - 1 where key_id = :key",
    "alter table credit_holds disable trigger user;"
    "update credit_holds set budget_key_id = null, budget_round = null where budget_key_id = :key",
    "alter table credit_holds disable trigger credit_holds_count_in_budget",
    "update api_keys set mode = 'live' where id = :key",
]


class _Undone(Exception):
    """So that the breach is not kept."""


@pytest.mark.parametrize("statements", BREACHES)
async def test_books_that_are_wrong_are_noticed(
    account: Account, make_key: MakeKey, database: Database, statements: str
) -> None:
    key, caller = await make(make_key, account, 10)
    assert (await caller.post("/v1/tasks", json=CAT)).status_code == 202
    with suppress(_Undone):
        async with database.transaction() as session:
            assert await verify(session) == []
            for statement in statements.split(";"):
                values = {"key": decode("key", key["id"])} if ":key" in statement else {}
                await session.execute(text(statement), values)
            assert "I11" in {breach.invariant for breach in await verify(session)}
            raise _Undone


async def test_the_database_keeps_what_a_hold_counts_in(
    account: Account, make_key: MakeKey, database: Database
) -> None:
    _, caller = await make(make_key, account, 10)
    task = decode("task", (await caller.post("/v1/tasks", json=CAT)).json()["id"])
    with pytest.raises(Exception, match="credit_holds"):
        await database.fetch("update credit_holds set budget_round = budget_round + 1 where task_id = $1", task)


@pytest.mark.parametrize(
    ("period", "at", "begun", "next_"),
    [
        ("day", "2026-11-22T23:59:59.999+00:00", "2026-11-22", "2026-11-23"),
        ("day", "2026-11-23T03:00:00+07:00", "2026-11-22", "2026-11-23"),  # days are those of UTC
        ("month", "2026-12-31T12:00:00+00:00", "2026-12-01", "2027-01-01"),
        ("month", "2028-01-31T00:00:00+00:00", "2028-01-01", "2028-02-01"),
        ("total", "2026-11-22T12:00:00+00:00", "1970-01-01", None),
    ],
)
async def test_periods_begin_where_the_database_says(
    database: Database, period: str, at: str, begun: str, next_: str | None
) -> None:
    moment, start = datetime.fromisoformat(at), datetime.fromisoformat(begun).replace(tzinfo=UTC)
    assert budgets.start(period, moment) == start
    assert budgets.resets_at(period, moment) == (datetime.fromisoformat(next_).replace(tzinfo=UTC) if next_ else None)
    row = await database.fetchrow("select budget_start($1, $2) as start", period, moment)
    assert row is not None
    assert row["start"] == start
    if next_:
        assert budgets.start(period, start - timedelta(microseconds=1)) < start
