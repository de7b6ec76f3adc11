"""Rules of proofs: links in mails that are good once, for a while and for one purpose."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import User, UserStatus
from app.accounts.proofs import queries
from app.accounts.proofs.errors import InvalidLink
from app.accounts.proofs.models import Proof, Purpose
from app.accounts.users import queries as users
from app.accounts.users.mailboxes import canonical
from app.core import clock, tokens
from app.core.db import Database
from app.core.problems import FieldError
from app.core.settings import Settings

KEPT = timedelta(days=1)
"""How long a proof is kept past its end."""


async def issue(
    session: AsyncSession,
    purpose: Purpose,
    user: User,
    *,
    life: timedelta,
    email: str | None = None,
    password_hash: str | None = None,
    session_id: UUID | None = None,
) -> Proof:
    """A new proof, of the user's own mailbox unless `email` names another. Its id is the `token_id` of the mail."""
    now = clock.now()
    proof = Proof(
        user_id=user.id,
        purpose=purpose,
        email=email or user.email,
        password_hash=password_hash,
        session_id=session_id,
        created_at=now,
        expires_at=now + life,
    )
    session.add(proof)
    await session.flush()
    return proof


async def lock_mailbox(session: AsyncSession, settings: Settings, token: str) -> None:
    """The mailbox that is proved: before `use`, which locks its user, where accounts of a mailbox are counted."""
    proof_id = tokens.read(settings, token)
    address = await queries.find_address(session, proof_id) if proof_id else None
    if address is not None:
        await users.lock_mailbox(session, canonical(address))


async def use(session: AsyncSession, settings: Settings, token: str, *purposes: Purpose) -> Proof:
    """The proof, used up when the transaction is committed; its user and then itself are locked until that.

    Raises InvalidLink for what is unknown, used, too old, of another purpose, or of a mailbox that is not the user's
    any more. What fails later in the transaction leaves the link good.
    """
    proof = await look(session, settings, token, *purposes)
    proof.used_at = clock.now()
    return proof


async def look(session: AsyncSession, settings: Settings, token: str, *purposes: Purpose) -> Proof:
    """What `use` would find, not used up. Raises InvalidLink."""
    proof_id = tokens.read(settings, token)
    user_id = await queries.find_user_of(session, proof_id) if proof_id else None
    if proof_id is None or user_id is None:
        raise _invalid()
    user = await users.lock_user(session, user_id)
    proof = await queries.lock_proof(session, proof_id)  # it may have gone while we waited
    if proof is None or proof.purpose not in purposes or user.status == UserStatus.ERASED:
        raise _invalid()
    if proof.used_at is not None or proof.expires_at <= clock.now():
        raise _invalid()
    if proof.purpose != Purpose.CHANGE_EMAIL_NEW and proof.email.lower() != user.email.lower():
        raise _invalid()
    return proof


async def cancel_all(session: AsyncSession, user_id: UUID, *purposes: Purpose) -> None:
    """Remove the user's proofs of these purposes, of all if none is named, used ones too: no link is good any more."""
    await queries.delete_proofs(session, user_id, purposes)


async def list_proofs(session: AsyncSession, user_id: UUID, *purposes: Purpose) -> Sequence[Proof]:
    """The user's, used and old ones too, oldest first."""
    return await queries.list_proofs(session, user_id, purposes)


async def forget_old(database: Database) -> None:
    """Remove what has been no good for a day."""
    async with database.transaction() as session:
        await queries.delete_old(session, clock.now() - KEPT)


def _invalid() -> InvalidLink:
    return InvalidLink(
        "The link is not valid: it was used already, is too old, or is not whole. Ask for another mail.",
        errors=[FieldError("/token", InvalidLink.code, "Not the token of a link that is still good.")],
    )
