"""Disabling an endpoint that is gone, or fails for days: with the note of the attempt that showed it, or not at all."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit.service import SYSTEM
from app.core.db import Database
from app.events import service as events
from app.mail import service as mail
from app.webhooks import queries, service
from app.webhooks.models import DisabledReason, WebhookEndpoint
from app.webhooks.notes import note
from app.webhooks.reading import announced

log = structlog.get_logger()


async def note_and_disable(
    database: Database, items: str, endpoint_id: UUID, reason: DisabledReason, *, at_once: int, breaker: int
) -> None:
    """One transaction: the attempt is noted, the endpoint disabled, and those who keep it are told.

    Somebody may have disabled or deleted it meanwhile: then the attempt is noted, and that is all.
    """
    async with database.transaction() as session:
        endpoint = await queries.lock_enabled(session, endpoint_id)
        await queries.note(session, items, at_once, breaker)
        if endpoint is not None:
            await _disable(session, endpoint, reason)
            log.info("webhook_endpoint_disabled", endpoint_id=str(endpoint_id), reason=reason.value)


async def _disable(session: AsyncSession, endpoint: WebhookEndpoint, reason: DisabledReason) -> None:
    service.disable(endpoint, reason)
    await session.flush()
    await service.wake(session, endpoint)
    note(session, SYSTEM, endpoint, "webhook_endpoint.disabled", reason=reason.value)
    events.record(
        session,
        "webhook_endpoint.disabled",
        workspace_id=endpoint.workspace_id,
        mode=endpoint.mode,
        data=announced(endpoint),
    )
    for keeper in await queries.list_keepers(session, endpoint.workspace_id):
        mail.post(
            session,
            "webhook_disabled",
            to=keeper.email,
            locale=keeper.locale,
            workspace_id=endpoint.workspace_id,
            facts={
                "workspace": keeper.name,
                "url": endpoint.url,
                "description": endpoint.description,
                "reason": reason.value,
                "mode": endpoint.mode,
            },
        )
