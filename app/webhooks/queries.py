"""SQL of webhooks. What workers do is single statements, by the database's clock."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Member, User, UserStatus, Workspace, WorkspaceRole
from app.core.paging import PageRequest
from app.webhooks.models import (
    DeliveryStatus,
    EndpointStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookQueue,
    WebhookSigningSecret,
)

# --- what workers do

CLAIM = "select * from claim_webhooks($1, $2, make_interval(secs => $3), $4, $5, $6)"
NOTE = "select note_webhooks($1::jsonb, $2, $3)"
SECONDS_TO_NEXT = """
    select extract(epoch from least(
        (select min(next_due_at) from webhook_queues where failures = 0),
        (select min(next_due_at) from webhook_queues where failures > 0)) - clock_timestamp())::float8 as seconds
"""
# Some at a time; ids begin with the time they were made at.
FORGET = """
    with old as materialized (
        select id from webhook_deliveries where id < id_from(now() - make_interval(days => $1))
        order by id limit 1000 for update skip locked
    )
    delete from webhook_deliveries d using old where d.id = old.id returning 1
"""
FORGET_QUEUES = """
    with idle as materialized (
        select target_id from webhook_queues q
        where next_due_at is null and (failures = 0 or last_failed_at < now() - make_interval(days => $1))
            and not exists (select from webhook_deliveries d where d.target_id = q.target_id and d.status = 'pending')
            and not exists (select from webhook_endpoints e where e.id = q.endpoint_id)
        limit 1000 for update skip locked
    )
    delete from webhook_queues q using idle where q.target_id = idle.target_id returning 1
"""


async def note(session: AsyncSession, items: str, at_once: int, breaker: int) -> None:
    """The same as NOTE, for who has more to do in the transaction."""
    statement = text("select note_webhooks(cast(:items as jsonb), :at_once, :breaker)")
    await session.execute(statement, {"items": items, "at_once": at_once, "breaker": breaker})


# --- endpoints


def _endpoints(workspace_id: UUID, mode: str) -> Select[WebhookEndpoint, datetime | None]:
    query = select(WebhookEndpoint, WebhookQueue.failing_since).join(
        WebhookQueue, WebhookQueue.target_id == WebhookEndpoint.id, isouter=True
    )
    return query.where(WebhookEndpoint.workspace_id == workspace_id, WebhookEndpoint.mode == mode)


async def list_endpoints(
    session: AsyncSession, page: PageRequest, *, workspace_id: UUID, mode: str
) -> Sequence[Row[WebhookEndpoint, datetime | None]]:
    """Each, and since when it fails."""
    query = _endpoints(workspace_id, mode)
    order = (WebhookEndpoint.created_at, WebhookEndpoint.id)
    if page.after:
        query = query.where(tuple_(*order) < (page.after.created_at, page.after.id))
    query = query.order_by(*(column.desc() for column in order)).limit(page.limit + 1)
    return (await session.execute(query)).all()


async def find_endpoint(
    session: AsyncSession, endpoint_id: UUID, *, workspace_id: UUID, mode: str
) -> Row[WebhookEndpoint, datetime | None] | None:
    return (
        await session.execute(_endpoints(workspace_id, mode).where(WebhookEndpoint.id == endpoint_id))
    ).one_or_none()


async def lock_endpoint(
    session: AsyncSession, endpoint_id: UUID, *, workspace_id: UUID, mode: str
) -> WebhookEndpoint | None:
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.workspace_id == workspace_id, WebhookEndpoint.mode == mode
    )
    query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def lock_enabled(session: AsyncSession, endpoint_id: UUID) -> WebhookEndpoint | None:
    """Of any workspace, for workers; None when it is disabled or deleted."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.status == EndpointStatus.ENABLED
    )
    return (await session.execute(query.with_for_update())).scalar_one_or_none()


