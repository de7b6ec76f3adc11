"""Asking for a mail, in the transaction of what it tells of."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import service as events
from app.mail import queries
from app.mail.models import Mail

CHANNEL = "backlot:mail"
DUE = "due"
"""What whoever sends mails hears on the channel."""

Kind = Literal[
    "verify_email",
    "account_exists",
    "reset_password",
    "password_changed",
    "confirm_email_change_old",
    "confirm_email_change_new",
    "email_changed",
    "confirm_identity",
    "confirm",
    "identity_linked",
    "identity_unlinked",
    "invitation",
    "deletion_scheduled",
    "account_deleted",
    "export_ready",
    "webhook_disabled",
    "low_balance",  # these two are posted by the database, in the transaction that publishes what they tell of
    "task_failed",
]


def post(
    session: AsyncSession,
    kind: Kind,
    *,
    to: str,
    locale: str,
    workspace_id: UUID,
    facts: dict[str, Any] | None = None,
    token_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Sent once the transaction is committed, by a worker.

    `facts` are what the template shows; `token_id` is the row whose token its link carries (`app.core.tokens`), and
    `expires_at` when that is no longer good. The event log hears that there was a mail, not to whom nor what was in it.
    """
    if token_id is not None and expires_at is None:
        raise ValueError("a mail says how long its link works: give expires_at")
    if to.endswith(".invalid"):  # of users who have no address: nobody can be there (RFC 2606)
        return
    event_id = new_id()
    events.record(
        session, f"mail.{kind}", workspace_id=workspace_id, mode="live", data={"kind": kind}, event_id=event_id
    )
    session.add(
        Mail(
            id=event_id,
            kind=kind,
            to_address=to,
            locale=locale,
            facts=facts or {},
            workspace_id=workspace_id,
            token_id=token_id,
            expires_at=expires_at,
        )
    )
    queue.publish(session, CHANNEL, DUE)


async def forget_old(database: Database, settings: Settings) -> int:
    """Delete what was sent, or given up, longer ago than mails are kept; how many."""
    kept_for = timedelta(days=settings.mail.keep_days).total_seconds()
    forgotten = 0
    while gone := len(await database.fetch(queries.FORGET, kept_for)):
        forgotten += gone
    return forgotten
