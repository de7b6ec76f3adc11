"""Where orders become batches: checked in memory, then accepted in one statement (`submit_batch`), all or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.accounts.keys import service as keys
from app.accounts.permissions import check_may_spend
from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.batches import queries, reading
from app.batches.orders import Bad, Good, Sorter
from app.batches.schemas import BatchCreate
from app.core import clock, idempotency
from app.core.amounts import to_number
from app.core.db import Database
from app.core.idempotency import Claim
from app.core.ids import new_id
from app.core.problems import DependencyDown, IdempotencyKeyReused, Problem
from app.core.settings import Settings
from app.core.wire import dumps
from app.events.service import CHANNEL as EVENTS
from app.events.service import NEWS
from app.generation.errors import TooManyTasks
from app.generation.intake import Intake
from app.generation.jobs import WORK
from app.ledger import service as ledger
from app.ledger.errors import InsufficientCredits, NotSellable
from app.ledger.price_list import Prices
from app.providers.catalog import Catalog

_LOOKS = 3
_TOO_DEAR = ("insufficient", "budget_exceeded")
_CHANGED = "BB001"
"""What `submit_batch` raises when an order is not what it was, for nothing of it to stay."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The accepted batch as the caller is to see it. `is_replay` when it was accepted before, by the same key."""

    batch_id: UUID
    shown: dict[str, Any]
    is_replay: bool = False


