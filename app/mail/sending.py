"""The postman of a worker: claims what is due, hands it over, notes what became of it. No transaction meanwhile.

A claim is a lease: a mail whose worker died is taken again when it ends, with the same Message-ID or Idempotency-Key.
"""

import asyncio
import json
from contextlib import suppress
from time import monotonic
from typing import Any

import asyncpg
import structlog
from arq.connections import ArqRedis

from app.core.bells import Bell, BellTower
from app.core.db import UNREACHABLE, Database
from app.core.settings import Settings
from app.mail import queries, senders
from app.mail.errors import Paused, Rejected, Transient
from app.mail.senders.catcher import Catcher
from app.mail.service import CHANNEL, DUE
from app.mail.writing import Order, Writer

log = structlog.get_logger()
AT_ONCE = 4
LEASE_SECONDS = 90.0
SEND_SECONDS = 60.0
"""A sender has limits of its own, below this; whatever it does, it ends before the lease."""
DELAYS_SECONDS = (10.0, 60.0, 300.0, 1800.0, 7200.0)
MOST_TRIES = len(DELAYS_SECONDS) + 1
MOST_DAYS = 3
"""Tries that were no fault of the mail's do not count; yet some time it is no news any more."""
LOOK_SECONDS = 2.0
SOON_SECONDS = 0.1
PAUSE_SECONDS = 0.5
STOP_SECONDS = 10.0
FORGOTTEN_ONCE_SENT = frozenset({"account_deleted"})


