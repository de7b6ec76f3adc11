"""Reading tasks without the ORM: one statement for many readers, and one rendering for all who read the same.

What is asked for while a statement is under way is asked together in the next (see `core.lane`): under load few
statements serve many requests, and the thousand clients that wait for one task cost one look at its end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson

from app.accounts.schemas import CallerInfo
from app.assets import reading as asset_reading
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.lane import Lane
from app.core.wire import dumps
from app.generation import queries, reading
from app.generation.models import ENDED

T = TypeVar("T")
Ask = tuple[UUID, UUID, str]
"""A task, and the workspace and mode it must be in."""
AT_ONCE = 64
AT_ONCE_LIGHT = 500
WIDTH = 3
"""Statements under way at once, of a kind: more would take connections that others need."""
_PROBE = "etag/probe.bin"
_VERSION = version("backlot")


class Shown:
    """A task as it is; its answer is rendered when first asked for, once for all who have asked together."""

    __slots__ = ("_answer", "_body", "_row", "_tools", "etag", "is_ended")

    def __init__(self, row: asyncpg.Record, tools: AssetTools) -> None:
        self._row = row
        self._tools = tools
        self._answer: dict[str, Any] | None = None
        self._body: bytes | None = None
        self.etag = _etag(row, tools)
        self.is_ended: bool = row["status"] in ENDED

    @property
    def outputs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.answer["outputs"]
        return found

    @property
    def answer(self) -> dict[str, Any]:
        if self._answer is None:
            row = dict(self._row)
            for column in ("input", "routing", "error", "metadata"):
                row[column] = row[column] and orjson.Fragment(row[column])
            made = orjson.loads(row["outputs"] or "[]")
            outputs = asset_reading.in_order(self._tools, made, [str(asset_id) for asset_id in row["output_ids"]])
            self._answer = reading.shown(
                row, orjson.loads(row["steps"]), orjson.loads(row["attempts"] or "[]"), outputs
            )
        return self._answer

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = dumps(self.answer)
        return self._body


@dataclass(frozen=True, slots=True)
class State:
    """Whether a task or batch has ended, and its latest event."""

    is_ended: bool
    position: int


class TaskReader:
    """One per API process. What is not there, or not the caller's, is None."""

    def __init__(self, database: Database, tools: AssetTools) -> None:
        self._database = database
        self._whole: Lane[Ask, Shown | None] = Lane(
            lambda asks: self._each(queries.WHOLE_TASKS, asks, lambda row: Shown(row, tools)),
            most=AT_ONCE,
            width=WIDTH,
            shares=True,
        )
        self._marks: Lane[Ask, str | None] = Lane(
            lambda asks: self._each(queries.MARKS_OF_TASKS, asks, lambda row: _etag(row, tools)),
            most=AT_ONCE_LIGHT,
            width=WIDTH,
            shares=True,
        )
        self._states: Lane[Ask, State | None] = Lane(
            lambda asks: self._each(queries.STATES_OF_TASKS, asks, _state), most=AT_ONCE_LIGHT, shares=True
        )

    async def find(self, caller: CallerInfo, task_id: UUID) -> Shown | None:
        return await self._whole.do((task_id, caller.workspace_id, caller.mode))

    async def find_etag(self, caller: CallerInfo, task_id: UUID) -> str | None:
        """The ETag `find` would give, for the price of a glance."""
        return await self._marks.do((task_id, caller.workspace_id, caller.mode))

    async def find_state(self, caller: CallerInfo, task_id: UUID) -> State | None:
        return await self._states.do((task_id, caller.workspace_id, caller.mode))

    async def find_asked(self, asks: Iterable[Ask]) -> list[Shown | None]:
        """What `find` gives, for each."""
        return await self._whole.do_all(asks)

    async def list_found(self, caller: CallerInfo, task_ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """Those that are there, in this order."""
        found = await self.find_asked((task_id, caller.workspace_id, caller.mode) for task_id in task_ids)
        return [one.answer for one in found if one is not None]

    async def _each(self, statement: str, asks: Sequence[Ask], make: Callable[[asyncpg.Record], T]) -> list[T | None]:
        found: list[T | None] = [None] * len(asks)
        for row in await self._database.fetch(statement, *map(list, zip(*asks, strict=True))):
            found[row["place"] - 1] = make(row)
        return found


def _state(row: asyncpg.Record) -> State:
    return State(row["status"] in ENDED, row["position"] or 0)


def _etag(row: asyncpg.Record, tools: AssetTools) -> str:
    """Strong: it changes with whatever a reader can see.

    That is the task itself, counted by `version`; its steps, attempts and results, each told by the transaction that
    wrote it last (`marks`); where it stands in its queue; and the links to results, which are renewed every day or so.
    """
    links = tools.storage.signed_url(_PROBE) if row["output_ids"] else ""
    place = f"{row['queue_position']} {row['estimated_start_at']}" if row["queue_position"] else ""
    said = f"{_VERSION} {row['id']} {row['version']} {row['marks']} {place} {links}"
    return f'"{sha256(said.encode()).hexdigest()[:32]}"'