class BatchIntake:
    """One per API process."""

    def __init__(
        self, settings: Settings, database: Database, catalog: Catalog, tools: AssetTools, intake: Intake
    ) -> None:
        self._settings = settings
        self._database = database
        self._intake = intake
        self._sorter = Sorter(intake, database, catalog, tools)

    async def order(self, caller: CallerInfo, batch: BatchCreate, claim: Claim | None) -> Receipt:
        """Hold the price of all items that can be done, and queue them: all or nothing.

        Raises EmailUnverified, what is wrong with the batch as a whole, NoValidItems, InsufficientCredits,
        KeyBudgetExceeded, TooManyTasks, IdempotencyKeyReused or IdempotencyKeyInFlight. What was ordered before under
        the same key is answered first.
        """
        check_may_spend(caller)
        prices, fresh = await self._intake.prices.get(), None
        for _ in range(_LOOKS):
            try:
                good, bad, prices = await self._sort(caller, batch, prices)
            except Problem:
                if claim is not None and (known := await self._known(caller, claim)) is not None:
                    return known
                raise
            batch_id = new_id()
            orders = await self._orders(caller, batch_id, good)
            items = _items(batch, good, bad, orders)
            row = await self._submit(self._entry(caller, batch_id, batch, claim), items, orders)
            if row is None or (row["outcome"] in _TOO_DEAR and prices is not fresh):  # look again
                prices = fresh = await self._intake.prices.read()
                for one in good:
                    for asset_id in one.draft.assets.values():
                        self._intake.assets.forget(asset_id, workspace_id=caller.workspace_id, mode=caller.mode)
            elif row["outcome"] == "accepted":
                self._database.ringer.ring(WORK, *{order["lane"] for order in orders})
                self._database.ringer.ring(EVENTS, NEWS)
                quoted = {order["id"]: order["quoted"] for order in orders}
                shown = [reading.first(**item, quoted=quoted.get(item["task_id"], 0)) for item in items]
                return Receipt(batch_id, orjson.loads(row["shown"]) | {"items": shown})
            else:
                return await self._refused(caller, claim, row, orders)
        raise DependencyDown("Prices or files changed while this was ordered. Order again.")

    async def _sort(
        self, caller: CallerInfo, batch: BatchCreate, prices: Prices
    ) -> tuple[list[Good], list[Bad], Prices]:
        """With fresh prices, where there is none for it among those known."""
        try:
            return *await self._sorter.sort(caller, batch, prices), prices
        except NotSellable:
            prices = await self._intake.prices.read()
            return *await self._sorter.sort(caller, batch, prices), prices

    async def _refused(
        self, caller: CallerInfo, claim: Claim | None, row: asyncpg.Record, orders: list[dict[str, Any]]
    ) -> Receipt:
        match row["outcome"]:
            case "insufficient":
                price, balance = to_number(sum(order["quoted"] for order in orders)), to_number(row["balance"])
                raise InsufficientCredits(
                    f"These {len(orders)} items cost {price} credits and the balance is {balance}.",
                    price=price,
                    balance=balance,
                )
            case "budget_exceeded":
                raise await keys.budget_refusal(self._database, caller, sum(order["quoted"] for order in orders))
            case "queue_full":
                raise TooManyTasks(f"Of these {len(orders)} items {row['room']} could be queued now.", room=row["room"])
            case "replay" | "reused" if claim is not None:
                if (known := await self._known(caller, claim)) is not None:
                    return known
        raise idempotency.in_flight()  # or it expired this moment

    async def _submit(
        self, entry: Mapping[str, Any], items: list[dict[str, Any]], orders: list[dict[str, Any]]
    ) -> asyncpg.Record | None:
        """What came of it; None when an order was not what it seemed to be."""
        try:
            return await self._database.fetchrow(
                queries.SUBMIT, dumps(entry).decode(), dumps(items).decode(), dumps(orders).decode()
            )
        except asyncpg.PostgresError as fault:
            if fault.sqlstate != _CHANGED:
                raise
            return None

    async def _orders(self, caller: CallerInfo, batch_id: UUID, good: list[Good]) -> list[dict[str, Any]]:
        """As `submit_tasks` takes them."""
        means = await self._intake.estimates.get()
        return [
            self._intake.entry(
                caller, one.order, one.draft, None, one.draft.estimated_seconds(means), (batch_id, one.index)
            )
            | {"place": place}
            for place, one in enumerate(good)
        ]

    def _entry(self, caller: CallerInfo, batch_id: UUID, batch: BatchCreate, claim: Claim | None) -> dict[str, Any]:
        welcome, reason = ledger.welcome(self._settings, caller.mode)
        return {
            "id": batch_id,
            "workspace_id": caller.workspace_id,
            "key_id": caller.key_id,
            "mode": caller.mode,
            "operation": batch.operation,
            "model": batch.model,
            "provider": batch.provider,
            "routing": batch.routing.model_dump(),
            "metadata": batch.metadata,
            "total": len(batch.items),
            "created_at": clock.now(),
            "key": claim.key if claim else None,
            "fingerprint": claim.fingerprint.hex() if claim else None,
            "welcome": welcome,
            "welcome_reason": reason,
            "budget_key": caller.budget_key_id,
        }

    async def _known(self, caller: CallerInfo, claim: Claim) -> Receipt | None:
        """What was answered to this key. Raises IdempotencyKeyReused when it stands for another request."""
        found = await self._database.fetchrow(queries.ORDERED_BEFORE, caller.workspace_id, caller.mode, claim.key)
        if found is None:
            return None
        if found["fingerprint"] != claim.fingerprint or found["batch_id"] is None:
            raise IdempotencyKeyReused.at("header:Idempotency-Key", IdempotencyKeyReused.title())
        row = await self._database.fetchrow(queries.WHOLE_BATCH, found["batch_id"], caller.workspace_id, caller.mode)
        assert row is not None
        return Receipt(row["id"], reading.as_ordered(row), is_replay=True)


def _items(batch: BatchCreate, good: list[Good], bad: list[Bad], orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of them in their order, as they are kept."""
    task_ids = {one.index: order["id"] for one, order in zip(good, orders, strict=True)}
    errors = {one.index: one.told() for one in bad}
    return [
        {
            "index": index,
            "filename": item.filename,
            "metadata": item.metadata,
            "task_id": task_ids.get(index),
            "error": errors.get(index),
        }
        for index, item in enumerate(batch.items)
    ]
