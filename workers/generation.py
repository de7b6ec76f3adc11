"""Jobs of the generation queue."""

from uuid import UUID

from app.generation import advance
from workers.context import Context


async def advance_task(context: Context, task_id: str) -> None:
    await advance.advance_task(context["engine"], UUID(task_id))


async def cancel_at_provider(context: Context, attempt_id: str) -> None:
    await advance.cancel_at_provider(context["engine"], UUID(attempt_id))
