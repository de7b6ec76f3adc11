"""Where orders become tasks: checked in memory, then accepted in one statement (`submit_tasks`), many at a time.

If the process dies before the commit nothing happened; after it, the task is there, its wake-up is made good by the
workers' own look, and the caller's repetition with the same Idempotency-Key is answered with the same task.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.keys import service as keys
from app.accounts.permissions import check_may_spend
from app.accounts.schemas import CallerInfo
from app.assets.errors import AssetNotFound
from app.assets.facts import KnownAssets
from app.assets.tools import AssetTools
from app.core import clock, idempotency
from app.core.amounts import to_number
from app.core.db import Database
from app.core.idempotency import Claim
from app.core.ids import encode, new_id
from app.core.lane import Lane
from app.core.problems import DependencyDown, IdempotencyKeyReused, Problem
from app.core.settings import Settings
from app.core.wire import dumps, moment
from app.events.service import CHANNEL as EVENTS
from app.events.service import NEWS
from app.generation import drafts, queries, reading
from app.generation.drafts import Draft
from app.generation.errors import TooManyTasks
from app.generation.history import Estimates
from app.generation.jobs import WORK
from app.generation.models import TaskStatus
from app.generation.schemas import TaskCreate
from app.ledger import service as ledger
from app.ledger.errors import InsufficientCredits, NotSellable
from app.ledger.price_list import PriceList
from app.providers.catalog import Catalog

MOST_AT_ONCE = 64
_PRICE_LOOKS = 3
_NEW = {
    "status": TaskStatus.PENDING.value,
    "charged": 0,
    "balance": 0,
    "error": None,
    "started_at": None,
    "completed_at": None,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """The accepted task as the caller is to see it. `is_replay` when it was accepted before, by the same key."""

    task_id: UUID
    shown: dict[str, Any]
    is_replay: bool = False


class Intake:
    """One per API process."""

    def __init__(self, settings: Settings, database: Database, catalog: Catalog, tools: AssetTools) -> None:
        self._settings = settings
        self._database = database
        self._catalog = catalog
        self._tools = tools
        self.prices = PriceList(database, catalog.first_prices)
        self.assets = KnownAssets(database)
        self.estimates = Estimates(database)
        self._lane: Lane[dict[str, Any], asyncpg.Record] = Lane(self._submit, most=MOST_AT_ONCE)

    async def order(self, caller: CallerInfo, order: TaskCreate, claim: Claim | None) -> Receipt:
        """Check the order, hold its price, queue it: all or nothing.

        Raises EmailUnverified, the problem of the first wrong field, InsufficientCredits, KeyBudgetExceeded,
        TooManyTasks, IdempotencyKeyReused or IdempotencyKeyInFlight. What was ordered before under the same key is
        answered first, whatever has become of its parts since.
        """
        check_may_spend(caller)
        try:
            draft = await self.draft(caller, order)
        except Problem:
            if claim is not None and (known := await self._known(caller, claim)) is not None:
                return known
            raise
        try:
            receipt = await self._place(caller, order, draft, claim)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, OSError):
            raise  # whether it was committed is not known: an accepted task must not lose its input
        except Exception:  # nor when the caller went away: the order goes on without them
            await drafts.discard_imports(self._tools, self._database, draft)
            raise
        if receipt.is_replay:
            await drafts.discard_imports(self._tools, self._database, draft)
        return receipt

    async def draft(self, caller: CallerInfo, order: TaskCreate) -> Draft:
        """The checked order, its files found or imported."""
        try:
            draft = drafts.make(self._catalog, await self.prices.get(), caller, order)
        except NotSellable:
            draft = drafts.make(self._catalog, await self.prices.read(), caller, order)
        drafts.check_webhook(self._tools, order)
        await drafts.resolve_files(self.assets, self._tools, self._database, caller, draft)
        return draft

    async def _place(self, caller: CallerInfo, order: TaskCreate, draft: Draft, claim: Claim | None) -> Receipt:
        for _ in range(_PRICE_LOOKS):
            placed = self.entry(caller, order, draft, claim, draft.estimated_seconds(await self.estimates.get()))
            row = await self._lane.do(placed)
            match row["outcome"]:
                case "accepted":
                    told = {
                        "balance": to_number(row["balance"]),
                        "queue_position": row["queue_position"],
                        "estimated_start_at": moment(row["estimated_start_at"]),
                        "outputs": [],
                    }
                    return Receipt(row["task_id"], placed["shown"] | told)
                case "price_changed":
                    again = drafts.make(self._catalog, await self.prices.read(), caller, order)
                    draft.route, draft.unit = again.route, again.unit
                case outcome:
                    return await self._refused(caller, draft, claim, row, outcome)
        raise DependencyDown("The price changed while this was ordered. Order again.")

    async def _refused(
        self, caller: CallerInfo, draft: Draft, claim: Claim | None, row: asyncpg.Record, outcome: str
    ) -> Receipt:
        match outcome:
            case "insufficient":
                price, balance = to_number(draft.price), to_number(row["balance"])
                raise InsufficientCredits(
                    f"This costs {price} credits and the balance is {balance}.", price=price, balance=balance
                )
            case "budget_exceeded":
                raise await keys.budget_refusal(self._database, caller, draft.price)
            case "queue_full":
                raise TooManyTasks
            case "asset_missing":
                raise self._gone(caller, draft)
            case "in_flight":
                raise idempotency.in_flight()
            case "replay" | "reused" if claim is not None:
                known = await self._known(caller, claim)
                if known is not None:
                    return known
                raise idempotency.in_flight()  # it expired this moment
        raise AssertionError(outcome)

    def _gone(self, caller: CallerInfo, draft: Draft) -> Problem:
        for asset_id in draft.assets.values():
            self.assets.forget(asset_id, workspace_id=caller.workspace_id, mode=caller.mode)
        name, asset_id = next(iter(draft.assets.items()))
        return AssetNotFound.at(
            f"/input/{name}", f"There is no asset {encode('asset', asset_id)} in this workspace any more."
        )

    async def _known(self, caller: CallerInfo, claim: Claim) -> Receipt | None:
        """What was answered to this key. Raises IdempotencyKeyReused when it stands for another request."""
        row = await self._database.fetchrow(queries.ORDERED_BEFORE, caller.workspace_id, caller.mode, claim.key)
        if row is None:
            return None
        if row["fingerprint"] != claim.fingerprint or row["data"] is None:
            raise IdempotencyKeyReused.at("header:Idempotency-Key", IdempotencyKeyReused.title())
        return Receipt(row["task_id"], orjson.loads(row["data"]) | {"outputs": []}, is_replay=True)

    def entry(
        self,
        caller: CallerInfo,
        order: TaskCreate,
        draft: Draft,
        claim: Claim | None,
        seconds: int,
        item: tuple[UUID | None, int | None] = (None, None),
    ) -> dict[str, Any]:
        """The order as `submit_tasks` takes it; `item` is the batch it belongs to, and its index there."""
        task_id, first = new_id(), draft.route[0]
        welcome, reason = ledger.welcome(self._settings, caller.mode)
        row: dict[str, Any] = {
            "id": task_id,
            "workspace_id": caller.workspace_id,
            "key_id": caller.key_id,
            "ordered_by": None if caller.key_id else caller.user_id,
            "mode": caller.mode,
            "operation": draft.operation.name,
            "input": draft.values,
            "model": order.model,
            "provider": order.provider,
            "routing": order.routing.model_dump(),
            "metadata": order.metadata,
            "webhook_url": order.webhook_url,
            "num_outputs": draft.input.outputs,
            "quoted": draft.price,
            "estimated_seconds": seconds,
            "created_at": clock.now(),
            "batch_id": item[0],
            "batch_index": item[1],
        }
        steps = list(first.offer.steps)
        shown = reading.shown(row | _NEW, ((name, "pending", ()) for name in steps), (), ())
        return row | {
            "hold_id": new_id(),
            "event_id": new_id(),
            "steps": steps,
            "route": [
                {
                    "provider": way.provider,
                    "lane": way.lane,
                    "model": way.offer.model,
                    "steps": list(way.offer.steps),
                    "most": way.offer.max_outputs,
                    **({"parts": [asdict(part) for part in way.parts]} if way.parts else {}),
                }
                for way in draft.route
            ],
            "lane": draft.lane,
            "size_class": draft.size_class,
            "provider_first": first.provider,
            "model_first": first.offer.model,
            "unit": draft.unit,
            "assets": list(draft.assets.values()),
            "key": claim.key if claim else None,
            "fingerprint": claim.fingerprint.hex() if claim else None,
            "welcome": welcome,
            "welcome_reason": reason,
            "budget_key": caller.budget_key_id,
            "shown": {name: value for name, value in shown.items() if name != "outputs"},
        }

    async def _submit(self, entries: Sequence[dict[str, Any]]) -> Sequence[asyncpg.Record]:
        """One statement for all of them; of several with one key, the later ones come after the first is committed."""
        now, later, seen = [], [], set()
        for place, entry in enumerate(entries):
            key = (entry["workspace_id"], entry["mode"], entry["key"])
            if entry["key"] is not None and key in seen:
                later.append(place)
            else:
                now.append(place)
            seen.add(key)
        results: list[asyncpg.Record | None] = [None] * len(entries)
        for places in (now, *([place] for place in later)):
            orders = [entries[place] | {"place": place} for place in places]
            for row in await self._database.fetch(queries.SUBMIT, dumps(orders).decode()):
                results[row["place"]] = row
        accepted = [row["task_id"] for row in results if row is not None and row["outcome"] == "accepted"]
        if accepted:
            self._database.ringer.ring(WORK, *{entry["lane"] for entry in entries})
            self._database.ringer.ring(EVENTS, NEWS)
        return [row for row in results if row is not None]
