"""What becomes of a task decides what its key has spent: captured, given back, refunded."""

import pytest

from app.core.db import Database
from app.core.ids import decode
from app.ledger import service as ledger
from app.ledger.verify import verify
from tests.accounts.keys.conftest import MakeKey
from tests.conftest import Account

pytestmark = [pytest.mark.usefixtures("running_workers"), pytest.mark.xdist_group("workers")]


async def end_of(account: Account, path: str) -> str:
    answer = await account.test.get(path, params={"wait": 30}, timeout=40)
    return str(answer.json()["status"])


@pytest.mark.parametrize(("model", "status", "spent"), [("auto", "succeeded", 2), ("sandbox:reject", "failed", 0)])
async def test_only_what_succeeds_stays_spent(
    account: Account, make_key: MakeKey, database: Database, model: str, status: str, spent: int
) -> None:
    key, caller = await make_key(account.test, budget={"credits": 3, "period": "day"})
    order = {"operation": "text_to_image", "model": model, "input": {"prompt": "a cat", "num_images": 2}}
    accepted = await caller.post("/v1/tasks", json=order)
    assert accepted.status_code == 202, accepted.text
    assert await end_of(account, accepted.headers["location"]) == status
    assert (await account.test.get(f"/v1/api-keys/{key['id']}")).json()["budget"]["spent"] == spent
    async with database.transaction() as session:
        assert await verify(session) == []


async def test_a_refund_gives_back_in_the_period_of_the_order(
    account: Account, make_key: MakeKey, database: Database
) -> None:
    key, caller = await make_key(account.test, budget={"credits": 10, "period": "month"})
    order = {"operation": "text_to_image", "input": {"prompt": "a cat", "num_images": 2}}

    async def spent() -> float:
        found: float = (await account.test.get(f"/v1/api-keys/{key['id']}")).json()["budget"]["spent"]
        return found

    tasks = [(await caller.post("/v1/tasks", json=order)).headers["location"] for _ in range(2)]
    for path in tasks:
        assert await end_of(account, path) == "succeeded"
    assert await spent() == 4
    first, second = (decode("task", path.rpartition("/")[2]) for path in tasks)
    async with database.transaction() as session:
        await ledger.refund(session, first, 1_500_000, reason="Sorry", reference=f"test:{first}")
    assert await spent() == 2.5
    key_id = decode("key", key["id"])
    await database.fetch(
        "update key_budgets set started_at = started_at - interval '1 month' where key_id = $1", key_id
    )
    assert (await caller.post("/v1/tasks", json=order)).status_code == 202
    async with database.transaction() as session:
        await ledger.refund(session, second, None, reason="Sorry", reference=f"test:{second}")
    assert await spent() == 2, "what was ordered in a month that is over gives this one nothing"
    async with database.transaction() as session:
        assert await verify(session) == []
