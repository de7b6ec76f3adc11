"""What is told of API keys: in the audit log, and in the event log."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.keys import reading
from app.accounts.models import ApiKey, KeyBudget
from app.events import service as events


def note(session: AsyncSession, actor: Actor, key: ApiKey, action: str, **data: Any) -> None:
    """In the audit log."""
    audit.record(
        session,
        actor,
        action,
        workspace_id=key.workspace_id,
        target=("api_key", key.id),
        data={"name": key.name, "mode": key.mode, **data},
    )


def announce(session: AsyncSession, key: ApiKey, budget: KeyBudget | None, event_type: str) -> None:
    """In the event log."""
    data = reading.shown(key, budget).model_dump(mode="json")
    events.record(session, event_type, workspace_id=key.workspace_id, mode=key.mode, data=data)
