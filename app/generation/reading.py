"""Tasks as the customer sees them: one builder, whether the row came straight or through the ORM."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import reading as asset_reading
from app.assets import service as assets
from app.assets.tools import AssetTools
from app.core.amounts import to_number
from app.core.ids import encode
from app.core.wire import moment
from app.generation import queries
from app.generation.models import OPEN, StepStatus, Task, TaskStatus

Json = dict[str, Any]
Place = dict[str, Any]
"""`queue_position` and `estimated_start_at`."""


def shown(
    row: Mapping[str, Any], steps: Iterable[Sequence[Any]], attempts: Iterable[Sequence[Any]], outputs: Sequence[Json]
) -> Json:
    """The task as `TaskRead` describes it.

    `row` has the columns of `tasks`, those with JSON as values or as `orjson.Fragment`, and where it stands in its
    queue; a step is its name, status and asset ids, an attempt its position, provider, model, status, error and
    seconds.
    """
    status = row["status"]
    shown_steps = [_step(*step) for step in steps]
    names = [step["name"] for step in shown_steps]
    return {
        "id": encode("task", row["id"]),
        "object": "task",
        "operation": row["operation"],
        "status": status,
        "progress": _progress(status, shown_steps),
        "input": row["input"],
        "model": row["model"],
        "provider": row["provider"],
        "routing": row["routing"],
        "steps": shown_steps,
        "credits": {
            "quoted": to_number(row["quoted"]),
            "held": to_number(row["quoted"]) if status in OPEN else 0,
            "charged": to_number(row["charged"]),
        },
        "balance": to_number(row["balance"]),
        "estimated_seconds": row["estimated_seconds"],
        "queue_position": row.get("queue_position"),
        "estimated_start_at": moment(row.get("estimated_start_at")),
        "attempts": [_attempt(names, *attempt) for attempt in attempts],
        "outputs": outputs,
        "error": row["error"],
        "batch_id": encode("batch", row["batch_id"]) if row["batch_id"] else None,
        "batch_index": row["batch_index"],
        "webhook_url": row["webhook_url"],
        "created_at": moment(row["created_at"]),
        "started_at": moment(row["started_at"]),
        "completed_at": moment(row["completed_at"]),
        "metadata": row["metadata"],
    }


def _step(name: str, status: str, asset_ids: Sequence[str | UUID]) -> Json:
    ids = [encode("asset", UUID(one) if isinstance(one, str) else one) for one in asset_ids]
    return {"name": name, "status": status, "asset_id": ids[0] if ids else None, "asset_ids": ids}


def _attempt(
    names: Sequence[str], position: int, provider: str, model: str, status: str, error: Any, seconds: float | None
) -> Json:
    return {
        "step": names[position] if position < len(names) else "?",
        "provider": provider,
        "model": model,
        "status": status,
        "error": error,
        "duration": round(seconds, 3) if seconds is not None else None,
    }


def _progress(status: str, steps: Sequence[Json]) -> float:
    """The share of steps done, 0 to 1."""
    if status == TaskStatus.SUCCEEDED:
        return 1.0
    done: int = sum(step["status"] == StepStatus.SUCCEEDED for step in steps)
    return round(done / len(steps), 2)


# --- through the ORM


def _seconds(started_at: datetime, ended_at: datetime | None) -> float | None:
    return (ended_at - started_at).total_seconds() if ended_at is not None else None


def _of(task: Task, outputs: Sequence[Json], place: Place | None) -> Json:
    row = {column.name: getattr(task, key) for key, column in _COLUMNS.items()} | (place or {})
    return shown(
        row,
        ((step.name, step.status, step.asset_ids) for step in task.steps),
        (
            (one.position, one.provider, one.model, one.status, one.error, _seconds(one.started_at, one.ended_at))
            for one in task.attempts
        ),
        outputs,
    )


_COLUMNS = {attribute.key: attribute.columns[0] for attribute in Task.__mapper__.column_attrs}


def snapshot(task: Task, place: Place | None = None) -> Json:
    """The task as it is now, with steps and attempts loaded, without its results: what an event keeps.

    `place` is where it stands in its queue, if it is pending.
    """
    return {name: value for name, value in _of(task, (), place).items() if name != "outputs"}


async def read(session: AsyncSession, tools: AssetTools, task: Task) -> Json:
    """The task with its results; a result the customer has deleted is left out."""
    found = await assets.find_ready(session, task.output_ids) if task.output_ids else {}
    return _of(
        task,
        [asset_reading.of(tools, found[asset_id]) for asset_id in task.output_ids if asset_id in found],
        await queries.find_place(session, task.id) if task.status == TaskStatus.PENDING else None,
    )
