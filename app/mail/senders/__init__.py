"""Ways a mail can leave."""

from app.core.db import Database
from app.core.settings import Settings
from app.mail.senders.base import Sender
from app.mail.senders.catcher import Catcher
from app.mail.senders.nobody import Nobody
from app.mail.senders.resend import Resend
from app.mail.senders.smtp import Smtp


def make(settings: Settings, database: Database) -> Sender:
    """The one that was chosen; in development, where nothing was, the catcher."""
    match settings.mail.chosen:
        case "smtp":
            return Smtp(settings.mail)
        case "resend":
            return Resend(settings.mail)
        case "none":
            return Nobody()
        case _:
            return Catcher(database)
