"""SQL of callbacks."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.core.db import Database

FORGET_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A callback as it is kept: `id` is for a new row, `digest` tells it from others of its attempt."""

    id: UUID
    attempt_id: UUID
    provider: str
    digest: bytes
    body: bytes
    body_bytes: int
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Noted:
    """`is_new` when it was kept now. `lane` is that of a task that is due because of it."""

    is_new: bool
    lane: str | None


async def note(
    database: Database, delivery: Delivery, *, most: int, lease: timedelta, pause: timedelta
) -> Noted | None:
    """Keep the callback, count it, and make the attempt's task due, `pause` after the one before at the earliest.

    None when there is no such attempt. What came before is counted there, and changes nothing else; beyond `most` of
    one attempt nothing is kept or done.

    A task due within `lease` is left alone: a worker has it, who will see the count, or soon will. What `found` says is
    as true as its locks, the rest of the statement may see older rows: who was about to sleep may have fallen asleep
    while we waited for the lock.
    """
    row = await database.fetchrow(
        """
        with found as materialized (
            select t.id as task_id, a.id as attempt_id, a.called_back_at,
                   t.status in ('processing', 'reconciling') and a.status in ('accepted', 'unknown')
                       and t.wake_at > clock_timestamp() + $9 as is_asleep
            from task_attempts a join tasks t on t.id = a.task_id
            where a.id = $1 and a.provider = $2 for no key update of t, a
        ), kept as (
            insert into inbound_callbacks as c (id, attempt_id, provider, digest, body, body_bytes, content_type)
            select $3, attempt_id, $2, $4, $5, $6, $7 from found
            where (select count(*) from inbound_callbacks o where o.attempt_id = $1 and o.digest <> $4) < $8
            on conflict (attempt_id, digest) do update set deliveries = c.deliveries + 1
            returning deliveries = 1 as is_new
        ), fresh as (
            select found.* from found, kept where is_new
        ), noted as (
            update task_attempts a set callbacks = a.callbacks + 1, called_back_at = clock_timestamp()
            from fresh where a.id = fresh.attempt_id
        ), woken as (
            update tasks t set wake_at = greatest(clock_timestamp(), fresh.called_back_at + $10)
            from fresh where t.id = fresh.task_id and is_asleep
            returning t.lane
        )
        select exists (select from fresh) as is_new, (select lane from woken) as lane from found
        """,
        delivery.attempt_id,
        delivery.provider,
        delivery.id,
        delivery.digest,
        delivery.body,
        delivery.body_bytes,
        delivery.content_type,
        most,
        lease,
        pause,
    )
    return Noted(row["is_new"], row["lane"]) if row else None


async def forget(database: Database, age: timedelta) -> int:
    """Delete some of those received longer ago; how many."""
    row = await database.fetchrow(
        """
        with old as materialized (
            select id from inbound_callbacks where received_at < now() - $1::interval
            order by received_at limit $2 for update skip locked
        ), gone as (
            delete from inbound_callbacks using old where inbound_callbacks.id = old.id returning 1
        )
        select count(*) as count from gone
        """,
        age,
        FORGET_AT_ONCE,
    )
    assert row is not None
    count: int = row["count"]
    return count
