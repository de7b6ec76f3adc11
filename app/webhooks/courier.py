"""The courier of a worker: claims what is due, delivers it, notes what became of it. No transaction meanwhile.

A claim is a lease: a delivery whose worker died is taken again when it ends, with the same webhook-id. How many are
sent to one target at once, and how fast to one that fails, is decided where they are claimed (migration 1021).
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from arq.connections import ArqRedis

from app.core import clock
from app.core.bells import Listener
from app.core.db import UNREACHABLE, Database
from app.core.lane import Lane
from app.core.settings import Settings
from app.core.wire import dumps
from app.events.service import FEED
from app.feed.rendering import Renderer
from app.webhooks import disabling, queries
from app.webhooks.deliveries import CHANNEL
from app.webhooks.models import DisabledReason
from app.webhooks.sending import MOST_TRIES, Result, Sender

log = structlog.get_logger()
AT_ONCE = 400
AT_ONCE_FAILING = AT_ONCE // 4
"""Of them, those to targets whose last attempt failed: what fails may take its time, and delays nobody."""
AT_ONCE_EACH = 4
BREAKER = 5
"""After so many failures in a row a target gets one attempt at a time, and pauses that grow."""
LEASE_SECONDS = 25.0
RENDER_SECONDS = 6.0
"""With an attempt and the noting of it, less than a lease."""
LOOK_SECONDS = 1.0
SOON_SECONDS = 0.05
PAUSE_SECONDS = 0.5
BACK_SECONDS = 2.0
STOP_SECONDS = 10.0

Claimed = Mapping[str, Any]


class Courier:
    """One per maintenance worker: `start()`, and `await stop()` before the database is closed."""

    def __init__(self, settings: Settings, database: Database, redis: ArqRedis, renderer: Renderer) -> None:
        self._settings = settings
        self._database = database
        self._renderer = renderer
        self._sender = Sender(settings)
        self._news = asyncio.Event()
        self._listeners = [
            Listener(redis, channel, heard=lambda _: self._news.set(), joined=self._news.set)
            for channel in (FEED, CHANNEL)
        ]
        self._notes: Lane[dict[str, Any], None] = Lane(self._note_all)
        self._pulling: asyncio.Task[None] | None = None
        self._under_way: dict[asyncio.Task[None], bool] = {}
        """And whether it goes to a target that fails."""
        self._is_stopping = False

    def start(self) -> None:
        for listener in self._listeners:
            listener.start()
        self._pulling = asyncio.create_task(self._pull(), name="deliver webhooks")

    async def stop(self) -> None:
        """Claim nothing more; what is under way has some seconds, and is then left to the end of its lease."""
        self._is_stopping = True
        self._news.set()
        if self._pulling is not None:  # not cancelled: what a claim has just taken would wait for the end of its lease
            await asyncio.wait({self._pulling}, timeout=STOP_SECONDS)
            self._pulling.cancel()
        for listener in self._listeners:
            await listener.close()
        if self._under_way:
            _, left = await asyncio.wait(set(self._under_way), timeout=STOP_SECONDS)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)
        await self._notes.drain()
        await self._sender.close()

    async def deliver(self) -> int:
        """All that is due now, and return how many attempts that were: for who runs no worker."""
        found = 0
        while claimed := await self._claim(AT_ONCE, AT_ONCE):
            found += len(claimed)
            self._begin(claimed)
            await asyncio.wait(set(self._under_way))
        return found

    async def _pull(self) -> None:
        while not self._is_stopping:
            self._news.clear()
            try:
                seconds = await self._pull_once()
            except UNREACHABLE as fault:
                log.warning("webhooks_not_claimed", error=repr(fault))
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            except Exception:  # a worker that is alive and delivers nothing would be missed by nobody
                log.exception("webhooks_not_claimed")
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _pull_once(self) -> float:
        """Begin what there is room for; how long nothing else will be due."""
        free = AT_ONCE - len(self._under_way)
        free_failing = min(free, AT_ONCE_FAILING - sum(self._under_way.values()))
        if not free:
            return LOOK_SECONDS
        claimed = await self._claim(free, max(free_failing, 0))
        self._begin(claimed)
        if len(claimed) == free:
            return LOOK_SECONDS
        row = await self._database.fetchrow(queries.SECONDS_TO_NEXT)
        to_next = row["seconds"] if row else None
        return LOOK_SECONDS if to_next is None else min(max(to_next, SOON_SECONDS), LOOK_SECONDS)

    async def _claim(self, most: int, most_failing: int) -> list[asyncpg.Record]:
        return await self._database.fetch(
            queries.CLAIM, most, most_failing, LEASE_SECONDS, MOST_TRIES, AT_ONCE_EACH, BREAKER
        )

    def _begin(self, claimed: Sequence[asyncpg.Record]) -> None:
        def done(task: asyncio.Task[None]) -> None:
            del self._under_way[task]
            self._news.set()  # there may be more for the same target

        if not claimed:
            return
        until = monotonic() + LEASE_SECONDS
        rendering = asyncio.create_task(self._render(claimed))
        for row in claimed:
            task = asyncio.create_task(self._deliver(row, rendering, until))
            self._under_way[task] = row["failures"] > 0
            task.add_done_callback(done)

    # --- what is sent

    async def _render(self, claimed: Sequence[asyncpg.Record]) -> dict[UUID, bytes | None]:
        """The body of each event; None of one that cannot be made at the moment."""
        events = {row["event_id"]: _event(row) for row in claimed if row["event_data"] is not None}
        bodies: dict[UUID, bytes | None] = {
            row["event_id"]: row["payload"].encode() for row in claimed if row["payload"] is not None
        }
        try:
            async with asyncio.timeout(RENDER_SECONDS):
                made = await self._renderer.render(list(events.values()))
            return bodies | dict(zip(events, made, strict=True))
        except (TimeoutError, *UNREACHABLE) as fault:
            log.warning("events_not_rendered", error=repr(fault))
            return bodies | dict.fromkeys(events)
        except Exception:
            log.exception("events_not_rendered")
        for event_id, event in events.items():  # one of them is bad: the others are not held up by it
            try:
                bodies[event_id] = (await self._renderer.render([event]))[0]
            except Exception:
                log.exception("event_not_rendered", event_id=str(event_id))
                bodies[event_id] = None
        return bodies

    async def _deliver(self, row: Claimed, rendering: asyncio.Task[dict[UUID, bytes | None]], until: float) -> None:
        """One attempt: whatever becomes of it, it is noted."""
        try:
            body = (await asyncio.shield(rendering)).get(row["event_id"])
            if row["payload"] is None and row["event_data"] is None:
                result = _not_sent("expired", "The event is no longer kept.")
                await self._note(row, result, until, delay=None)
            elif body is None:
                await self._put_back(row, until)
            else:
                result = await self._sender.send(row, body)
                await self._note(row, result, until, delay=self._delay(row, result))
        except Exception:
            log.exception("webhook_crashed", delivery_id=str(row["id"]))
            await self._note(row, _not_sent("internal", "Something went wrong on our side."), until, delay=60.0)

    def _delay(self, row: Claimed, result: Result) -> float | None:
        """Seconds to the next try, if there is to be one. Tests are sent once."""
        is_over = result.error is None or result.is_gone or row["payload"] is not None
        return None if is_over else result.delay(row["tries"])

    # --- what became of it

    async def _put_back(self, row: Claimed, until: float) -> None:
        item = {"id": row["id"], "number": row["attempts"], "target_id": row["target_id"]}
        await self._write(item | {"outcome": "put_back", "is_of_target": False, "delay": BACK_SECONDS}, until, None)

    async def _note(self, row: Claimed, result: Result, until: float, *, delay: float | None) -> None:
        is_done = result.error is None
        code = result.error[0] if result.error else None
        is_ours = code in ("internal", "expired")
        item = result.told() | {
            "id": row["id"],
            "number": row["attempts"],
            "target_id": row["target_id"],
            "url": row["url"] or "",
            "outcome": "succeeded" if is_done else "failed" if delay is None else "again",
            # A test that fails says nothing of how deliveries fare; one that arrives says that they will.
            "is_of_target": is_done or not (is_ours or row["payload"] is not None),
            "delay": delay,
            "pause": result.pause,
        }
        if is_done:
            log.debug("webhook_delivered", delivery_id=str(row["id"]), attempt=row["attempts"])
        else:
            log.info("webhook_failed", delivery_id=str(row["id"]), attempt=row["attempts"], error=code)
        reason = None if is_done or is_ours else _disables(row, result)
        await self._write(item, until, None if reason is None else (row["endpoint_id"], reason))

    async def _write(self, item: dict[str, Any], until: float, disables: tuple[UUID, DisabledReason] | None) -> None:
        """While the database is away, as long as the delivery is ours; then whoever claims it next sends it again."""
        while True:
            try:
                if disables is None:
                    await self._notes.do(item)
                else:
                    await disabling.note_and_disable(
                        self._database, _json([item]), *disables, at_once=AT_ONCE_EACH, breaker=BREAKER
                    )
                return
            except UNREACHABLE as fault:
                if monotonic() > until:
                    log.error("webhook_not_noted", delivery_id=str(item["id"]), error=repr(fault))
                    return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _note_all(self, items: Sequence[dict[str, Any]]) -> Sequence[None]:
        await self._database.fetch(queries.NOTE, _json(items), AT_ONCE_EACH, BREAKER)
        return [None] * len(items)


def _json(items: Sequence[dict[str, Any]]) -> str:
    return dumps(items).decode()


def _disables(row: Claimed, result: Result) -> DisabledReason | None:
    """Why the endpoint gets nothing more, after this failure."""
    if row["endpoint_id"] is None:
        return None
    if result.is_gone:
        return DisabledReason.GONE
    return DisabledReason.FAILING if row["is_tired"] and row["payload"] is None else None


def _event(row: Claimed) -> dict[str, Any]:
    """As the renderer takes it."""
    return {
        "id": row["event_id"],
        "type": row["event_type"],
        "workspace_id": row["workspace_id"],
        "mode": row["mode"],
        "task_id": row["task_id"],
        "data": row["event_data"],
        "created_at": row["event_created_at"],
    }


def _not_sent(code: str, detail: str) -> Result:
    return Result(clock.now(), 0.0, {}, b"", error=(code, detail))
