"""An address is shown to be its owner's: how many accounts a mailbox may have, and which of them gets welcome credits.

Only accounts whose address is verified count: nobody takes up room in a mailbox they cannot read. Lock the mailbox
(`queries.lock_mailbox`) before, and it before its users: of two that are verified at once the second sees the first.
What the operator vouches for is not counted here, and gets its credits in any case.
"""

import hashlib
import hmac
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import User
from app.accounts.users import queries
from app.accounts.users.errors import MailboxFull
from app.accounts.users.mailboxes import canonical
from app.core import clock
from app.core.sealing import derive_key
from app.core.settings import Settings


async def verify(session: AsyncSession, settings: Settings, user: User) -> None:
    """Nothing, if it was verified before. The user is locked. Raises MailboxFull."""
    if user.email_verified_at is not None:
        return
    mailbox = canonical(user.email)
    await require_room(session, settings, mailbox, but=user.id)
    key = _key(settings, mailbox)
    user.no_welcome = await queries.is_welcomed(session, mailbox, key, but=user.id)
    user.email_verified_at = clock.now()


async def require_room(session: AsyncSession, settings: Settings, mailbox: str, *, but: UUID | None = None) -> None:
    """For one more account, not counting one's own. Raises MailboxFull."""
    if await find_holder_of_full(session, settings, mailbox, but=but) is not None:
        raise MailboxFull


async def find_holder_of_full(
    session: AsyncSession, settings: Settings, mailbox: str, *, but: UUID | None = None
) -> User | None:
    """The first user of a mailbox that has as many accounts as it may."""
    most = settings.auth.accounts_per_mailbox
    found = await queries.list_verified_of_mailbox(session, mailbox, most, but=but) if most else []
    return found[0] if most and len(found) >= most else None


async def note_leaving(session: AsyncSession, settings: Settings, user: User) -> None:
    """Before the user's mailbox is forgotten: that it had its welcome credits is not."""
    if user.email_verified_at is not None and not user.no_welcome:
        await queries.add_welcomed(session, _key(settings, canonical(user.email)))


def _key(settings: Settings, mailbox: str) -> bytes:
    """What stands for a mailbox: nobody without the installation's secret can tell whose it is."""
    return hmac.new(derive_key(settings, "welcomed mailboxes"), mailbox.encode(), hashlib.sha256).digest()
