"""SQL of tasks."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, func, literal, select, tuple_, update
from sqlalchemy.engine import Row as Selected
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.db import Base, Database
from app.core.paging import PageRequest
from app.core.wire import dumps
from app.generation.models import OPEN, Task, TaskAttempt, TaskQueue, TaskStep

WHOLE = (selectinload(Task.steps), selectinload(Task.attempts))
Row = TypeVar("Row", bound=Base)

SUBMIT = """
    select place, outcome, balance, task_id, queue_position, estimated_start_at from submit_tasks($1::jsonb)
"""

ORDERED_BEFORE = """
    select k.fingerprint, k.task_id, e.data
    from idempotency_keys k
    left join lateral (
        select data from events where events.task_id = k.task_id and events.id >= id_floor(k.task_id)
        order by position limit 1) e on true
    where k.workspace_id = $1 and k.mode = $2 and k.key = $3 and k.expires_at > now()
"""

IMPORTED = """
    select a.id, a.kind, a.width, a.height from imported_files i join assets a on a.id = i.asset_id
    where i.batch_id = $1 and i.url_digest = $2 and a.status = 'ready' and a.deleted_at is null
"""
KEEP_IMPORT = "select keep_import($1, $2, $3) as is_kept"

DURATIONS = "select operation, provider, model, size_class, mean_seconds from task_durations"
RECORD_DURATIONS = "select record_durations($1::jsonb)"


async def find_task(
    session: AsyncSession, task_id: UUID, *, workspace_id: UUID, mode: str, for_update: bool = False
) -> Task | None:
    """With steps and attempts; not the deleted ones."""
    query = (
        select(Task)
        .where(Task.id == task_id, Task.workspace_id == workspace_id, Task.mode == mode, Task.deleted_at.is_(None))
        .options(*WHOLE)
        .execution_options(populate_existing=True)
    )
    if for_update:
        query = query.with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def list_tasks(
    session: AsyncSession,
    page: PageRequest,
    *,
    workspace_id: UUID,
    mode: str,
    status: Sequence[str] = (),
    operation: str | None = None,
    batch_id: UUID | None = None,
    created_after: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Sequence[Selected[UUID, datetime]]:
    """The id and created_at of each."""
    query = select(Task.id, Task.created_at).where(
        Task.workspace_id == workspace_id, Task.mode == mode, Task.deleted_at.is_(None)
    )
    if status:
        query = query.where(Task.status.in_(status))
    if operation:
        query = query.where(Task.operation == operation)
    if batch_id:
        query = query.where(Task.batch_id == batch_id)
    if created_after:
        query = query.where(Task.created_at > created_after)
    for key, value in (metadata or {}).items():
        query = query.where(Task.meta[key].astext == value)
    if page.after:
        query = query.where(tuple_(Task.created_at, Task.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Task.created_at.desc(), Task.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).all()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task taken, as it was then; the time, and what is left to its deadline, as the database counts them.

    `asked_at` is a moment before, by our event loop's clock.
    """

    task: Task
    now: datetime
    seconds_left: float
    asked_at: float


async def claim(
    database: Database,
    *,
    lane: str = "",
    limit: int = 0,
    due: int = 0,
    only: UUID | None = None,
    lease: timedelta,
    deadline: timedelta,
) -> list[Claimed]:
    """Take up to `limit` tasks of a lane until the lease ends, fairly (see `claim_tasks` in the migrations).

    `due` is the share of those begun before, where there are enough of both. With `only`, take that one task if
    something is due. All times are the database's, so that the clocks of workers do not matter.
    """
    asked_at = asyncio.get_running_loop().time()
    rows = await database.fetch(
        "select * from claim_tasks($1, $2, $3, $4, $5, $6) as claimed", lane, limit, due, lease, deadline, only
    )
    return [_claimed(json.loads(row["claimed"]), asked_at) for row in rows]


def _claimed(found: dict[str, Any], asked_at: float) -> Claimed:
    task: Task = _read(Task, found["task"])
    task.steps = [_read(TaskStep, step) for step in found["steps"]]
    task.attempts = [_read(TaskAttempt, attempt) for attempt in found["attempts"]]
    return Claimed(task, datetime.fromisoformat(found["now"]), found["seconds_left"], asked_at)


_FROM_JSON: dict[type, Callable[[Any], Any]] = {
    DateTime: datetime.fromisoformat,
    Uuid: UUID,
    ARRAY: lambda ids: [UUID(one) for one in ids],
}
_COLUMNS: dict[type[Base], dict[str, tuple[str, Callable[[Any], Any] | None]]] = {
    model: {
        attribute.columns[0].name: (attribute.key, _FROM_JSON.get(type(attribute.columns[0].type)))
        for attribute in model.__mapper__.column_attrs
    }
    for model in (Task, TaskStep, TaskAttempt)
}


