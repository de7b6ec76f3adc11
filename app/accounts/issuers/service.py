"""Rules of users who come with tokens of other issuers: who they are here, and that nobody gets another's account.

An identity is known by issuer and subject, never by its address. An address leads to an account that is here already
only where the settings say that the issuer is an authority on addresses.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.errors import AccountSuspended
from app.accounts.identities import notes, queries
from app.accounts.issuers.errors import AccountExists
from app.accounts.issuers.trust import Outsider
from app.accounts.models import User, UserStatus
from app.accounts.signing_in import signing_up
from app.accounts.users import queries as user_rows
from app.accounts.users import service as users
from app.accounts.users import verifying
from app.accounts.users.mailboxes import canonical
from app.core import clock
from app.core.ids import new_id
from app.core.problems import InvalidRequest
from app.core.settings import Settings
from app.core.visitor import Visitor
from app.mail import service as mail

NOWHERE = "users.invalid"
"""Where the addresses of users lie that have none: mail is never sent there (RFC 2606)."""


async def settle_in(session: AsyncSession, settings: Settings, outsider: Outsider, visitor: Visitor) -> None:
    """The first use of an identity: user, personal workspace and identity are made, all or none; once, whoever comes.

    Raises AccountExists, AccountSuspended or MailboxFull.
    """
    await queries.lock_subject(session, outsider.issuer.issuer, outsider.subject)
    if await queries.find_identity(session, outsider.issuer.issuer, outsider.subject) is not None:
        return
    address = _address(outsider)
    if address is not None:
        await user_rows.lock_mailbox(session, canonical(address))
    user, is_new = await users.add_user(session, address or f"{new_id().hex}@{NOWHERE}")
    if is_new:
        await _welcome(session, settings, outsider, user, has_address=address is not None)
        await notes.record(session, user, "user.signed_up", visitor, provider=outsider.issuer.name, email=address)
    elif not outsider.issuer.authoritative:
        raise AccountExists(issuer=outsider.issuer.name)
    else:
        await _join(session, settings, user, visitor)
    await _add_identity(session, outsider, user, visitor, is_told=not is_new)


async def _welcome(
    session: AsyncSession, settings: Settings, outsider: Outsider, user: User, *, has_address: bool
) -> None:
    if not has_address:
        user.canonical_email = None
    elif outsider.issuer.verifies_email:
        await verifying.verify(session, settings, user)
        user.settled_at = clock.now()
    else:
        await signing_up.send_link(session, settings, user)


async def _join(session: AsyncSession, settings: Settings, user: User, visitor: Visitor) -> None:
    """The issuer vouches that this account's mailbox is theirs: what others may have set up before goes."""
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended
    if user.settled_at is None:
        await verifying.verify(session, settings, user)
        await users.drop_before(session, user, reason="address_proved")
        user.settled_at = clock.now()
        await notes.record(session, user, "user.settled", visitor)
    changes.tell(session, user.id)


async def _add_identity(
    session: AsyncSession, outsider: Outsider, user: User, visitor: Visitor, *, is_told: bool
) -> None:
    issuer, subject = outsider.issuer.issuer, outsider.subject
    identity = await notes.add_identity(session, user, issuer, subject, outsider.email)
    workspace = await user_rows.get_personal_workspace(session, user.id)
    audit.record(
        session,
        Actor("user", user.id, visitor=visitor),
        "identity.linked",
        workspace_id=workspace.id,
        target=("identity", identity.id),
        data={"issuer": issuer, "subject": subject, "email": outsider.email},
    )
    if is_told:
        facts = {"provider": outsider.issuer.name}
        mail.post(session, "identity_linked", to=user.email, locale=user.locale, workspace_id=workspace.id, facts=facts)


def _address(outsider: Outsider) -> str | None:
    """None where the issuer tells none that mail could be sent to."""
    try:
        return users.normal_address(outsider.email) if outsider.email else None
    except InvalidRequest:
        return None
