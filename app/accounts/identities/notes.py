"""Identities as they come and go: the rows, and what the user and the audit log are told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.identities.models import Identity
from app.accounts.identities.schemas import IdentityRead
from app.accounts.models import User
from app.accounts.users import queries as users
from app.core import clock
from app.core.settings import Settings
from app.core.visitor import Visitor
from app.mail import service as mail
from app.mail.service import Kind


async def post(
    session: AsyncSession,
    user: User,
    kind: Kind,
    facts: dict[str, Any] | None = None,
    *,
    token_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> None:
    """A mail to the user's own address."""
    workspace = await users.get_personal_workspace(session, user.id)
    mail.post(
        session,
        kind,
        to=user.email,
        locale=user.locale,
        workspace_id=workspace.id,
        facts=facts,
        token_id=token_id,
        expires_at=expires_at,
    )


async def record(session: AsyncSession, user: User, action: str, visitor: Visitor, **data: Any) -> None:
    """An act of the user's on their own account."""
    workspace = await users.get_personal_workspace(session, user.id)
    actor = Actor("user", user.id, visitor=visitor)
    audit.record(session, actor, action, workspace_id=workspace.id, target=("user", user.id), data=data)


async def add_identity(
    session: AsyncSession, user: User, issuer: str, subject: str, email: str | None, *, is_used: bool = False
) -> Identity:
    now = clock.now()
    identity = Identity(
        user_id=user.id,
        issuer=issuer,
        subject=subject,
        email=email,
        created_at=now,
        last_used_at=now if is_used else None,
    )
    session.add(identity)
    await session.flush()
    return identity


async def tell_linked(
    session: AsyncSession, settings: Settings, user: User, identity: Identity, visitor: Visitor
) -> None:
    await _tell(session, settings, user, identity, visitor, "identity.linked", "identity_linked")


async def tell_unlinked(
    session: AsyncSession, settings: Settings, user: User, identity: Identity, visitor: Visitor
) -> None:
    await _tell(session, settings, user, identity, visitor, "identity.unlinked", "identity_unlinked")


async def _tell(
    session: AsyncSession,
    settings: Settings,
    user: User,
    identity: Identity,
    visitor: Visitor,
    action: str,
    kind: Kind,
) -> None:
    workspace = await users.get_personal_workspace(session, user.id)
    audit.record(
        session,
        Actor("user", user.id, visitor=visitor),
        action,
        workspace_id=workspace.id,
        target=("identity", identity.id),
        data={"issuer": identity.issuer, "subject": identity.subject, "email": identity.email},
    )
    await post(session, user, kind, {"provider": provider_of(settings, identity.issuer) or identity.issuer})


def provider_of(settings: Settings, issuer: str) -> str | None:
    """The name of the provider; None where it is another issuer the operator trusts."""
    auth = settings.auth
    return {auth.google_issuer: "google", auth.github_url.rstrip("/"): "github"}.get(issuer)


def shown(settings: Settings, identity: Identity) -> IdentityRead:
    return IdentityRead(
        id=identity.id,
        provider=provider_of(settings, identity.issuer),
        issuer=identity.issuer,
        email=identity.email,
        created_at=identity.created_at,
        last_used_at=identity.last_used_at,
    )