def _read(model: type[Row], values: dict[str, Any]) -> Row:
    """A row that belongs to no session, from what `row_to_json` makes of it."""
    fields = {}
    for name, (key, convert) in _COLUMNS[model].items():
        value = values[name]
        fields[key] = convert(value) if convert and value is not None else value
    return model(**fields)


async def find_seconds_to_next(database: Database, lane: str) -> float | None:
    """When something begun before is due next in the lane; None when nothing is begun."""
    row = await database.fetchrow(
        """
        select extract(epoch from min(wake_at) - clock_timestamp())::float8 as seconds from tasks
        where lane = $1 and status in ('processing', 'reconciling')
        """,
        lane,
    )
    seconds: float | None = row["seconds"] if row else None
    return seconds


async def extend_leases(database: Database, held: Iterable[tuple[UUID, int]], lease: timedelta) -> set[UUID]:
    """Those still ours; missing are the tasks that were canceled, ended, or claimed by another."""
    ids, fences = zip(*held, strict=True)
    rows = await database.fetch(
        """
        with ours as materialized (
            select t.id from tasks t join unnest($1::uuid[], $2::int[]) as held(id, fence) using (id)
            where t.fence = held.fence and t.status in ('pending', 'processing', 'reconciling')
            order by t.id for no key update of t
        )
        update tasks set wake_at = clock_timestamp() + $3 from ours where tasks.id = ours.id returning tasks.id
        """,
        ids,
        fences,
        lease,
    )
    return {row["id"] for row in rows}


async def hand_over(database: Database, task_id: UUID, fence: int, in_house: Sequence[str]) -> str | None:
    """Let go of the task at once; its lane, or None when it is not ours.

    What was under way with the `in_house` providers has stopped, and is no try.
    """
    row = await database.fetchrow(
        """
        with ours as materialized (
            select id from tasks
            where id = $1 and fence = $2 and status in ('pending', 'processing', 'reconciling') for update
        ), stopped as (
            update task_attempts a set status = 'canceled', ended_at = clock_timestamp() from ours
            where a.task_id = ours.id and a.status = 'submitting' and a.provider = any($3)
        )
        update tasks set fence = fence + 1, version = version + 1, wake_at = clock_timestamp() from ours
        where tasks.id = ours.id returning tasks.lane
        """,
        task_id,
        fence,
        in_house,
    )
    return row["lane"] if row else None


