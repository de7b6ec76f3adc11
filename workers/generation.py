"""Jobs of the generation queue."""

from uuid import UUID

from app.generation import advance
from workers.context import Context


async def cancel_at_provider(context: Context, attempt_id: str) -> None:
    await advance.cancel_at_provider(context["engine"], UUID(attempt_id))
