"""Rules of signing in by an identity elsewhere.

An identity is known by issuer and subject. An address leads to an account only as far as the provider vouches for it
today, and takes with it nothing that was set up before the mailbox's owner came (docs/oauth.md).
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import AccountSuspended
from app.accounts.identities import notes, queries
from app.accounts.identities.claims import Claims
from app.accounts.identities.errors import InvalidOauthAttempt, LinkRequired, OauthEmailUnverified
from app.accounts.identities.models import Identity
from app.accounts.models import User, UserStatus
from app.accounts.proofs import service as proofs
from app.accounts.proofs.models import Purpose
from app.accounts.signing_in import signing_up
from app.accounts.signing_in.errors import DisposableAddress
from app.accounts.users import queries as user_rows
from app.accounts.users import service as users
from app.accounts.users import verifying
from app.accounts.users.errors import MailboxFull
from app.accounts.users.mailboxes import canonical, is_disposable
from app.core import clock
from app.core.db import Database
from app.core.problems import InvalidRequest
from app.core.settings import Settings
from app.core.visitor import Visitor

CONFIRM_LIFE = timedelta(hours=1)
MOST_MAILS = 3
"""So many links for identities to one account in the life of a link."""

Found = tuple[User, Identity]


async def sign_in(session: AsyncSession, settings: Settings, claims: Claims, visitor: Visitor) -> Found | LinkRequired:
    """The user this identity signs in, made if there is none, and the identity; or why not, with the mail that helps.

    Commit in either case. Raises AccountSuspended, OauthEmailUnverified, DisposableAddress, MailboxFull or
    InvalidOauthAttempt.
    """
    await queries.lock_subject(session, claims.issuer, claims.subject)
    if (known := await queries.find_identity(session, claims.issuer, claims.subject)) is not None:
        return await _sign_in_known(session, settings, known, claims, visitor)
    if claims.email is None:
        raise OauthEmailUnverified(
            f"Verify your primary address at {claims.provider}, allow us to see it, and begin again."
        )
    address = _normal(claims.email)
    await user_rows.lock_mailbox(session, canonical(address))
    user = await user_rows.lock_user_by_email(session, address)
    if user is None:
        user, is_new = await _add_user(session, settings, address, claims)
        if is_new:
            return user, await _welcome(session, settings, user, claims, visitor)
    if not claims.is_authoritative:
        return await _ask_for_proof(session, user, claims)
    _require_active(user)
    if user.settled_at is None:
        await _settle(session, settings, user, visitor)
    identity = await notes.add_identity(session, user, claims.issuer, claims.subject, claims.email, is_used=True)
    await notes.tell_linked(session, settings, user, identity, visitor)
    return user, identity


async def _sign_in_known(
    session: AsyncSession, settings: Settings, known: Identity, claims: Claims, visitor: Visitor
) -> Found:
    if claims.is_authoritative and claims.email is not None:
        await user_rows.lock_mailbox(session, canonical(claims.email))  # its own, if it is to be settled
    user = await user_rows.lock_user(session, known.user_id)
    if await queries.find_identity(session, claims.issuer, claims.subject) is None:  # unlinked while we waited
        raise InvalidOauthAttempt
    _require_active(user)
    # What the address is at the provider by now changes nothing of whose identity this is, nor the user's own address.
    known.email = claims.email or known.email
    known.last_used_at = clock.now()
    is_own = claims.email is not None and claims.email.lower() == user.email.lower()
    if claims.is_authoritative and is_own and user.settled_at is None:
        try:
            await _settle(session, settings, user, visitor)
        except MailboxFull:
            return user, known  # who could sign in until now still can, and is told when they verify the address
        known = await notes.add_identity(session, user, claims.issuer, claims.subject, claims.email, is_used=True)
    return user, known


async def _add_user(session: AsyncSession, settings: Settings, address: str, claims: Claims) -> tuple[User, bool]:
    """The user, and whether they were made just now. Raises DisposableAddress or MailboxFull."""
    if is_disposable(settings, address):
        raise DisposableAddress
    await verifying.require_room(session, settings, canonical(address))
    locale = "vi" if (claims.locale or "").lower().startswith("vi") else "en"
    return await users.add_user(session, address, name=_name(claims.name), locale=locale)


async def _welcome(session: AsyncSession, settings: Settings, user: User, claims: Claims, visitor: Visitor) -> Identity:
    if claims.is_authoritative:
        await verifying.verify(session, settings, user)
        user.settled_at = clock.now()
    else:
        await signing_up.send_link(session, settings, user)
    await notes.record(session, user, "user.signed_up", visitor, provider=claims.provider, email=user.email)
    return await notes.add_identity(session, user, claims.issuer, claims.subject, claims.email, is_used=True)


async def _settle(session: AsyncSession, settings: Settings, user: User, visitor: Visitor) -> None:
    """The mailbox's owner is here, by the provider's word: what others may have set up before goes. Raises MailboxFull,
    with nothing done yet."""
    await verifying.verify(session, settings, user)
    await users.drop_before(session, user, reason="address_proved")
    user.settled_at = clock.now()
    await notes.record(session, user, "user.settled", visitor)


async def _ask_for_proof(session: AsyncSession, user: User, claims: Claims) -> LinkRequired:
    """Whoever reads the account's mailbox decides. Nobody's mailbox is filled by it."""
    since = clock.now() - CONFIRM_LIFE
    sent = await proofs.list_proofs(session, user.id, Purpose.CONFIRM_IDENTITY)
    if user.status == UserStatus.ACTIVE and sum(proof.created_at > since for proof in sent) < MOST_MAILS:
        proof = await proofs.issue(session, Purpose.CONFIRM_IDENTITY, user, life=CONFIRM_LIFE)
        proof.issuer, proof.subject = claims.issuer, claims.subject
        facts = {"provider": claims.provider}
        await notes.post(session, user, "confirm_identity", facts, token_id=proof.id, expires_at=proof.expires_at)
    return LinkRequired(
        "There is an account with this address. Open the link in the mail that was sent to it; or sign in the way you "
        f"did before, and link {claims.provider} there."
    )


async def forget_expired(database: Database) -> None:
    """Attempts nobody came back from, and codes nobody exchanged."""
    while True:
        async with database.transaction() as session:
            gone = await queries.forget_expired(session, clock.now())
        if gone < queries.FORGET_AT_ONCE:
            return


def _require_active(user: User) -> None:
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended


def _normal(email: str) -> str:
    try:
        return users.normal_address(email)
    except InvalidRequest as fault:
        raise OauthEmailUnverified("The address the provider knows of you is none that mail can be sent to.") from fault


def _name(told: str | None) -> str | None:
    """What can be shown and kept of a name somebody chose elsewhere."""
    printable = "".join(letter if letter.isprintable() else " " for letter in told or "")
    return " ".join(printable.split())[:100] or None
