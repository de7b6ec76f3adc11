"""Users who are signed in, and a second process of the API that hears what the first was told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from app.accounts.models import User
from app.accounts.sessions.handing import hand_over
from app.accounts.sessions.models import SigningKey
from app.accounts.users import service as users
from app.core.db import Database, DbSession
from app.core.http import Http
from app.core.ids import decode
from app.core.sealing import Sealer
from app.core.settings import Settings
from app.core.visitor import VisitorDep
from app.main import create_app
from tests.accounts.sessions.forging import unpacked
from tests.accounts.sessions.mint import Mint
from tests.conftest import client, free_port

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@dataclass
class Person:
    """A user who is signed in."""

    user_id: UUID
    workspace_id: UUID
    email: str
    answer: dict[str, Any]
    http: httpx.AsyncClient
    """Sends what the sign-in gave: the access token, or the cookies."""

    @property
    def session_id(self) -> UUID:
        return decode("sess", self.answer["id"])

    @property
    def refresh_token(self) -> str:
        return str(self.answer["refresh_token"])


SignIn = Callable[..., Awaitable[Person]]


async def serve(app: FastAPI, port: int) -> AsyncIterator[FastAPI]:
    config = uvicorn.Config(app, port=port, http=Http, log_config=None, lifespan="on", proxy_headers=False)
    serving = uvicorn.Server(config)
    task = asyncio.create_task(serving.serve())
    while not serving.started:
        assert not task.done(), task.exception()
        await asyncio.sleep(0.01)
    yield app
    serving.should_exit = True
    await task


@pytest.fixture(scope="module")
def second_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
async def second(settings: Settings, second_url: str) -> AsyncIterator[FastAPI]:
    """Another process of the same installation, as far as its memory goes; it also lets anybody sign in."""
    app = create_app(settings)

    @app.post("/test/sign-in")
    async def sign_in(
        request: Request,
        email: str,
        visitor: VisitorDep,
        session: DbSession,
        cookies: bool = False,
        confirmed: bool = False,
        redirect_to: str | None = None,
    ) -> Response:
        user, _ = await users.vouch(session, email)
        return await hand_over(
            request, session, user, visitor, cookies=cookies, redirect_to=redirect_to, is_confirmed=confirmed
        )

    async for served in serve(app, int(second_url.rpartition(":")[2])):
        yield served


@pytest.fixture
async def sign_in(
    settings: Settings, database: Database, server: FastAPI, second: FastAPI, second_url: str
) -> AsyncIterator[SignIn]:
    """Signs somebody in: a new user, or the one of that address."""
    opened: list[httpx.AsyncClient] = []

    async def make(email: str | None = None, *, cookies: bool = False, agent: str = FIREFOX, **more: Any) -> Person:
        email = email or f"{uuid4().hex}@example.com"
        async with httpx.AsyncClient(base_url=second_url) as door:
            params = {"email": email, "cookies": cookies, **more}
            answer = await door.post("/test/sign-in", params=params, headers={"User-Agent": agent})
            assert answer.status_code == 200, answer.text
        http = client(settings, answer.json()["access_token"])
        if cookies:
            # Not by the client's own jar, which keeps Secure cookies from the plain http of tests.
            http.headers["Cookie"] = "; ".join(line.partition(";")[0] for line in answer.headers.get_list("set-cookie"))
        opened.append(http)
        async with database.transaction() as session:
            user, workspace = await users.vouch(session, email)
        return Person(user.id, workspace.id, email, answer.json(), http)

    yield make
    for one in opened:
        await one.aclose()


async def set_user(database: Database, user_id: UUID, **values: Any) -> None:
    async with database.transaction() as session:
        user = await session.get(User, user_id)
        assert user is not None
        for name, value in values.items():
            setattr(user, name, value)


@pytest.fixture
async def mint(sign_in: SignIn, settings: Settings, database: Database) -> Mint:
    person = await sign_in()
    kid = unpacked(person.answer["access_token"].split(".")[0])["kid"]
    async with database.transaction() as session:
        key = await session.get(SigningKey, kid)
        assert key is not None
        return Mint(person, Sealer(settings, "signing keys").open(key.secret))


@pytest.fixture
async def http(settings: Settings, server: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(settings) as plain:
        yield plain