async def lock_workspace(session: AsyncSession, workspace_id: UUID) -> None:
    """Of two who add an endpoint one counts after the other."""
    await session.execute(select(Workspace.id).where(Workspace.id == workspace_id).with_for_update(key_share=True))


async def count_endpoints(session: AsyncSession, *, workspace_id: UUID, mode: str) -> int:
    query = select(func.count()).select_from(WebhookEndpoint)
    query = query.where(WebhookEndpoint.workspace_id == workspace_id, WebhookEndpoint.mode == mode)
    return int((await session.execute(query)).scalar_one())


async def remove_endpoint(session: AsyncSession, endpoint_id: UUID) -> None:
    await session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))


_WAKE = """
    insert into webhook_queues as q (target_id, workspace_id, mode, endpoint_id, next_due_at)
    values (:target_id, :workspace_id, :mode, :endpoint_id, clock_timestamp())
    on conflict (target_id) do update set next_due_at = excluded.next_due_at, paused_until = null
"""


async def wake(
    session: AsyncSession, target_id: UUID, *, workspace_id: UUID, mode: str, endpoint_id: UUID | None
) -> None:
    """Have the queue looked at now, and hold it: before any of its deliveries is changed."""
    values = {"target_id": target_id, "workspace_id": workspace_id, "mode": mode, "endpoint_id": endpoint_id}
    await session.execute(text(_WAKE), values)


async def forget_failures(session: AsyncSession, target_id: UUID) -> None:
    values = {"failures": 0, "failing_since": None, "last_failed_at": None, "paused_until": None}
    await session.execute(update(WebhookQueue).where(WebhookQueue.target_id == target_id).values(values))


