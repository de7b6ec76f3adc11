"""A browser with its cookies, in front of the API and the fake provider; and what the tests look up behind them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
from sqlalchemy import func, select, update

from app.accounts.identities.attempts import challenge_of, new_secret
from app.accounts.identities.models import Identity
from app.accounts.models import User
from app.accounts.sessions.models import Session
from app.accounts.users import service as users
from app.core import clock, tokens
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from app.mail.models import Mail

FRONT = "http://127.0.0.1:5173"
"""A front end that may call the API."""
Answer = httpx.Response


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def code_in(answer: Answer) -> str:
    """That of the fragment of a redirect."""
    location = answer.headers["location"]
    assert location.startswith(FRONT), location
    return parse_qs(urlsplit(location).fragment)["code"][0]


def error_in(answer: Answer) -> str:
    assert answer.status_code == 302, answer.text
    return query_of(answer.headers["location"])["error"]


class Browser:
    """Follows redirects between the API and the provider, and stops where it would leave them."""

    def __init__(self, api: str, idp: str) -> None:
        self.api, self._hosts = api, (api, idp)
        self.http = httpx.AsyncClient(base_url=api, timeout=30)
        self.verifier = new_secret()

    async def close(self) -> None:
        await self.http.aclose()

    async def begin(self, provider: str, **query: Any) -> Answer:
        return await self.http.get(f"/v1/auth/oauth/{provider}/authorize", params=query)

    async def to_callback(self, provider: str, **query: Any) -> str:
        """The URL the provider sends the browser back to, not opened yet."""
        begun = await self.begin(provider, **query)
        assert begun.status_code == 302, begun.text
        back = await self.http.get(begun.headers["location"])
        assert back.status_code == 302, back.text
        return str(back.headers["location"])

    async def sign_in(self, provider: str, **query: Any) -> Answer:
        """The answer of the callback."""
        return await self.http.get(await self.to_callback(provider, **query))

    async def code(self, provider: str, **query: Any) -> str:
        """As a front end gets it."""
        challenge = challenge_of(self.verifier)
        answer = await self.sign_in(provider, redirect_to=f"{FRONT}/in", code_challenge=challenge, **query)
        assert "error" not in query_of(answer.headers["location"]), answer.headers["location"]
        return code_in(answer)

    async def exchange(self, code: str, verifier: str | None = None) -> Answer:
        body = {"code": code, "code_verifier": verifier or self.verifier}
        return await self.http.post("/v1/auth/oauth/exchange", json=body)

    async def session(self, provider: str) -> dict[str, Any]:
        """Signed in as a front end does, and sending the access token from now on."""
        answer = await self.exchange(await self.code(provider))
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        self.http.headers["Authorization"] = f"Bearer {made['access_token']}"
        return made


@dataclass
class Behind:
    """The database and the mailboxes."""

    database: Database
    settings: Settings

    async def user(self, email: str) -> User | None:
        async with self.database.transaction() as session:
            query = select(User).where(func.lower(User.email) == email.lower())
            return (await session.execute(query)).scalar_one_or_none()

    async def change_user(self, address: str, **values: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(update(User).where(User.email == address).values(values))

    async def identities(self, user_id: UUID) -> list[Identity]:
        async with self.database.transaction() as session:
            query = select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)
            return list((await session.execute(query)).scalars())

    async def mails(self, email: str) -> list[Mail]:
        async with self.database.transaction() as session:
            query = select(Mail).where(Mail.to_address == email).order_by(Mail.id)
            return list((await session.execute(query)).scalars())

    async def token(self, email: str, kind: str) -> str:
        """Of the link in the newest mail of that kind."""
        found = [mail for mail in await self.mails(email) if mail.kind == kind]
        assert found[-1].token_id is not None
        return tokens.make(self.settings, found[-1].token_id)

    async def confirm(self, session_id: str) -> None:
        """As if the user had just proved again who they are."""
        async with self.database.transaction() as session:
            query = update(Session).where(Session.id == decode("sess", session_id))
            await session.execute(query.values(confirmed_at=clock.now()))

    async def open_sessions(self, user_id: UUID) -> int:
        async with self.database.transaction() as session:
            query = select(func.count()).where(Session.user_id == user_id, Session.revoked_at.is_(None))
            return int((await session.execute(query)).scalar_one())

    async def add_user(self, email: str, *, verified_at: datetime | None, settled_at: datetime | None) -> UUID:
        """With a password that somebody chose."""
        async with self.database.transaction() as session:
            user, is_new = await users.add_user(session, email)
            assert is_new
            user.password_hash, user.email_verified_at, user.settled_at = "chosen", verified_at, settled_at
            return user.id


def an_address(domain: str = "gmail.com") -> str:
    return f"{uuid4().hex}@{domain}"
