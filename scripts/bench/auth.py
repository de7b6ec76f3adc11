"""Letting callers in: what it adds to a request, and what logging in does to the requests of others."""

import asyncio
import json
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from time import perf_counter
from types import SimpleNamespace

from fastapi import Request

from app.accounts.caller import authenticate
from app.accounts.caller_cache import CallerCache
from app.accounts.models import Scope
from app.accounts.sessions import access, tokens
from app.accounts.sessions import service as sessions
from app.accounts.signing_in.passwords import Hashers
from app.accounts.users import service as users
from app.core import queue
from app.core.db import Database
from app.core.settings import Settings
from app.core.visitor import Visitor
from scripts.bench import load, reads, works
from scripts.bench.report import Report
from scripts.bench.stand import Stand

ROUNDS = 5000
FIRST_ROUNDS = 300
MOST_MICROSECONDS = 150
LOGINS = 50
PEOPLE = 200
TASKS = 200
CUSTOMERS = 10
PASSWORD = "violet kayak on 42 roofs"
MOST_STATUS_MS = 50


async def measure(stand: Stand, report: Report) -> None:
    """Who is calling; then the status of tasks while people log in."""
    await stand.open_accounts(CUSTOMERS)
    await _authenticating(stand, report)
    await _beside_logins(stand, report)


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


async def _beside_logins(stand: Stand, report: Report) -> None:
    report.head(f"Status of tasks while {LOGINS} log in: one API process")
    hash_ms = await _sign_up(stand)
    await works.do(stand, TASKS, CUSTOMERS)
    tasks = await reads.ended(stand)
    await stand.settle()
    async with stand.api() as (port, _):
        alone = await load.run(port, _logins(), status=200, connections=1)
        quiet = await load.run(port, reads.whole_answers(tasks), status=200, connections=4)
        logins = asyncio.create_task(load.run(port, _logins(), status=200, connections=LOGINS, seconds=8))
        await asyncio.sleep(load.WARM_UP_SECONDS)
        busy = await load.run(port, reads.whole_answers(tasks), status=200, connections=4, seconds=5)
        together = await logins
    report.at_most("hashing a password, alone", hash_ms, "ms")
    report.at_most("a login alone, p50", alone.p50, "ms")
    report.at_least("  … of it the hash", hash_ms / alone.p50, "", 0.5)
    report.at_least(f"logins, {LOGINS} at once", together.rate, "/s")
    report.at_most("GET of an ended task, p99, nobody logs in", quiet.p99, "ms")
    report.at_most(f"GET of an ended task, p99, while {LOGINS} log in", busy.p99, "ms", MOST_STATUS_MS)
    report.at_least("  … answers", busy.rate, "/s")


async def _sign_up(stand: Stand) -> float:
    """People with a password; how long hashing one takes."""
    hashers = Hashers(1)
    taken = []
    for _ in range(9):
        began = perf_counter()
        hashed = await hashers.hash(PASSWORD)
        taken.append(perf_counter() - began)
    hashers.close()
    async with _opened(stand) as (_, database, __), database.transaction() as session:
        for number in range(PEOPLE):
            user, _workspace = await users.vouch(session, _address(number))
            user.password_hash = hashed
    return statistics.median(taken) * 1e3


def _address(number: int) -> str:
    return f"person{number}@example.com"


def _logins() -> load.Next:
    bodies = [json.dumps({"email": _address(number), "password": PASSWORD}).encode() for number in range(PEOPLE)]
    turns = cycle([load.request("POST", "/v1/auth/login", body=body) for body in bodies])
    return lambda: next(turns)
