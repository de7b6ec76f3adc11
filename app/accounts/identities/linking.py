"""Rules of linking an identity to an account that is there already, and of unlinking it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.errors import AccountSuspended, EmailUnverified
from app.accounts.identities import notes, queries
from app.accounts.identities.attempts import challenge_of, hash_secret
from app.accounts.identities.errors import IdentityNotFound, IdentityTaken, InvalidOauthCode, LastWayIn
from app.accounts.identities.models import Identity
from app.accounts.models import UserStatus
from app.accounts.proofs import service as proofs
from app.accounts.proofs.models import Purpose
from app.accounts.schemas import CallerInfo
from app.accounts.users import queries as user_rows
from app.accounts.users import service as users
from app.accounts.users import standing, verifying
from app.core import tokens
from app.core.paging import PageRequest, cut
from app.core.settings import Settings
from app.core.visitor import Visitor


async def confirm(session: AsyncSession, settings: Settings, token: str, visitor: Visitor) -> Identity:
    """Link the identity of a mail's link: whoever opens it reads the account's mailbox.

    Of an account nobody had proved to be theirs, what others set up before is dropped. Raises InvalidLink,
    AccountSuspended, IdentityTaken or MailboxFull.
    """
    proof_id = tokens.read(settings, token)
    if proof_id is not None and (claimed := await queries.find_claimed(session, proof_id)) is not None:
        await queries.lock_subject(session, *claimed)  # before mailbox and user, as everywhere
    await proofs.lock_mailbox(session, settings, token)
    proof = await proofs.use(session, settings, token, Purpose.CONFIRM_IDENTITY)
    user = await user_rows.lock_user(session, proof.user_id)
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended
    assert proof.issuer is not None
    assert proof.subject is not None
    if (known := await _find_own(session, user.id, proof.issuer, proof.subject)) is not None:
        return known
    if user.settled_at is None:
        await users.drop_before(session, user, reason="address_proved")
    await verifying.verify(session, settings, user)
    identity = await notes.add_identity(session, user, proof.issuer, proof.subject, proof.email)
    await notes.tell_linked(session, settings, user, identity, visitor)
    return identity


async def link_by_code(
    session: AsyncSession, settings: Settings, caller: CallerInfo, code: str, verifier: str, visitor: Visitor
) -> Identity:
    """Link the identity that was just proved at a provider. Raises InvalidOauthCode, or what `link` raises."""
    proved = await queries.take_code(session, hash_secret(code), challenge_of(verifier), is_link=True)
    if proved is None:
        raise InvalidOauthCode
    assert proved.issuer is not None
    assert proved.subject is not None
    return await link(session, settings, caller, (proved.issuer, proved.subject), proved.email, visitor)


async def link(
    session: AsyncSession,
    settings: Settings,
    caller: CallerInfo,
    who: tuple[str, str],
    email: str | None,
    visitor: Visitor,
) -> Identity:
    """From now on whoever is at that issuer by that subject is the caller.

    Raises EmailUnverified, IdentityTaken, or what `standing.lock_own` raises.
    """
    await queries.lock_subject(session, *who)
    user = await standing.lock_own(session, caller)
    if user.email_verified_at is None:
        raise EmailUnverified
    if (known := await _find_own(session, user.id, *who)) is not None:
        return known
    identity = await notes.add_identity(session, user, *who, email)
    await notes.tell_linked(session, settings, user, identity, visitor)
    return identity


async def unlink(
    session: AsyncSession, settings: Settings, caller: CallerInfo, identity_id: UUID, visitor: Visitor
) -> None:
    """From now on it signs nobody in. Raises IdentityNotFound, LastWayIn, or what `standing.lock_own` raises."""
    user = await standing.lock_own(session, caller)
    identity = await get(session, caller, identity_id)
    if user.password_hash is None and not await queries.has_other(session, identity):
        raise LastWayIn("Set a password first (POST /v1/auth/forgot-password), or link another identity.")
    await session.delete(identity)
    changes.tell(session, user.id)
    await notes.tell_unlinked(session, settings, user, identity, visitor)


async def list_own(session: AsyncSession, caller: CallerInfo, page: PageRequest) -> tuple[list[Identity], str | None]:
    return cut(await queries.list_identities(session, page, user_id=caller.user_id), page)


async def get(session: AsyncSession, caller: CallerInfo, identity_id: UUID) -> Identity:
    """Raises IdentityNotFound."""
    identity = await queries.find_own(session, identity_id, user_id=caller.user_id)
    if identity is None:
        raise IdentityNotFound
    return identity


async def _find_own(session: AsyncSession, user_id: UUID, issuer: str, subject: str) -> Identity | None:
    """The identity if it is the user's already. Raises IdentityTaken if it is another's."""
    known = await queries.find_identity(session, issuer, subject)
    if known is not None and known.user_id != user_id:
        raise IdentityTaken
    return known
