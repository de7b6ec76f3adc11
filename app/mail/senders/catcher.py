"""Mails of development: kept in the database, and shown at `/dev/mail`."""

from app.core.db import Database
from app.mail import queries
from app.mail.senders.base import Receipt
from app.mail.writing import Letter


class Catcher:
    name = "catcher"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, letter: Letter) -> Receipt:
        await self._database.fetch(
            queries.CATCH,
            letter.id,
            letter.kind,
            letter.to,
            letter.subject,
            letter.text,
            letter.html,
            letter.message.as_bytes(),
        )
        await self._database.fetch(queries.FORGET_CAUGHT)
        return Receipt()

    async def rest(self) -> None:
        pass

    async def close(self) -> None:
        pass
