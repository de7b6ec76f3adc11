"""The outbox of mails as tests use it."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core import clock
from app.core.account_settings import Mail
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.mail import service
from app.mail.sending import Postman
from app.mail.service import Kind
from app.mail.writing import Letter, Order, Writer


class Outbox:
    """Posts mails, looks at their rows, and moves the clock: what is due later becomes due."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self._postmen: list[Postman] = []

    async def clear(self) -> None:
        await self.database.fetch("delete from mails")
        await self.database.fetch("delete from mail_pauses")
        await self.database.fetch("delete from caught_mails")

    async def close(self) -> None:
        for postman in self._postmen:
            await postman.stop()

    async def post(
        self,
        kind: Kind = "reset_password",
        to: str = "thu@example.com",
        *,
        locale: str = "en",
        facts: dict[str, Any] | None = None,
        token_id: UUID | None = None,
        expires_at: datetime | None = None,
    ) -> UUID:
        before = {row["id"] for row in await self.database.fetch("select id from mails")}
        async with self.database.transaction() as session:
            service.post(
                session,
                kind,
                to=to,
                locale=locale,
                workspace_id=new_id(),
                facts=facts,
                token_id=token_id or new_id(),
                expires_at=expires_at or clock.now() + timedelta(hours=1),
            )
        rows = await self.database.fetch("select id from mails")
        (made,) = {row["id"] for row in rows} - before
        return UUID(str(made))

    async def post_many(self, count: int) -> list[str]:
        addresses = [f"user{number}@example.com" for number in range(count)]
        async with self.database.transaction() as session:
            for address in addresses:
                service.post(session, "password_changed", to=address, locale="vi", workspace_id=new_id())
        return addresses

    async def row(self, mail_id: UUID) -> dict[str, Any]:
        (row,) = await self.database.fetch(
            "select *, extract(epoch from due_at - now())::float8 as seconds from mails where id = $1", mail_id
        )
        return {**row, "facts": json.loads(row["facts"])}

    async def statuses(self) -> dict[str, str]:
        rows = await self.database.fetch("select to_address, status from mails")
        return {row["to_address"]: row["status"] for row in rows}

    async def pauses(self) -> dict[str, float]:
        rows = await self.database.fetch(
            "select backend, extract(epoch from until - now())::float8 as seconds from mail_pauses"
        )
        return {row["backend"]: row["seconds"] for row in rows}

    async def wait(self) -> None:
        """As much time passes as everything waits for, and no link gets old."""
        await self.database.fetch("update mails set due_at = now() - interval '1 second' where status = 'pending'")
        await self.database.fetch("delete from mail_pauses")

    def settings_with(self, **mail: Any) -> Settings:
        mail = {"sender": "Backlot <no-reply@mail.example.com>", "reply_to": "help@example.com", **mail}
        return self.settings.model_copy(update={"mail": Mail(**mail)})

    def postman(self, **mail: Any) -> Postman:
        postman = Postman(self.settings_with(**mail), self.database, self.database.redis)
        self._postmen.append(postman)
        return postman

    async def letter(self, mail_id: UUID) -> Letter:
        row = await self.row(mail_id)
        return Writer(self.settings_with()).write(Order(**{name: row[name] for name in Order.__slots__}))
