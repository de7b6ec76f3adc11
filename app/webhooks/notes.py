"""What is told of webhooks in the audit log: where they lead, never their secrets."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.webhooks.models import WebhookEndpoint


def note(session: AsyncSession, actor: Actor, endpoint: WebhookEndpoint, action: str, **data: Any) -> None:
    audit.record(
        session,
        actor,
        action,
        workspace_id=endpoint.workspace_id,
        target=("webhook_endpoint", endpoint.id),
        data={"url": endpoint.url, "mode": endpoint.mode, **data},
    )
