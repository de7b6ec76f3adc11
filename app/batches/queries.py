"""SQL of batches."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, func, literal_column, select, tuple_, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.batches.models import Batch
from app.core.paging import PageRequest
from app.generation.models import OPEN, Task
from app.generation.queries import OUTPUTS, WHOLE

SUBMIT = "select outcome, balance, room, batch_id, shown from submit_batch($1::jsonb, $2::jsonb, $3::jsonb)"

ORDERED_BEFORE = """
    select fingerprint, batch_id from idempotency_keys
    where workspace_id = $1 and mode = $2 and key = $3 and expires_at > now()
"""

# What a reader of the whole batch can see: its row, its tasks (whose versions only grow), and their results.
MARKS = """
    select b.id, concat_ws(
        '/',
        b.xmin,
        (select sum(t.version) from tasks t where t.batch_id = b.id),
        (select md5(string_agg(f.xmin::text, ' ' order by f.id))
         from tasks t join assets f on f.id = any (t.output_ids) and f.status = 'ready' and f.deleted_at is null
         where t.batch_id = b.id)) as marks
    from batches b where b.id = $1 and b.workspace_id = $2 and b.mode = $3
"""

WHOLE_BATCH = f"""
    select marked.id, marked.marks, batch_shown(b) as shown, (
        select json_agg(json_build_array(
            i.index, i.filename, i.metadata, i.error, i.task_id, t.deleted_at is not null, t.status, t.quoted,
            t.charged, t.error, t.output_ids, {OUTPUTS}) order by i.index)
        from batch_items i left join tasks t on t.id = i.task_id where i.batch_id = b.id) as items
    from ({MARKS}) marked join batches b using (id)
"""

# $1 batches, $2 their workspaces, $3 their modes; `place` counts them from 1
STATES = """
    select asked.place, b.open, (
        select max(e.position) from events e where e.batch_id = b.id and e.id >= id_floor(b.id)) as position
    from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as asked (id, workspace_id, mode, place)
    join batches b on b.id = asked.id and b.workspace_id = asked.workspace_id and b.mode = asked.mode
"""


async def list_batches(
    session: AsyncSession, page: PageRequest, *, workspace_id: UUID, mode: str
) -> Sequence[Row[UUID, object, str]]:
    """The id, created_at and `shown`, as JSON, of each."""
    shown = literal_column("batch_shown(batches)::text", Text).label("shown")
    query = select(Batch.id, Batch.created_at, shown).where(Batch.workspace_id == workspace_id, Batch.mode == mode)
    if page.after:
        query = query.where(tuple_(Batch.created_at, Batch.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Batch.created_at.desc(), Batch.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).all()


async def find_batch(session: AsyncSession, batch_id: UUID, *, workspace_id: UUID, mode: str) -> Batch | None:
    query = select(Batch).where(Batch.id == batch_id, Batch.workspace_id == workspace_id, Batch.mode == mode)
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def find_whole(
    session: AsyncSession, batch_id: UUID, *, workspace_id: UUID, mode: str
) -> Mapping[Any, Any] | None:
    """The row of `WHOLE_BATCH`, as this transaction sees it."""
    await session.flush()
    as_text = f"select id, marks, shown::text as shown, items::text as items from ({WHOLE_BATCH}) whole"
    found = await (await session.connection()).exec_driver_sql(as_text, (batch_id, workspace_id, mode))
    return found.mappings().first()


async def lock_open_tasks(session: AsyncSession, batch_id: UUID) -> Sequence[Task]:
    """With their steps and attempts, in the order in which rows are locked."""
    query = (
        select(Task)
        .where(Task.batch_id == batch_id, Task.status.in_(OPEN))
        .options(*WHOLE)
        .order_by(Task.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalars().all()


async def note_cancel(session: AsyncSession, batch_id: UUID) -> None:
    await session.execute(update(Batch).where(Batch.id == batch_id).values(canceled_at=func.clock_timestamp()))