async def list_keepers(session: AsyncSession, workspace_id: UUID) -> Sequence[Row[str, str, str]]:
    """Address and language of the owners and admins who can be written to, and the workspace's name."""
    query = (
        select(User.email, User.locale, Workspace.name)
        .join(Member, Member.user_id == User.id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(
            Member.workspace_id == workspace_id,
            Member.role.in_([WorkspaceRole.OWNER, WorkspaceRole.ADMIN]),
            User.status == UserStatus.ACTIVE,
            User.email_verified_at.is_not(None),
        )
    )
    return (await session.execute(query.order_by(User.id))).all()


# --- the secret of a workspace


async def find_signing_secret(session: AsyncSession, *, workspace_id: UUID, mode: str) -> WebhookSigningSecret | None:
    return await session.get(WebhookSigningSecret, (workspace_id, mode), populate_existing=True)


_ROTATE = """
    insert into webhook_signing_secrets as s (workspace_id, mode, generation, rotated_at, previous_secret_until)
    values (:workspace_id, :mode, 2, clock_timestamp(), null)
    on conflict (workspace_id, mode) do update set generation = s.generation + 1, rotated_at = excluded.rotated_at,
        previous_secret_until = case when :overlap > 0
            then clock_timestamp() + make_interval(secs => :overlap) end
"""


async def rotate_signing_secret(session: AsyncSession, *, workspace_id: UUID, mode: str, overlap: int) -> None:
    """The first that anybody is shown is the second generation: before, there is nobody to overlap with."""
    await session.execute(text(_ROTATE), {"workspace_id": workspace_id, "mode": mode, "overlap": overlap})


# --- deliveries


async def list_deliveries(
    session: AsyncSession,
    page: PageRequest,
    *,
    workspace_id: UUID,
    mode: str,
    endpoint_id: UUID | None = None,
    task_id: UUID | None = None,
    status: Sequence[DeliveryStatus] = (),
    event_type: str | None = None,
    created_after: datetime | None = None,
) -> Sequence[WebhookDelivery]:
    query = select(WebhookDelivery).where(WebhookDelivery.workspace_id == workspace_id, WebhookDelivery.mode == mode)
    for column, wanted in (
        (WebhookDelivery.endpoint_id, endpoint_id),
        (WebhookDelivery.task_id, task_id),
        (WebhookDelivery.event_type, event_type),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if status:
        query = query.where(WebhookDelivery.status.in_(status))
    if created_after:
        query = query.where(WebhookDelivery.created_at > created_after)
    order = (WebhookDelivery.created_at, WebhookDelivery.id)
    if page.after:
        query = query.where(tuple_(*order) < (page.after.created_at, page.after.id))
    query = query.order_by(*(column.desc() for column in order)).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def find_delivery(
    session: AsyncSession, delivery_id: UUID, *, workspace_id: UUID, mode: str
) -> WebhookDelivery | None:
    query = select(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.workspace_id == workspace_id, WebhookDelivery.mode == mode
    )
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def list_attempts(session: AsyncSession, delivery_id: UUID) -> Sequence[WebhookAttempt]:
    query = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id)
    return (await session.execute(query.order_by(WebhookAttempt.number))).scalars().all()


# What is under way stays so: were it sent by two at once, one of them would be for nothing.
_ANEW = """
    update webhook_deliveries set status = 'pending', tries = 0, ended_at = null,
        due_at = case when claimed_until > clock_timestamp() then due_at else clock_timestamp() end
"""


async def redeliver(session: AsyncSession, delivery_id: UUID) -> None:
    await session.execute(text(f"{_ANEW} where id = :id"), {"id": delivery_id})


# A slice of the log, from after the event where the slice before ended.
_RANGE = """
    with looked_at as materialized (
        select f.number, f.event_id, f.type, e.task_id, d.id, d.status
        from feed f join events e on e.id = f.event_id
        left join webhook_deliveries d on d.event_id = f.event_id and d.target_id = :endpoint_id
        where f.workspace_id = :workspace_id and f.mode = :mode
            and f.number > coalesce((
                select number from feed where event_id = :last_event and workspace_id = :workspace_id and mode = :mode
            ), 0)
            and e.created_at >= :after and e.created_at < :before
            and f.event_id >= id_from(greatest(:after - interval '1 hour', '1970-01-01Z'))
            and f.event_id < id_from(:before + interval '1 hour')
        order by f.number limit :most
    ), again as (
        {anew} where id in (select id from looked_at where status = any (:statuses)) returning id
    ), added as (
        insert into webhook_deliveries (
            id, workspace_id, mode, endpoint_id, target_id, event_id, event_type, task_id, status, attempts, tries,
            due_at, created_at)
        select new_id(), :workspace_id, :mode, :endpoint_id, :endpoint_id, event_id, type, task_id, 'pending', 0, 0,
               clock_timestamp(), clock_timestamp()
        from looked_at
        where :is_with_missed and id is null and (
            cast(:types as varchar[]) is null
            or :types && array[type, split_part(type, '.', 1) || '.*', '*']::varchar[])
        order by number
        on conflict (event_id, target_id) do nothing
        returning id
    )
    select (select count(*) from again) + (select count(*) from added) as queued,
           (select count(*) from looked_at) as seen,
           (select event_id from looked_at order by number desc limit 1) as last
"""


async def redeliver_range(
    session: AsyncSession,
    endpoint: WebhookEndpoint,
    *,
    after: datetime,
    before: datetime,
    last_event: UUID | None,
    statuses: Sequence[str],
    is_with_missed: bool,
    most: int,
) -> tuple[int, UUID | None]:
    """How many are queued, and the event up to which the log was gone through; None when that was all."""
    values = {
        "endpoint_id": endpoint.id,
        "workspace_id": endpoint.workspace_id,
        "mode": endpoint.mode,
        "types": endpoint.event_types,
        "after": after,
        "before": before,
        "last_event": last_event,
        "statuses": list(statuses),
        "is_with_missed": is_with_missed,
        "most": most,
    }
    row = (await session.execute(text(_RANGE.format(anew=_ANEW)), values)).one()
    return row.queued, row.last if row.seen == most else None
