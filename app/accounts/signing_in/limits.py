"""How often one may sign up, try a password, ask for a link and open one."""

from app.accounts.proofs.models import Purpose
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
    await throttle.take(database, settings, (by_network, visitor.network), _mailbox(settings, "sign-up", address))


async def send_link(database: Database, settings: Settings, visitor: Visitor, address: str, purpose: Purpose) -> None:
    by_network = Limit("links sent", settings.auth.mails_per_network, HOUR)
    await throttle.take(database, settings, (by_network, visitor.network), _mailbox(settings, purpose, address))


async def open_link(database: Database, settings: Settings, visitor: Visitor) -> None:
    by_network = Limit("links opened", settings.auth.links_per_network, HOUR)
    await throttle.take(database, settings, (by_network, visitor.network))


def _mailbox(settings: Settings, purpose: str, address: str) -> Wanted:
    """Nobody's mailbox is filled by strangers, by whatever of its addresses they ask.

    Each purpose has a bucket of its own: who signs up with somebody's address keeps no link for a new password from
    them. Who asks for those in their stead only sends them links that are good for longer than the next one takes
    (`Auth` refuses a shorter life).
    """
    return Limit(f"mailbox {purpose}", settings.auth.mails_per_mailbox, HOUR), canonical(address)
