"""Signing up, and showing that one reads the mailbox.

Nobody hears whether an address has an account: the answer is always that a mail was sent. Whoever signs up first may
have written somebody else's address: what they set up is worth nothing against whoever reads the mailbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.models import User
from app.accounts.proofs import service as proofs
from app.accounts.proofs.models import Proof, Purpose
from app.accounts.signing_in.errors import PasswordNeeded, WrongPassword
from app.accounts.users import queries as users_queries
from app.accounts.users import service as users
from app.accounts.users import verifying
from app.accounts.users.mailboxes import canonical
from app.core import clock
from app.core.settings import Settings
from app.core.visitor import Visitor
from app.mail import service as mail

MOST_TRIED = 5
"""As many of the passwords that were chosen for one address are compared with the one that is given."""


async def sign_up(
    session: AsyncSession,
    settings: Settings,
    visitor: Visitor,
    *,
    address: str,
    password_hash: str,
    name: str | None,
    locale: str,
) -> None:
    """An account for the address where there is none; and one mail in any case.

    An account whose address is not verified yet stays as it is: the link sent now carries the password chosen now.
    """
    mailbox = canonical(address)
    await users_queries.lock_mailbox(session, mailbox)
    user = await users_queries.lock_user_by_email(session, address)
    if user is None and (holder := await verifying.find_holder_of_full(session, settings, mailbox)):
        await _post_account_exists(session, holder, to=address, locale=locale, other=holder.email)
        return
    is_new = False
    if user is None:
        user, is_new = await users.add_user(session, address, name=name, locale=locale)
    if is_new:
        user.password_hash, user.password_changed_at = password_hash, clock.now()
        await _record(session, user, visitor, "user.signed_up")
    if user.email_verified_at is not None:
        await _post_account_exists(session, user, to=user.email, locale=user.locale)
        return
    await send_link(session, settings, user, password_hash)


async def send_again(session: AsyncSession, settings: Settings, address: str) -> None:
    """Another link for an address that is not verified yet; else nothing."""
    user = await users_queries.lock_user_by_email(session, address)
    if user is not None and user.email_verified_at is None:
        await send_link(session, settings, user)


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that verifies, looked at but not used: whose it is, and which passwords were chosen for the address."""

    user_id: UUID
    hashes: tuple[str, ...]
    """That of the sign-up the link was sent for first."""
    is_contested: bool
    """Several signed up, with passwords of their own: the link alone does not tell whose is meant."""


async def look(session: AsyncSession, settings: Settings, token: str) -> Opened:
    """Raises InvalidLink."""
    proof = await proofs.look(session, settings, token, Purpose.VERIFY_EMAIL)
    user = await users_queries.lock_user(session, proof.user_id)
    return _opened(proof, user, await proofs.list_proofs(session, user.id, Purpose.VERIFY_EMAIL))


async def verify(
    session: AsyncSession,
    settings: Settings,
    visitor: Visitor,
    token: str,
    *,
    right_hash: str | None,
    signed_in: UUID | None,
) -> None:
    """The mailbox is the user's. `right_hash`: which password was shown to be known too; `signed_in`: whose session it
    was asked with.

    Raises InvalidLink, MailboxFull, or PasswordNeeded when it is not clear whose password is meant.
    """
    await proofs.lock_mailbox(session, settings, token)
    proof = await proofs.use(session, settings, token, Purpose.VERIFY_EMAIL)
    user = await users_queries.lock_user(session, proof.user_id)
    opened = _opened(proof, user, await proofs.list_proofs(session, user.id, Purpose.VERIFY_EMAIL))
    is_theirs = right_hash is not None or signed_in == user.id
    chosen = right_hash if right_hash is not None else user.password_hash
    if right_hash is not None and right_hash not in opened.hashes:
        raise WrongPassword.at("/password", WrongPassword.title())  # it was changed meanwhile
    if not is_theirs and opened.is_contested:
        raise PasswordNeeded.at("/password", PasswordNeeded.title())
    if chosen != user.password_hash:
        await users.drop_before(session, user, reason="password_replaced")
        user.password_hash, user.password_changed_at = chosen, clock.now()
    await verifying.verify(session, settings, user)
    if is_theirs:
        user.settled_at = clock.now()
    await proofs.cancel_all(session, user.id, Purpose.VERIFY_EMAIL)
    changes.tell(session, user.id)
    await _record(session, user, visitor, "email.verified")


def _opened(proof: Proof, user: User, all_proofs: Sequence[Proof]) -> Opened:
    newest_first = [other.password_hash for other in reversed(all_proofs)]
    hashes = dict.fromkeys(text for text in (user.password_hash, proof.password_hash, *newest_first) if text)
    return Opened(
        user_id=user.id,
        hashes=tuple(hashes)[:MOST_TRIED],
        is_contested=len(hashes) > 1 or (bool(hashes) and user.password_hash is None),
    )


async def send_link(session: AsyncSession, settings: Settings, user: User, password_hash: str | None = None) -> None:
    """A mail with a link that verifies the user's address. `password_hash`: of the sign-up it is sent for."""
    life = timedelta(seconds=settings.auth.verify_seconds)
    proof = await proofs.issue(session, Purpose.VERIFY_EMAIL, user, life=life, password_hash=password_hash)
    workspace = await users_queries.get_personal_workspace(session, user.id)
    mail.post(
        session,
        "verify_email",
        to=user.email,
        locale=user.locale,
        workspace_id=workspace.id,
        token_id=proof.id,
        expires_at=proof.expires_at,
    )


async def _post_account_exists(
    session: AsyncSession, user: User, *, to: str, locale: str, other: str | None = None
) -> None:
    """Somebody signed up with an address that has an account; or with one of a mailbox that may have no more, but has
    an account with the address `other`."""
    workspace = await users_queries.get_personal_workspace(session, user.id)
    mail.post(
        session,
        "account_exists",
        to=to,
        locale=locale,
        workspace_id=workspace.id,
        facts={"other": other} if other else {},
    )


async def _record(session: AsyncSession, user: User, visitor: Visitor, action: str) -> None:
    workspace = await users_queries.get_personal_workspace(session, user.id)
    actor = Actor("user", user.id, visitor=visitor)
    audit.record(session, actor, action, workspace_id=workspace.id, target=("user", user.id))
