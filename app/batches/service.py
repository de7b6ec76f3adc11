"""What customers do with batches besides ordering them: list and cancel."""

from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import CallerInfo
from app.batches import queries
from app.batches.errors import BatchEnded, BatchNotFound
from app.core.paging import PageRequest, cut
from app.generation import transitions


async def list_batches(
    session: AsyncSession, caller: CallerInfo, page: PageRequest
) -> tuple[list[orjson.Fragment], str | None]:
    """Each as it is shown, without its items, and the next cursor."""
    rows = await queries.list_batches(session, page, workspace_id=caller.workspace_id, mode=caller.mode)
    found, cursor = cut(rows, page)
    return [orjson.Fragment(row.shown) for row in found], cursor


async def cancel_batch(session: AsyncSession, caller: CallerInfo, batch_id: UUID) -> None:
    """End all that is open, and give its holds back. Again on a canceled one does no harm. Raises BatchEnded."""
    batch = await queries.find_batch(session, batch_id, workspace_id=caller.workspace_id, mode=caller.mode)
    if batch is None:
        raise BatchNotFound
    tasks = await queries.lock_open_tasks(session, batch_id)
    if tasks:
        await transitions.cancel(session, tasks)
        await session.flush()  # the rows of tasks before that of the batch
        await queries.note_cancel(session, batch_id)
        return
    await session.refresh(batch)  # it may have been canceled while we waited for its tasks
    if batch.canceled_at is None:
        raise BatchEnded
