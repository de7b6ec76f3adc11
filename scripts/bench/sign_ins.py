"""Signing in with a password, and what requests of others feel of it."""

import asyncio
import json
import statistics
from itertools import cycle
from time import perf_counter

from app.accounts.hashes import HASHING
from app.core.ids import new_id
from scripts.bench import load, reads, works
from scripts.bench.report import Report
from scripts.bench.stand import Stand

USERS = 50
TASKS = 50
READS_PER_SECOND = 200
PASSWORD = "violet kayak on 42 roofs"


async def measure(stand: Stand, report: Report) -> None:
    """Fifty who sign in again and again, while others read the status of their tasks."""
    report.head(f"Signing in: one API process, {USERS} at once")
    await stand.open_accounts(USERS)
    await works.do(stand, TASKS, USERS)
    tasks = await reads.ended(stand)
    stored = HASHING.hash(PASSWORD)
    once = 1000 * statistics.median(_verified(stored) for _ in range(15))
    await stand.run("update users set password_hash = $1", stored)
    emails = [row["email"] for row in await stand.run("select email from users order by id")]
    logins = cycle([_login(email) for email in emails])
    gets = reads.whole_answers(tasks)
    async with stand.api() as (port, _):
        alone = await load.run(port, lambda: next(logins), status=200, connections=1)
        await load.paced(port, gets, READS_PER_SECOND, 1, status=200)  # each process has its first looks
        quiet = await load.paced(port, gets, READS_PER_SECOND, 4, status=200)
        many = asyncio.create_task(load.run(port, lambda: next(logins), status=200, connections=USERS, seconds=6))
        await asyncio.sleep(load.WARM_UP_SECONDS)
        busy = await load.paced(port, gets, READS_PER_SECOND, 5, status=200)
        logged_in = await many
    report.at_most("one hash, by itself, p50", once, "ms")
    report.at_most("one who signs in, p50", alone.p50, "ms")
    report.ratio("which the hash is", once, alone.p50, 0.5)
    report.at_least("sign-ins", logged_in.rate, "/s")
    report.at_most(f"GET of a task, {READS_PER_SECOND}/s, nobody signs in, p99", quiet.p99, "ms")
    report.at_most(f"GET of a task, {READS_PER_SECOND}/s, {USERS} sign in, p99", busy.p99, "ms", 50)


def _verified(stored: str) -> float:
    began = perf_counter()
    HASHING.verify(PASSWORD, stored)
    return perf_counter() - began


def _login(email: str) -> bytes:
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    return load.request("POST", "/v1/auth/login", f"User-Agent: bench {new_id()}", body=body)
