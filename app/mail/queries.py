"""SQL of mails. What workers do is single statements, by the database's clock."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.mail.models import CaughtMail

# Up to $2 mails that are due, for $3 seconds; none while the backend $1 is paused. At most $4 tries, and $5 days.
# Those tried less often go first: what fails again and again delays nobody.
# Materialized: in a join it could be gone through again for each row, and each time take others.
CLAIM = """
    with due as materialized (
        select id from mails
        where status = 'pending' and due_at <= now() and attempts < $4 and (expires_at is null or expires_at > now())
            and created_at > now() - make_interval(days => $5)
            and not exists (select from mail_pauses where backend = $1 and until > now())
        order by attempts, due_at limit $2 for update skip locked
    )
    update mails m set attempts = m.attempts + 1, due_at = now() + make_interval(secs => $3), error = null
    from due where m.id = due.id
    returning m.id, m.kind, m.to_address, m.locale, m.facts, m.token_id, m.attempts, m.created_at, m.expires_at
"""

# What will not be sent any more: its link is dead, or whoever sent it died each time, or nobody could for $2 days.
SETTLE = """
    update mails m set status = case when expires_at <= now() then 'expired' else 'failed' end,
        error = coalesce(error, 'not sent in time')
    from (
        select id from mails
        where status = 'pending' and due_at <= now()
            and (expires_at <= now() or attempts >= $1 or created_at <= now() - make_interval(days => $2))
        order by due_at limit 500 for update skip locked
    ) over
    where m.id = over.id
    returning m.id, m.kind, m.status, m.error
"""

# By this backend, $1.
SECONDS_TO_NEXT = """
    select extract(epoch from greatest(
        min(due_at), (select until from mail_pauses where backend = $1 and until > now())) - now())::float8 as seconds
    from mails where status = 'pending'
"""

# It was sent, whoever else has claimed it since.
SENT = """
    update mails set status = 'sent', sent_at = now(), provider_id = $2, error = null
    where id = $1 and status <> 'sent'
"""
SENT_AND_FORGOTTEN = "delete from mails where id = $1"

# Only by who claimed it last: $2 is that claim's number.
AGAIN = """
    update mails set due_at = now() + make_interval(secs => $3), error = $4
    where id = $1 and status = 'pending' and attempts = $2
"""
FAILED = "update mails set status = 'failed', error = $3 where id = $1 and status = 'pending' and attempts = $2"

# The try does not count: it says nothing of this mail.
NOT_TRIED = """
    update mails set attempts = attempts - 1, due_at = now() + make_interval(secs => $3), error = $4
    where id = $1 and status = 'pending' and attempts = $2
"""

PAUSE = """
    insert into mail_pauses (backend, until, reason) values ($1, now() + make_interval(secs => $2), $3)
    on conflict (backend) do update
    set until = greatest(mail_pauses.until, excluded.until), reason = excluded.reason
"""

FORGET = """
    delete from mails where id in (
        select id from mails
        where status <> 'pending' and created_at < now() - make_interval(secs => $1)
        limit 1000 for update skip locked)
    returning id
"""

CATCH = """
    insert into caught_mails (id, kind, to_address, subject, text, html, raw, created_at, workspace_id)
    values ($1, $2, $3, $4, $5, $6, $7, now(), (select workspace_id from mails where id = $1))
    on conflict (id) do nothing
"""
CAUGHT_AT_MOST = 500
FORGET_CAUGHT = f"""
    delete from caught_mails where id <= (select id from caught_mails order by id desc offset {CAUGHT_AT_MOST} limit 1)
"""


async def list_caught(session: AsyncSession, *, to: str | None) -> Sequence[CaughtMail]:
    """The newest first."""
    found = select(CaughtMail).order_by(CaughtMail.id.desc()).limit(CAUGHT_AT_MOST)
    if to is not None:
        found = found.where(func.lower(CaughtMail.to_address) == to.lower())
    return (await session.execute(found)).scalars().all()


async def find_caught(session: AsyncSession, mail_id: UUID) -> CaughtMail | None:
    return await session.get(CaughtMail, mail_id)


async def forget_caught(session: AsyncSession) -> None:
    await session.execute(delete(CaughtMail))
