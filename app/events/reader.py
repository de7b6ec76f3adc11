"""Reading the event log without the ORM: one statement for all who follow something at this moment."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal
from uuid import UUID

import asyncpg

from app.core.db import Database
from app.core.lane import Lane
from app.events import queries

Subject = Literal["task", "batch"]
Ask = tuple[UUID, UUID, int]
"""Whose events, in which workspace, after which position."""
AT_ONCE = 200
_FOLLOWING: dict[Subject, str] = {"task": queries.FOLLOWING_OF_TASKS, "batch": queries.FOLLOWING_OF_BATCHES}


class EventReader:
    """One per API process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lanes: dict[Subject, Lane[Ask, list[asyncpg.Record]]] = {
            subject: Lane(self._work(statement), most=AT_ONCE, shares=True) for subject, statement in _FOLLOWING.items()
        }

    async def list_following(
        self, subject: Subject, subject_id: UUID, *, workspace_id: UUID, after: int
    ) -> list[asyncpg.Record]:
        """The subject's next events, oldest first: position, id, type, task_id, and data as text."""
        return await self._lanes[subject].do((subject_id, workspace_id, after))

    async def list_all_following(self, asks: Sequence[tuple[Subject, Ask]]) -> list[list[asyncpg.Record]]:
        """What `list_following` gives, for each."""
        found = {
            subject: iter(await lane.do_all(ask for wanted, ask in asks if wanted == subject))
            for subject, lane in self._lanes.items()
        }
        return [next(found[subject]) for subject, _ in asks]

    async def find_position(self, event_id: UUID, *, subject: Subject, subject_id: UUID) -> int | None:
        row = await self._database.fetchrow(queries.POSITION[subject], event_id, subject_id)
        position: int | None = row and row["position"]
        return position

    async def latest(self, keys: Sequence[str]) -> Mapping[str, int]:
        """The position of the latest event of each task or batch that has any: what bells are looked after by."""
        rows = await self._database.fetch(queries.LATEST, [UUID(key) for key in keys])
        return {str(row["id"]): row["position"] for row in rows if row["position"] is not None}

    def _work(self, statement: str) -> Callable[[Sequence[Ask]], Awaitable[list[list[asyncpg.Record]]]]:
        async def read(asks: Sequence[Ask]) -> list[list[asyncpg.Record]]:
            found: list[list[asyncpg.Record]] = [[] for _ in asks]
            for row in await self._database.fetch(statement, *map(list, zip(*asks, strict=True))):
                found[row["place"] - 1].append(row)
            return found

        return read
