"""Rules of webhook endpoints and of the secrets that sign what is sent."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.models import Scope
from app.accounts.schemas import CallerInfo
from app.accounts.users import standing
from app.core import clock
from app.core.egress import EgressError
from app.core.ids import new_id
from app.core.paging import PageRequest, cut
from app.core.visitor import Visitor
from app.generation.errors import WebhookUrlNotAllowed
from app.webhooks import own_headers, queries, reading, signing, subscriptions
from app.webhooks.desk import WebhookDesk
from app.webhooks.errors import TooManyWebhookEndpoints, WebhookEndpointNotFound
from app.webhooks.models import DisabledReason, EndpointStatus, WebhookEndpoint
from app.webhooks.notes import note
from app.webhooks.schemas import (
    SecretRotate,
    SigningSecretRead,
    SigningSecretShown,
    WebhookEndpointCreate,
    WebhookEndpointRead,
    WebhookEndpointSecret,
    WebhookEndpointUpdate,
)

MOST_ENDPOINTS = 50
"""Of a workspace, live and test each."""


async def create_endpoint(
    session: AsyncSession, desk: WebhookDesk, caller: CallerInfo, order: WebhookEndpointCreate, visitor: Visitor
) -> WebhookEndpointSecret:
    """Raises MissingScope, WebhookUrlNotAllowed, TooManyWebhookEndpoints, or what `standing.lock_own_seat` raises."""
    subscriptions.check(caller, order.event_types)
    _check_url(desk, order.url)
    await standing.lock_own_seat(session, caller, Scope.WEBHOOKS_WRITE)
    await queries.lock_workspace(session, caller.workspace_id)
    there_are = await queries.count_endpoints(session, workspace_id=caller.workspace_id, mode=caller.mode)
    if there_are >= MOST_ENDPOINTS:
        raise TooManyWebhookEndpoints(f"The workspace has {there_are} webhook endpoints: delete one it does not need.")
    endpoint = WebhookEndpoint(
        id=new_id(),
        workspace_id=caller.workspace_id,
        mode=caller.mode,
        url=order.url,
        description=order.description,
        event_types=order.event_types,
        headers=own_headers.close(desk.sealer, order.headers),
        status=EndpointStatus.ENABLED,
        secret_generation=1,
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    session.add(endpoint)
    await session.flush()
    note(session, Actor.of(caller, visitor), endpoint, "webhook_endpoint.created", event_types=order.event_types)
    return _with_secret(desk, endpoint)


async def list_endpoints(
    session: AsyncSession, desk: WebhookDesk, caller: CallerInfo, page: PageRequest
) -> tuple[list[WebhookEndpointRead], str | None]:
    rows = await queries.list_endpoints(session, page, workspace_id=caller.workspace_id, mode=caller.mode)
    endpoints, cursor = cut([row[0] for row in rows], page)
    since = {row[0].id: row[1] for row in rows}
    return [reading.endpoint(desk, one, since[one.id]) for one in endpoints], cursor


async def get_endpoint(
    session: AsyncSession, desk: WebhookDesk, caller: CallerInfo, endpoint_id: UUID
) -> WebhookEndpointRead:
    """Raises WebhookEndpointNotFound."""
    row = await queries.find_endpoint(session, endpoint_id, workspace_id=caller.workspace_id, mode=caller.mode)
    if row is None:
        raise WebhookEndpointNotFound
    return reading.endpoint(desk, row[0], row[1])


async def lock_endpoint(session: AsyncSession, caller: CallerInfo, endpoint_id: UUID) -> WebhookEndpoint:
    """Raises WebhookEndpointNotFound."""
    endpoint = await queries.lock_endpoint(session, endpoint_id, workspace_id=caller.workspace_id, mode=caller.mode)
    if endpoint is None:
        raise WebhookEndpointNotFound
    return endpoint


async def update_endpoint(
    session: AsyncSession,
    desk: WebhookDesk,
    caller: CallerInfo,
    endpoint_id: UUID,
    change: WebhookEndpointUpdate,
    visitor: Visitor,
) -> WebhookEndpointRead:
    """Change what was named. Enabled again, or led elsewhere, it begins without its failures.

    Whoever leads it elsewhere has all its events sent there, and must be able to read them. Raises
    WebhookEndpointNotFound, MissingScope, WebhookUrlNotAllowed, or what `standing.lock_own_seat` raises.
    """
    await standing.lock_own_seat(session, caller, Scope.WEBHOOKS_WRITE)
    endpoint = await lock_endpoint(session, caller, endpoint_id)
    given = change.model_fields_set
    if given & {"url", "event_types"}:
        subscriptions.check(caller, change.event_types if "event_types" in given else endpoint.event_types)
    if change.url is not None:
        _check_url(desk, change.url)
    is_elsewhere = change.url is not None and change.url != endpoint.url
    for field in given & {"event_types", "description"}:
        setattr(endpoint, field, getattr(change, field))
    endpoint.url = change.url or endpoint.url
    if "headers" in given:
        endpoint.headers = own_headers.close(desk.sealer, change.headers)
    endpoint.updated_at = clock.now()
    actor = Actor.of(caller, visitor)
    if changed := sorted(given - {"status"}):
        note(session, actor, endpoint, "webhook_endpoint.updated", changed=changed)
    is_turned = change.status is not None and change.status != endpoint.status
    if is_turned and change.status == EndpointStatus.ENABLED:
        endpoint.status, endpoint.disabled_reason, endpoint.disabled_at = EndpointStatus.ENABLED, None, None
        note(session, actor, endpoint, "webhook_endpoint.enabled")
    elif is_turned:
        disable(endpoint, DisabledReason.USER)
        note(session, actor, endpoint, "webhook_endpoint.disabled", reason=DisabledReason.USER.value)
    await session.flush()
    if is_turned or is_elsewhere:
        await wake(session, endpoint)
        await queries.forget_failures(session, endpoint.id)
    row = await queries.find_endpoint(session, endpoint_id, workspace_id=caller.workspace_id, mode=caller.mode)
    return reading.endpoint(desk, endpoint, row[1] if row else None)


def disable(endpoint: WebhookEndpoint, reason: DisabledReason) -> None:
    endpoint.status, endpoint.disabled_reason = EndpointStatus.DISABLED, reason
    endpoint.disabled_at = endpoint.updated_at = clock.now()


async def wake(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """Workers look at once what is to be done for it; of one that is disabled they discard what waits."""
    await queries.wake(
        session,
        endpoint.id,
        workspace_id=endpoint.workspace_id,
        mode=endpoint.mode,
        endpoint_id=endpoint.id,
    )


async def delete_endpoint(session: AsyncSession, caller: CallerInfo, endpoint_id: UUID, visitor: Visitor) -> None:
    """What waits for it is discarded; its deliveries stay to be read as long as the log. Raises
    WebhookEndpointNotFound."""
    endpoint = await lock_endpoint(session, caller, endpoint_id)
    note(session, Actor.of(caller, visitor), endpoint, "webhook_endpoint.deleted")
    await queries.remove_endpoint(session, endpoint_id)
    await wake(session, endpoint)


async def rotate_secret(
    session: AsyncSession,
    desk: WebhookDesk,
    caller: CallerInfo,
    endpoint_id: UUID,
    order: SecretRotate,
    visitor: Visitor,
) -> WebhookEndpointSecret:
    """A new secret; until the overlap ends the one before signs too, and the one before that no more.

    Raises WebhookEndpointNotFound, or what `standing.lock_own_seat` raises.
    """
    await standing.lock_own_seat(session, caller, Scope.WEBHOOKS_WRITE)
    endpoint = await lock_endpoint(session, caller, endpoint_id)
    now = clock.now()
    endpoint.secret_generation += 1
    endpoint.secret_rotated_at = endpoint.updated_at = now
    endpoint.previous_secret_until = now + timedelta(seconds=order.overlap_seconds) if order.overlap_seconds else None
    note(
        session,
        Actor.of(caller, visitor),
        endpoint,
        "webhook_endpoint.secret_rotated",
        overlap_seconds=order.overlap_seconds,
    )
    return _with_secret(desk, endpoint)


def _with_secret(desk: WebhookDesk, endpoint: WebhookEndpoint) -> WebhookEndpointSecret:
    key = desk.signer.key(signing.of_endpoint(endpoint.id), endpoint.secret_generation)
    shown = reading.endpoint(desk, endpoint, None)
    return WebhookEndpointSecret.model_validate({**dict(shown), "secret": key.secret})


def _check_url(desk: WebhookDesk, url: str) -> None:
    try:
        desk.egress.check_target(url)
    except EgressError as fault:
        raise WebhookUrlNotAllowed.at("/url", fault.detail) from fault


# --- the secret of a workspace


async def get_signing_secret(session: AsyncSession, desk: WebhookDesk, caller: CallerInfo) -> SigningSecretRead:
    row = await queries.find_signing_secret(session, workspace_id=caller.workspace_id, mode=caller.mode)
    key = desk.signer.key(signing.of_workspace(caller.workspace_id, caller.mode), row.generation if row else 1)
    return SigningSecretRead.model_validate(
        {
            "mode": caller.mode,
            "public_key": key.public,
            "rotated_at": row and row.rotated_at,
            "previous_secret_until": row and reading.still(row.previous_secret_until),
        }
    )


async def rotate_signing_secret(
    session: AsyncSession, desk: WebhookDesk, caller: CallerInfo, order: SecretRotate, visitor: Visitor
) -> SigningSecretShown:
    """As `rotate_secret`, of what signs deliveries to the URLs of tasks."""
    await standing.lock_own_seat(session, caller, Scope.WEBHOOKS_WRITE)
    await queries.rotate_signing_secret(
        session, workspace_id=caller.workspace_id, mode=caller.mode, overlap=order.overlap_seconds
    )
    row = await queries.find_signing_secret(session, workspace_id=caller.workspace_id, mode=caller.mode)
    assert row is not None
    audit.record(
        session,
        Actor.of(caller, visitor),
        "webhook_signing_secret.rotated",
        workspace_id=caller.workspace_id,
        data={"mode": caller.mode, "overlap_seconds": order.overlap_seconds},
    )
    key = desk.signer.key(signing.of_workspace(caller.workspace_id, caller.mode), row.generation)
    shown = await get_signing_secret(session, desk, caller)
    return SigningSecretShown.model_validate({**dict(shown), "secret": key.secret})
