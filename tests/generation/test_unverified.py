"""Live credits are spent by those alone whose address is verified."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.accounts import changes
from app.accounts.keys import service as keys
from app.accounts.models import User
from app.core.db import Database
from app.core.settings import Settings
from tests.conftest import Account, make_account


async def order_of(account: Account, path: str) -> dict[str, Any]:
    """One that would be taken."""
    values = {"image": await account.upload(), "width": 32}
    one: dict[str, Any] = {"operation": "transform_image"}
    return one | ({"items": [{"input": values}]} if path == "/v1/batches" else {"input": values})


async def unverify(database: Database, email: str) -> None:
    async with database.transaction() as session:
        query = update(User).where(User.email == email).values(email_verified_at=None).returning(User.id)
        user_id = await session.scalar(query)
        assert user_id is not None
        changes.tell(session, user_id)


@pytest.fixture
async def unverified(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Account]:
    made = await make_account(settings, database)
    await unverify(database, made.email)
    yield made
    await made.live.aclose()
    await made.test.aclose()


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/tasks?wait=0", "/v1/batches"])
async def test_a_live_order_is_refused_before_anything_is_held(unverified: Account, path: str) -> None:
    order = await order_of(unverified, path)
    answer = await unverified.live.post(path, json=order, headers={"Idempotency-Key": "order-1042"})
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")
    assert (await unverified.live.get("/v1/credits")).json()["held"] == 0
    assert (await unverified.live.get("/v1/tasks")).json()["data"] == []


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/batches"])
async def test_the_same_order_is_taken_of_who_is_verified(unverified: Account, database: Database, path: str) -> None:
    order = await order_of(unverified, path)
    async with database.transaction() as session:  # the operator vouches for the address by this
        _, key = await keys.issue_key(session, email=unverified.email, mode="live", name="vouched for")
    answer = await unverified.live.post(path, json=order, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/batches"])
async def test_a_test_order_is_taken(unverified: Account, path: str) -> None:
    values = {"prompt": "a red bicycle"}
    inputs: dict[str, Any] = {"items": [{"input": values}]} if path == "/v1/batches" else {"input": values}
    answer = await unverified.test.post(path, json={"operation": "text_to_image"} | inputs)
    assert answer.status_code == 202


async def test_a_quote_costs_nothing_and_is_given(unverified: Account) -> None:
    order = await order_of(unverified, "/v1/tasks")
    assert (await unverified.live.post("/v1/tasks/quote", json=order)).status_code == 200


async def test_nothing_is_tried_again_at_ones_cost(account: Account, database: Database) -> None:
    task = (await account.live.post("/v1/tasks", json=await order_of(account, "/v1/tasks"))).json()["id"]
    await account.live.post(f"/v1/tasks/{task}/cancel")
    await unverify(database, account.email)
    async with asyncio.timeout(5):
        while (answer := await account.live.post(f"/v1/tasks/{task}/retry")).status_code != 403:
            await account.live.post(f"/v1/tasks/{task}/cancel")  # this process had not heard yet
    assert answer.json()["code"] == "email_unverified"
