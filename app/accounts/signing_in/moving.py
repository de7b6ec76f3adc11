"""Changing the address: when whoever reads the old mailbox and whoever reads the new one both say so."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.errors import EmailUnverified
from app.accounts.models import User
from app.accounts.proofs import queries as proof_rows
from app.accounts.proofs import service as proofs
from app.accounts.proofs.errors import InvalidLink
from app.accounts.proofs.models import Proof, Purpose
from app.accounts.schemas import CallerInfo
from app.accounts.signing_in.errors import EmailTaken
from app.accounts.users import queries as users_queries
from app.accounts.users import standing, verifying
from app.accounts.users.mailboxes import canonical
from app.core import clock, tokens
from app.core.problems import InvalidRequest
from app.core.settings import Settings
from app.core.visitor import Visitor
from app.mail import service as mail

_BOTH = (Purpose.CHANGE_EMAIL_OLD, Purpose.CHANGE_EMAIL_NEW)
Step = Literal["waiting", "changed"]


async def ask(
    session: AsyncSession, settings: Settings, visitor: Visitor, caller: CallerInfo, new_address: str
) -> None:
    """A mail to each of the two mailboxes. What was asked for before is forgotten.

    Nobody hears whether the new address has an account: then its owner gets the mail of a second sign-up, and the link
    in the other mail alone changes nothing. Raises EmailUnverified, InvalidRequest when it is the address already, or
    what `standing.lock_own` raises.
    """
    user = await standing.lock_own(session, caller)
    if user.email_verified_at is None:
        raise EmailUnverified
    if user.email == new_address:
        raise InvalidRequest.at("/email", "This is your address already.")
    await proofs.cancel_all(session, user.id, *_BOTH)
    workspace = await users_queries.get_personal_workspace(session, user.id)
    life = timedelta(seconds=settings.auth.verify_seconds)
    old = await proofs.issue(session, Purpose.CHANGE_EMAIL_OLD, user, life=life)
    _post(session, "confirm_email_change_old", user, workspace.id, to=user.email, proof=old, new_email=new_address)
    holder = await users_queries.find_user(session, new_address)
    if holder is None or holder.id == user.id:
        new = await proofs.issue(session, Purpose.CHANGE_EMAIL_NEW, user, life=life, email=new_address)
        _post(session, "confirm_email_change_new", user, workspace.id, to=new_address, proof=new)
    else:
        theirs = await users_queries.get_personal_workspace(session, holder.id)
        mail.post(session, "account_exists", to=holder.email, locale=holder.locale, workspace_id=theirs.id)
    _record(session, user, visitor, "email.change_asked", workspace.id, {"new_email": new_address})


async def confirm(
    session: AsyncSession, settings: Settings, visitor: Visitor, token: str, *, signed_in: UUID | None
) -> Step:
    """Count the link; with both counted the address is changed. Raises InvalidLink, EmailTaken or MailboxFull."""
    mailbox = await _lock_new_mailbox(session, settings, token)
    proof = await proofs.use(session, settings, token, *_BOTH)
    await session.flush()
    user = await users_queries.lock_user(session, proof.user_id)
    used = {one.purpose: one for one in await proofs.list_proofs(session, user.id, *_BOTH) if one.used_at is not None}
    if used.keys() != set(_BOTH):
        return "waiting"
    address = used[Purpose.CHANGE_EMAIL_NEW].email
    if canonical(address) != mailbox:
        raise InvalidLink  # another change was asked for just now
    if canonical(user.email) != mailbox:
        await verifying.require_room(session, settings, mailbox, but=user.id)
        await verifying.note_leaving(session, settings, user)
    await _move(session, visitor, user, address, is_theirs=signed_in == user.id)
    return "changed"


async def _lock_new_mailbox(session: AsyncSession, settings: Settings, token: str) -> str | None:
    """Before the user, as everywhere."""
    proof_id = tokens.read(settings, token)
    address = await proof_rows.find_new_address(session, proof_id) if proof_id else None
    if address is None:
        return None
    mailbox = canonical(address)
    await users_queries.lock_mailbox(session, mailbox)
    return mailbox


async def _move(session: AsyncSession, visitor: Visitor, user: User, address: str, *, is_theirs: bool) -> None:
    old_address, now = user.email, clock.now()
    user.email, user.canonical_email, user.email_verified_at = address, canonical(address), now
    # The new mailbox was shown to be somebody's; that it is the same person's as the password only by a session.
    user.settled_at = now if is_theirs else None
    try:
        await session.flush()
    except IntegrityError as fault:
        raise EmailTaken from fault
    await proofs.cancel_all(session, user.id)
    changes.tell(session, user.id)
    workspace = await users_queries.get_personal_workspace(session, user.id)
    _post(session, "email_changed", user, workspace.id, to=old_address, new_email=address)
    _record(session, user, visitor, "email.changed", workspace.id, {"old_email": old_address, "new_email": address})


def _post(
    session: AsyncSession,
    kind: Literal["confirm_email_change_old", "confirm_email_change_new", "email_changed"],
    user: User,
    workspace_id: UUID,
    *,
    to: str,
    proof: Proof | None = None,
    **facts: str,
) -> None:
    mail.post(
        session,
        kind,
        to=to,
        locale=user.locale,
        workspace_id=workspace_id,
        facts=facts,
        token_id=proof.id if proof else None,
        expires_at=proof.expires_at if proof else None,
    )


def _record(
    session: AsyncSession, user: User, visitor: Visitor, action: str, workspace_id: UUID, data: dict[str, str]
) -> None:
    actor = Actor("user", user.id, visitor=visitor)
    audit.record(session, actor, action, workspace_id=workspace_id, target=("user", user.id), data=data)
