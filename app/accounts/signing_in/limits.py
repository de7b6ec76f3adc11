"""How often one may sign up, try a password, ask for a link and open one."""

from app.accounts.users.mailboxes import canonical
from app.core import throttle
from app.core.db import Database
from app.core.settings import Settings
from app.core.throttle import Limit, Wanted
from app.core.visitor import Visitor

HOUR = 3600.0


async def sign_up(database: Database, settings: Settings, visitor: Visitor, address: str) -> None:
    """Raises TooManyAttempts, whether there is such an account or not; so do the others."""
    by_network = Limit("sign-up", settings.auth.signups_per_network, HOUR)
    await throttle.take(database, settings, (by_network, visitor.network), _mailbox(settings, address))


async def send_link(database: Database, settings: Settings, visitor: Visitor, address: str) -> None:
    by_network = Limit("links sent", settings.auth.mails_per_network, HOUR)
    await throttle.take(database, settings, (by_network, visitor.network), _mailbox(settings, address))


async def open_link(database: Database, settings: Settings, visitor: Visitor) -> None:
    by_network = Limit("links opened", settings.auth.links_per_network, HOUR)
    await throttle.take(database, settings, (by_network, visitor.network))


def _mailbox(settings: Settings, address: str) -> Wanted:
    """Nobody's mailbox is filled by strangers, by whatever of its addresses they ask."""
    return Limit("mailbox", settings.auth.mails_per_mailbox, HOUR), canonical(address)
