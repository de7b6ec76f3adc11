"""Keys as tests want them, and a second process of the API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from app.core.settings import Settings
from tests.accounts.keys.serving import serve
from tests.conftest import Account, client

MakeKey = Callable[..., Awaitable[tuple[dict[str, Any], httpx.AsyncClient]]]


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Settings]:
    """The settings of a second API, which shares the database and Redis with the first and nothing else."""
    async with serve(settings) as found:
        yield found


@pytest.fixture
async def make_key(account: Account, settings: Settings) -> AsyncIterator[MakeKey]:
    """Make a key of the account with these terms: what was answered, and a client that uses it."""
    async with AsyncExitStack() as stack:

        async def make(by: httpx.AsyncClient | None = None, **terms: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
            answer = await (by or account.live).post("/v1/api-keys", json={"name": "made", **terms})
            assert answer.status_code == 201, answer.text
            made: dict[str, Any] = answer.json()
            return made, await stack.enter_async_context(client(settings, made["secret"]))

        yield make
