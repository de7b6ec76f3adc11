"""Asking for a mail, in the transaction of what it tells of."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.events import service as events
from app.mail.models import Mail

Kind = Literal[
    "verify_email",
    "account_exists",
    "reset_password",
    "password_changed",
    "confirm_email_change_old",
    "confirm_email_change_new",
    "email_changed",
    "confirm_identity",
    "identity_linked",
    "identity_unlinked",
    "invitation",
    "deletion_scheduled",
    "account_deleted",
    "export_ready",
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
            token_id=token_id,
            expires_at=expires_at,
        )
    )