async def begin_attempts(database: Database, items: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """The attempts that were noted; missing are those of tasks that are not ours any more."""
    return await _write(database, "select begin_attempts($1::jsonb) as id", items)


async def await_providers(database: Database, items: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """The attempts whose tasks sleep now, until a provider is to be asked again."""
    return await _write(database, "select await_providers($1::jsonb) as id", items)


async def record_results(database: Database, items: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """The attempts whose results are recorded, now or before."""
    return await _write(database, "select record_results($1::jsonb) as id", items)


async def _write(database: Database, statement: str, items: Sequence[Mapping[str, Any]]) -> set[UUID]:
    return {row["id"] for row in await database.fetch(statement, dumps(items).decode())}


async def take_back(database: Database, task_id: UUID, fence: int, attempt_id: UUID, lease: timedelta) -> int | None:
    """The task's new fence, ours; None when nothing more is wanted from the attempt.

    For who has a provider's answer, or has not even asked, and found out that the lease of `fence` was lost, or may
    have been: as long as nobody has settled the attempt, nobody else knows what became of it.
    """
    row = await database.fetchrow(
        """
        with ours as materialized (
            select t.id from tasks t join task_attempts a on a.task_id = t.id
            where t.id = $1 and a.id = $3 and t.fence >= $2 and t.status in ('processing', 'reconciling')
              and a.run = t.run and a.status in ('submitting', 'unknown')
            for update
        )
        update tasks set fence = fence + 1, wake_at = clock_timestamp() + $4 from ours
        where tasks.id = ours.id returning tasks.fence
        """,
        task_id,
        fence,
        attempt_id,
        lease,
    )
    return row["fence"] if row else None


async def lock_fenced(session: AsyncSession, task_id: UUID, fence: int) -> Task | None:
    """The task with all its parts, locked, if we still hold it."""
    query = (
        select(Task)
        .where(Task.id == task_id, Task.fence == fence, Task.status.in_(OPEN))
        .options(*WHOLE)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def set_wake_at(session: AsyncSession, task: Task, delay: timedelta) -> None:
    """Something is due again after `delay`, and at the deadline at the latest."""
    await session.execute(
        update(Task)
        .where(Task.id == task.id)
        .values(wake_at=func.least(func.clock_timestamp() + literal(delay), Task.deadline_at))
        .execution_options(synchronize_session=False)
    )


async def find_place(session: AsyncSession, task_id: UUID) -> dict[str, Any] | None:
    """Where a pending task stands in its queue: `queue_position` and `estimated_start_at`."""
    places = func.queue_places(literal([task_id], ARRAY(Uuid))).table_valued("queue_position", "estimated_start_at")
    found = (await session.execute(select(places))).mappings().first()
    return dict(found) if found is not None else None


async def has_room(session: AsyncSession, *, workspace_id: UUID, mode: str, lane: str) -> bool:
    """Whether the queue takes one more. Asked under the lock of the credit account, as orders do."""
    queue = await session.get(TaskQueue, (workspace_id, mode, lane))
    return queue is None or queue.queued < queue.room


async def find_attempt(session: AsyncSession, attempt_id: UUID) -> TaskAttempt | None:
    return await session.get(TaskAttempt, attempt_id)


# --- straight, for readers: $1 tasks, $2 their workspaces, $3 their modes; `place` counts them from 1

_ASKED = """
from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as asked (id, workspace_id, mode, place)
join tasks t on t.id = asked.id and t.workspace_id = asked.workspace_id and t.mode = asked.mode and t.deleted_at is null
"""
STATES_OF_TASKS = f"""
select asked.place, t.status, (
    select max(e.position) from events e where e.task_id = t.id and e.id >= id_floor(t.id)) as position {_ASKED}
"""
# What a reader sees: the task's own row, where it stands in its queue, and marks of the rest: the transactions that
# wrote it (`xmin` changes with every update of a row).
_SEEN = """
with t as materialized (select asked.place, {columns} {asked})
select t.*, q.queue_position, q.estimated_start_at, concat_ws(
    '/',
    (select string_agg(s.xmin::text, ' ' order by s.position) from task_steps s where s.task_id = t.id),
    (select string_agg(a.xmin::text, ' ' order by a.id) from task_attempts a where a.task_id = t.id),
    (select string_agg(f.xmin::text, ' ' order by f.id) from assets f
        where f.id = any(t.output_ids) and f.status = 'ready' and f.deleted_at is null)
) as marks {parts}
from t left join queue_places((select array_agg(id) from t where status = 'pending')) q on q.task_id = t.id
"""
MARKS_OF_TASKS = _SEEN.format(columns="t.id, t.version, t.status, t.output_ids", asked=_ASKED, parts="")
# The results of a task `t` that are there, as JSON.
OUTPUTS = """
case when t.output_ids <> '{}' then (
    select json_agg(json_build_object(
        'id', f.id, 'kind', f.kind, 'source', f.source, 'content_type', f.content_type, 'bytes', f.bytes,
        'width', f.width, 'height', f.height, 'duration', f.duration, 'sha256', encode(f.sha256, 'hex'),
        'placeholder', f.placeholder, 'favorite', f.favorite, 'task_id', f.task_id, 'metadata', f.metadata,
        'created_at', to_char(f.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'filename', f.filename,
        'keys', (select json_object_agg(r.rendition, r.key) from asset_files r where r.asset_id = f.id)))
    from assets f where f.id = any(t.output_ids) and f.status = 'ready' and f.deleted_at is null) end
"""
WHOLE_TASKS = _SEEN.format(
    columns="""
       t.id, t.version, t.operation, t.status, t.input, t.model, t.provider, t.routing, t.quoted, t.charged, t.balance,
       t.estimated_seconds, t.output_ids, t.error, t.batch_id, t.batch_index, t.created_at, t.started_at,
       t.completed_at, t.metadata, t.webhook_url
    """,
    asked=_ASKED,
    parts=f""",
       (select json_agg(json_build_array(s.name, s.status, s.asset_ids) order by s.position)
        from task_steps s where s.task_id = t.id) as steps,
       (select json_agg(
            json_build_array(
                a.position, a.provider, a.model, a.status, a.error,
                extract(epoch from a.ended_at - a.started_at)::float8)
            order by a.id)
        from task_attempts a where a.task_id = t.id) as attempts,
       {OUTPUTS} as outputs
    """,
)
