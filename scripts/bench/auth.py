"""Letting callers in: what it adds to a request."""

import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from types import SimpleNamespace

from fastapi import Request

from app.accounts.caller import authenticate
from app.accounts.caller_cache import CallerCache
from app.accounts.models import Scope
from app.accounts.sessions import access, tokens
from app.accounts.sessions import service as sessions
from app.accounts.users import service as users
from app.core import queue
from app.core.db import Database
from app.core.settings import Settings
from app.core.visitor import Visitor
from scripts.bench.report import Report
from scripts.bench.stand import Stand

ROUNDS = 5000
FIRST_ROUNDS = 300
MOST_MICROSECONDS = 150


async def measure(stand: Stand, report: Report) -> None:
    """Who is calling: known already, and asked of the database."""
    await stand.open_accounts(1)
    await _authenticating(stand, report)


@asynccontextmanager
async def _opened(stand: Stand) -> AsyncIterator[tuple[Settings, Database, CallerCache]]:
    settings = Settings(_env_file=None, database={"url": stand.database_url}, redis={"url": stand.redis_url})  # type: ignore[call-arg, arg-type]
    redis = queue.connect(settings)
    database = Database(settings, redis)
    callers = CallerCache(settings, database, redis)
    callers.start()
    yield settings, database, callers
    await callers.close()
    await database.close()
    await redis.aclose(close_connection_pool=True)


async def _authenticating(stand: Stand, report: Report) -> None:
    report.head("Letting a request in")
    async with _opened(stand) as (settings, database, callers):
        await asyncio.sleep(0.5)  # until it hears of changes, as a process that has been up for a while
        async with database.transaction() as session:
            user, _ = await users.vouch(session, "bearer@example.com")
            of = await sessions.start(session, settings, user, Visitor("", ""), kind="bearer", is_confirmed=False)
            browser = await sessions.start(session, settings, user, Visitor("", ""), kind="cookie", is_confirmed=False)
        token = access.make(settings, await callers.keyring.signer(), user.id, of.id, of.expires_at)
        cookie = tokens.cookie(settings, browser.id, browser.nonce)
        state = SimpleNamespace(settings=settings, callers=callers)
        for what, name, value in (
            ("an API key", b"x-api-key", stand.customers[0].secret),
            ("an access token", b"authorization", f"Bearer {token}"),
            ("a session cookie", b"cookie", f"backlot_session={cookie}"),
        ):
            request = _request(state, name, value)
            known = await _microseconds(request, ROUNDS)
            report.at_most(f"by {what}", known, "us", MOST_MICROSECONDS)
            first = await _microseconds(request, FIRST_ROUNDS, callers)
            report.at_most(f"by {what}, asking the database (once in 20 s)", first, "us")


def _request(state: SimpleNamespace, name: bytes, value: str) -> Request:
    headers = [(b"host", b"127.0.0.1"), (b"user-agent", b"bench"), (name, value.encode())]
    scope = {"type": "http", "method": "GET", "path": "/v1/tasks", "headers": headers}
    return Request(scope | {"app": SimpleNamespace(state=state)})


async def _microseconds(request: Request, rounds: int, forgetful: CallerCache | None = None) -> float:
    """The median of so many."""
    taken = []
    await authenticate(request, Scope.TASKS_READ)
    for _ in range(rounds):
        if forgetful is not None:
            forgetful._known.clear()
        began = perf_counter()
        await authenticate(request, Scope.TASKS_READ)
        taken.append(perf_counter() - began)
    return statistics.median(taken) * 1e6
