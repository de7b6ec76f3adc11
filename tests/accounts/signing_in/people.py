"""People who sign up and in over HTTP, each from a network of their own, and read their mails."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from app.accounts.models import User
from app.core import tokens
from app.core.db import Database
from app.core.ids import decode, new_id
from app.core.settings import Settings
from app.mail.models import Mail
from tests.conftest import client

PASSWORD = "violet kayak on 42 roofs"
OTHER = "eleven tired herons wait"


def a_network() -> str:
    return ".".join(str(part) for part in (10, *(random.randrange(1, 255) for _ in range(3))))


def an_address(domain: str = "example.com") -> str:
    return f"{new_id().hex}@{domain}"


@dataclass
class Person:
    """Somebody with a mailbox, a password and a network."""

    settings: Settings
    database: Database
    email: str = field(default_factory=an_address)
    password: str = PASSWORD
    network: str = field(default_factory=a_network)
    tokens: dict[str, Any] = field(default_factory=dict)

    async def post(
        self, act: str, *, signed_in: bool = False, network: str | None = None, **body: Any
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json", "X-Forwarded-For": network or self.network}
        if signed_in:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        async with client(self.settings) as http:
            return await http.post(f"/v1/auth/{act}", content=json.dumps(body), headers=headers)

    async def sign_up(self, **more: Any) -> httpx.Response:
        return await self.post("signup", **{"email": self.email, "password": self.password, **more})

    async def log_in(self, password: str | None = None, **more: Any) -> httpx.Response:
        answer = await self.post("login", email=self.email, password=password or self.password, **more)
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """With the session."""
        async with client(self.settings, self.tokens["access_token"]) as http:
            return await http.request(method, path, **more)

    async def has_session(self) -> bool:
        """What the database says: a process may not have heard yet."""
        query = "select revoked_at from sessions where id = $1"
        row = await self.database.fetchrow(query, decode("sess", self.tokens["id"]))
        return row is not None and row["revoked_at"] is None

    async def mails(self, *kinds: str, to: str | None = None) -> list[Mail]:
        query = select(Mail).where(Mail.to_address == (to or self.email)).order_by(Mail.id)
        async with self.database.transaction() as session:
            found = (await session.execute(query)).scalars().all()
        return [one for one in found if not kinds or one.kind in kinds]

    async def link(self, kind: str, to: str | None = None) -> str:
        """The token of the newest mail of that kind."""
        newest = (await self.mails(kind, to=to))[-1]
        assert newest.token_id is not None
        return tokens.make(self.settings, newest.token_id)

    async def verify(self, **more: Any) -> httpx.Response:
        return await self.post("verify-email", token=await self.link("verify_email"), **more)

    async def reset(self, password: str = OTHER) -> httpx.Response:
        await self.post("forgot-password", email=self.email)
        return await self.post("reset-password", token=await self.link("reset_password"), password=password)

    async def row(self) -> User:
        async with self.database.transaction() as session:
            return (await session.execute(select(User).where(User.email == self.email))).scalar_one()

    @property
    def user_id(self) -> UUID:
        return decode("user", self.tokens["user"]["id"])


@asynccontextmanager
async def settings_of(app: Any, **changed: Any) -> AsyncIterator[None]:
    """The application with other settings of signing in."""
    desk = app.state.sign_in
    before = desk.settings
    desk.settings = before.model_copy(update={"auth": before.auth.model_copy(update=changed)})
    try:
        yield
    finally:
        desk.settings = before
