"""Tasks as the customer sees them."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import service as assets
from app.assets.tools import AssetTools
from app.core.ids import encode
from app.generation.models import OPEN, StepStatus, Task, TaskAttempt, TaskStatus
from app.generation.schemas import AttemptRead, StepRead, TaskCredits, TaskRead, TaskSnapshot


def progress(task: Task) -> float:
    """The share of steps done, 0 to 1."""
    if task.status == TaskStatus.SUCCEEDED:
        return 1.0
    done = sum(step.status == StepStatus.SUCCEEDED for step in task.steps)
    return round(done / len(task.steps), 2)


def _attempt(task: Task, attempt: TaskAttempt) -> AttemptRead:
    ended = attempt.ended_at
    return AttemptRead.model_validate(
        {
            "step": next((step.name for step in task.steps if step.position == attempt.position), "?"),
            "provider": attempt.provider,
            "model": attempt.model,
            "status": attempt.status,
            "error": attempt.error,
            "duration": round((ended - attempt.started_at).total_seconds(), 3) if ended else None,
        }
    )


def snapshot(task: Task) -> TaskSnapshot:
    """The task as it is now, with steps and attempts loaded, without its results."""
    return TaskSnapshot.model_validate(
        {
            "id": task.id,
            "operation": task.operation,
            "status": task.status,
            "progress": progress(task),
            "input": task.input,
            "model": task.model,
            "provider": task.provider,
            "routing": task.routing,
            "steps": [
                StepRead(
                    name=step.name,
                    status=StepStatus(step.status),
                    asset_id=step.asset_ids[0] if step.asset_ids else None,
                    asset_ids=step.asset_ids,
                )
                for step in task.steps
            ],
            "credits": TaskCredits(
                quoted=task.quoted, held=task.quoted if task.status in OPEN else 0, charged=task.charged
            ),
            "balance": task.balance,
            "estimated_seconds": task.estimated_seconds,
            "attempts": [_attempt(task, attempt) for attempt in task.attempts],
            "output_ids": task.output_ids,
            "error": task.error,
            "batch_id": encode("batch", task.batch_id) if task.batch_id else None,
            "webhook_url": None,
            "created_at": task.created_at,
            "started_at": task.started_at,
            "completed_at": task.completed_at,
            "metadata": task.meta,
        }
    )


async def read_all(session: AsyncSession, tools: AssetTools, tasks: Sequence[Task]) -> list[TaskRead]:
    """The tasks with their results; a result the customer has deleted is left out."""
    wanted = [asset_id for task in tasks for asset_id in task.output_ids]
    found = await assets.find_ready(session, wanted) if wanted else {}
    return [
        TaskRead.model_construct(
            **dict(snapshot(task)),
            outputs=[assets.read_model(tools, found[asset_id]) for asset_id in task.output_ids if asset_id in found],
        )
        for task in tasks
    ]


async def read(session: AsyncSession, tools: AssetTools, task: Task) -> TaskRead:
    [shown] = await read_all(session, tools, [task])
    return shown
