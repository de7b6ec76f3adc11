"""What is written down of a call that begins, and of one that has given results, with what that makes of the task."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import new_id
from app.generation import reading
from app.generation.models import StepStatus, Task, TaskAttempt, TaskStatus, TaskStep


def begun(task: Task, attempt: TaskAttempt, *, is_first: bool) -> dict[str, Any]:
    """The attempt as `begin_attempts` takes it. `is_first` of its run: then the task has started."""
    return {
        "run": task.run,
        "position": attempt.position,
        "part": attempt.part,
        "provider": attempt.provider,
        "model": attempt.model,
        "chosen": task.provider,
        "started_at": attempt.started_at,
        **(_event(task, "task.started") if is_first else {}),
    }


def finished(task: Task, step: TaskStep, attempt: TaskAttempt, made: Sequence[UUID] | None) -> dict[str, Any]:
    """The attempt as `record_results` takes it. `made` is all of the step's, when it is done."""
    item = {
        "asset_ids": attempt.asset_ids,
        "cost": attempt.cost_microusd,
        "position": step.position,
        "ended_at": attempt.ended_at,
    }
    return item if made is None else item | _complete(task, step, list(made), attempt.ended_at)


def _complete(task: Task, step: TaskStep, made: list[UUID], now: datetime | None) -> dict[str, Any]:
    """The step is done, and with the last one the task."""
    step.status, step.asset_ids, step.completed_at = StepStatus.SUCCEEDED, made, now
    task.status = TaskStatus.PROCESSING
    if step.position < len(task.steps) - 1:
        return {"step_assets": made, **_event(task, "task.progress")}
    task.charged = task.quoted * min(len(made), task.num_outputs) // task.num_outputs
    task.status, task.output_ids, task.completed_at = TaskStatus.SUCCEEDED, made, now
    charge = {"charged": task.charged, "reason": f"Task: {task.operation}", "lane": task.lane}
    return {"step_assets": made, **charge, **_event(task, "task.succeeded")}


def _event(task: Task, type_: str) -> dict[str, Any]:
    """The task as it is now; its balance is filled in where the money is moved."""
    return {"event_id": new_id(), "event": type_, "data": reading.snapshot(task), "batch_id": task.batch_id}