class Postman:
    """One per maintenance worker: `start()`, and `await stop()` before the database is closed."""

    def __init__(self, settings: Settings, database: Database, redis: ArqRedis) -> None:
        self._database = database
        self._writer = Writer(settings)
        self._sender = senders.make(settings, database)
        is_copied = settings.env == "development" and not isinstance(self._sender, Catcher)
        self._copy = Catcher(database) if is_copied else None
        self._tower = BellTower(redis, CHANNEL)
        self._pulling: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def start(self) -> None:
        self._tower.start()
        self._pulling = asyncio.create_task(self._pull(), name="send mails")

    async def stop(self) -> None:
        """Claim nothing more; what is under way has some seconds, and is then left to the end of its lease."""
        self._is_stopping = True
        self._tower.hush()
        if self._pulling is not None:  # not cancelled: what a claim has just taken would wait for the end of its lease
            await asyncio.wait({self._pulling}, timeout=STOP_SECONDS)
            await _end({self._pulling})
        await self._tower.close()
        if self._under_way:
            _, left = await asyncio.wait(self._under_way, timeout=STOP_SECONDS)
            await _end(left)
        await self._sender.close()

    async def deliver(self) -> int:
        """Send all that is due now, and return how many that were: for who runs no worker."""
        found = 0
        while claimed := await self._claim(AT_ONCE):
            found += len(claimed)
            await asyncio.gather(*(self._deliver(row) for row in claimed))
        await self._settle()
        await self._sender.rest()
        return found

    async def _pull(self) -> None:
        with self._tower.bell(DUE) as bell:
            while not self._is_stopping:
                try:
                    seconds = await self._pull_once(bell)
                except UNREACHABLE as fault:
                    log.warning("mails_not_claimed", error=repr(fault))
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                except Exception:  # a worker that is alive and sends nothing would be missed by nobody
                    log.exception("mails_not_claimed")
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                await bell.wait(seconds)

    async def _pull_once(self, bell: Bell) -> float:
        """Begin what there is room for; how long nothing else will be due."""
        free = AT_ONCE - len(self._under_way)
        claimed = await self._claim(free) if free else []
        for row in claimed:
            self._begin(row, bell)
        if len(claimed) < free:
            await self._settle()
            if not self._under_way:
                await self._sender.rest()
            rows = await self._database.fetch(queries.SECONDS_TO_NEXT, self._sender.name)
            to_next = rows[0]["seconds"]
            return LOOK_SECONDS if to_next is None else min(max(to_next, SOON_SECONDS), LOOK_SECONDS)
        return LOOK_SECONDS

    def _begin(self, row: asyncpg.Record, bell: Bell) -> None:
        def done(task: asyncio.Task[None]) -> None:
            self._under_way.discard(task)
            bell.ring()

        task = asyncio.create_task(self._deliver(row))
        self._under_way.add(task)
        task.add_done_callback(done)

    async def _claim(self, most: int) -> list[asyncpg.Record]:
        return await self._database.fetch(queries.CLAIM, self._sender.name, most, LEASE_SECONDS, MOST_TRIES, MOST_DAYS)

    async def _settle(self) -> None:
        for row in await self._database.fetch(queries.SETTLE, MOST_TRIES, MOST_DAYS):
            log.warning("mail_given_up", mail_id=str(row["id"]), kind=row["kind"], status=row["status"])

    async def _deliver(self, row: asyncpg.Record) -> None:
        """One mail: sent or not, it is noted."""
        until = monotonic() + LEASE_SECONDS
        names = {"mail_id": str(row["id"]), "kind": row["kind"], "tries": row["attempts"]}
        claim = (row["id"], row["attempts"])
        try:
            async with asyncio.timeout(SEND_SECONDS):
                letter = self._writer.write(_order(row))
                if self._copy is not None:
                    await self._copy.send(letter)
                receipt = await self._sender.send(letter)
        except Paused as fault:
            tell = log.error if fault.is_refusal else log.warning
            tell("mail_backend_pauses", backend=self._sender.name, reason=str(fault), seconds=fault.seconds, **names)
            await self._pause(fault.seconds, str(fault), until)
            await self._note(until, queries.NOT_TRIED, *claim, fault.seconds, str(fault))
        except Rejected as fault:
            log.warning("mail_failed", reason=str(fault), **names)
            await self._note(until, queries.FAILED, *claim, str(fault))
        except (Transient, TimeoutError, *UNREACHABLE) as fault:
            await self._again(until, row, str(fault) if isinstance(fault, Transient) else type(fault).__name__)
        except Exception as fault:
            log.error("mail_crashed", error=type(fault).__name__, where=_where(fault), **names)
            await self._again(until, row, f"crashed: {type(fault).__name__}")
        else:
            log.info("mail_sent", backend=self._sender.name, provider_id=receipt.provider_id, **names)
            if row["kind"] in FORGOTTEN_ONCE_SENT:
                await self._note(until, queries.SENT_AND_FORGOTTEN, row["id"])
            else:
                await self._note(until, queries.SENT, row["id"], receipt.provider_id)
            if receipt.rest_seconds:
                await self._pause(receipt.rest_seconds, "the rate limit is reached", until)

    async def _again(self, until: float, row: asyncpg.Record, reason: str) -> None:
        tries = row["attempts"]
        names = {"mail_id": str(row["id"]), "kind": row["kind"], "tries": tries}
        if tries >= MOST_TRIES:
            log.error("mail_failed", reason=reason, **names)
            await self._note(until, queries.FAILED, row["id"], tries, reason)
            return
        seconds = DELAYS_SECONDS[tries - 1]
        log.warning("mail_put_off", reason=reason, seconds=seconds, **names)
        await self._note(until, queries.AGAIN, row["id"], tries, seconds, reason)

    async def _pause(self, seconds: float, reason: str, until: float) -> None:
        await self._note(until, queries.PAUSE, self._sender.name, seconds, reason)

    async def _note(self, until: float, statement: str, *values: Any) -> None:
        """While the database is away, as long as the mail is ours; then whoever claims it next sends it again."""
        while True:
            try:
                await self._database.fetch(statement, *values)
                return
            except UNREACHABLE as fault:
                if monotonic() > until:
                    log.error("mail_not_noted", about=str(values[0]), error=repr(fault))
                    return
            await asyncio.sleep(PAUSE_SECONDS)


def _order(row: asyncpg.Record) -> Order:
    return Order(
        id=row["id"],
        kind=row["kind"],
        to_address=row["to_address"],
        locale=row["locale"],
        facts=json.loads(row["facts"]),
        token_id=row["token_id"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def _where(fault: BaseException) -> str:
    """Of a crash the last place of ours, without the values a traceback may show."""
    place, trace = "", fault.__traceback__
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}", trace.tb_next
    return place


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        with suppress(asyncio.CancelledError):
            await asyncio.wait(tasks)
