"""Reading what is published, in the one order of a workspace: one statement for all who follow at this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from app.core.db import Database
from app.core.lane import Lane
from app.core.wire import dumps
from app.events import queries

AT_ONCE = 100
WIDTH = 3


@dataclass(frozen=True, slots=True)
class Whose:
    """A workspace in one of its modes: what has an order of its own."""

    workspace_id: UUID
    mode: str

    @property
    def key(self) -> str:
        """What is rung when something was published for it."""
        return f"{self.workspace_id}:{self.mode}"


@dataclass(frozen=True, slots=True)
class FeedAsk:
    """What comes after that number, of these types."""

    whose: Whose
    after: int
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The next rows, oldest first, and the number up to which nothing was left out."""

    rows: Sequence[asyncpg.Record]
    number: int


@dataclass(frozen=True, slots=True)
class FeedFilters:
    """What a list is narrowed to; `of` is a task or a batch, and which."""

    types: tuple[str, ...]
    after: datetime
    before: datetime
    of: tuple[str, UUID] | None = None


class FeedReader:
    """One per process. Rows have number, workspace_id, mode, id, type, task_id, created_at, and data as text."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lane: Lane[FeedAsk, Found] = Lane(self._read, most=AT_ONCE, width=WIDTH, shares=True)

    async def list_all_following(self, asks: Sequence[FeedAsk]) -> list[Found]:
        return await self._lane.do_all(asks)

    async def list_newest(self, whose: Whose, filters: FeedFilters, *, before: int, limit: int) -> list[asyncpg.Record]:
        """Newest first."""
        kind, subject_id = filters.of or (None, None)
        values = (filters.types, before, filters.after, filters.before, limit, subject_id)
        return await self._database.fetch(queries.FEED_LIST[kind], whose.workspace_id, whose.mode, *values)

    async def find(self, whose: Whose, event_id: UUID, types: Sequence[str]) -> asyncpg.Record | None:
        return await self._database.fetchrow(queries.FEED_ONE, event_id, whose.workspace_id, whose.mode, types)

    async def find_number(self, whose: Whose, event_id: UUID) -> int | None:
        row = await self._database.fetchrow(queries.FEED_PLACE, event_id, whose.workspace_id, whose.mode)
        number: int | None = row and row["number"]
        return number

    async def find_end(self, whose: Whose) -> tuple[int, UUID] | None:
        """The number and the id of the newest."""
        row = await self._database.fetchrow(queries.FEED_END, whose.workspace_id, whose.mode)
        return (row["number"], row["event_id"]) if row else None

    async def latest(self, keys: Sequence[str]) -> Mapping[str, int]:
        """How far each has come, by its `Whose.key`: what bells are looked after by."""
        parts = [key.partition(":") for key in keys]
        ids, modes = [UUID(part[0]) for part in parts], [part[2] for part in parts]
        rows = await self._database.fetch(queries.FEED_LATEST, ids, modes)
        return {f"{row['id']}:{row['mode']}": row["number"] for row in rows if row["number"] is not None}

    async def _read(self, asks: Sequence[FeedAsk]) -> list[Found]:
        asked = [
            {"place": place, "after": ask.after, "types": ask.types}
            | {"workspace_id": ask.whose.workspace_id, "mode": ask.whose.mode}
            for place, ask in enumerate(asks)
        ]
        rows: list[list[asyncpg.Record]] = [[] for _ in asks]
        for row in await self._database.fetch(queries.FEED_FOLLOWING, dumps(asked).decode()):
            rows[row["place"]].append(row)
        return [_found(ask, *some) for ask, some in zip(asks, rows, strict=True)]


def _found(ask: FeedAsk, *rows: asyncpg.Record) -> Found:
    """The last row says how far the workspace has come: all of that was looked at, unless there were too many."""
    *following, end = rows
    if len(following) == queries.BATCH:
        return Found(following, following[-1]["number"])
    return Found(following, max(ask.after, end["number"] or 0))
