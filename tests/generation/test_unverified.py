"""Live credits are spent by those alone whose address is verified."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.accounts.models import User
from app.core.db import Database
from app.core.settings import Settings
from tests.conftest import Account, make_account

ORDER = {"operation": "text_to_image", "input": {"prompt": "a red bicycle"}}
BATCH = {"operation": "text_to_image", "items": [{"input": {"prompt": "a red bicycle"}}]}


@pytest.fixture
async def unverified(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Account]:
    made = await make_account(settings, database)
    async with database.transaction() as session:
        await session.execute(update(User).where(User.email == made.email).values(email_verified_at=None))
    yield made
    await made.live.aclose()
    await made.test.aclose()


@pytest.mark.parametrize(("path", "order"), [("/v1/tasks", ORDER), ("/v1/tasks?wait=0", ORDER), ("/v1/batches", BATCH)])
async def test_a_live_order_is_refused_before_anything_is_held(
    unverified: Account, path: str, order: dict[str, object]
) -> None:
    answer = await unverified.live.post(path, json=order, headers={"Idempotency-Key": "order-1042"})
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")
    assert "resend-verification" in answer.json()["detail"] or answer.json()["title"]
    assert (await unverified.live.get("/v1/credits")).json()["held"] == 0
    assert (await unverified.live.get("/v1/tasks")).json()["data"] == []


@pytest.mark.parametrize(("path", "order"), [("/v1/tasks", ORDER), ("/v1/batches", BATCH)])
async def test_a_test_order_is_taken(unverified: Account, path: str, order: dict[str, object]) -> None:
    assert (await unverified.test.post(path, json=order)).status_code == 202


async def test_a_quote_costs_nothing_and_is_given(unverified: Account) -> None:
    assert (await unverified.live.post("/v1/tasks/quote", json=ORDER)).status_code == 200


async def test_nothing_is_tried_again_at_ones_cost(unverified: Account, database: Database) -> None:
    task = (await unverified.test.post("/v1/tasks", json=ORDER)).json()["id"]
    await unverified.test.post(f"/v1/tasks/{task}/cancel")
    await database.fetch("update tasks set mode = 'live' where workspace_id = $1", unverified.workspace_id)
    answer = await unverified.live.post(f"/v1/tasks/{task}/retry")
    assert answer.json()["code"] in ("email_unverified", "task_not_found")
