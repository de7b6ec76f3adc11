"""No mail at all: what an operator chose who does without."""

from app.mail.errors import Rejected
from app.mail.senders.base import Receipt
from app.mail.writing import Letter


class Nobody:
    name = "none"

    async def send(self, letter: Letter) -> Receipt:
        raise Rejected("mail is switched off (BACKLOT_MAIL_BACKEND=none)")

    async def rest(self) -> None:
        pass

    async def close(self) -> None:
        pass
