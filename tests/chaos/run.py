"""One run: the stack, the vendor, the customers and the monkey; then quiet, then the reckoning."""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from tests.chaos.audit import SHOWN, Audit, audit
from tests.chaos.customers import Market
from tests.chaos.monkey import Monkey
from tests.chaos.stack import ROOT, Stack
from tests.chaos.vendor import Vendor

STALLED_SECONDS = 60
REMARKABLE = ("error", "critical")
# Each at least once, spread over the orders of a short run.
SHORT_ACTS = (
    "SIGKILL a generation worker",
    "Valkey FLUSHALL",
    "SIGKILL an API process",
    "PostgreSQL SIGQUIT (immediate)",
    "Valkey SIGKILL",
    "everything at once",
)


@dataclass(frozen=True)
class Options:
    """`minutes` 0 is the short form: so many `tasks`, a fixed list of kills, and no wait for the last deadlines."""

    seed: int
    tasks: int
    minutes: float = 0
    kills: int = 20
    workspaces: int = 6
    shoppers: int = 12
    deadline_seconds: int = 60
    keep: Path | None = None

    @property
    def is_short(self) -> bool:
        return not self.minutes


@dataclass
class Report:
    options: Options
    audit: Audit
    kills: Counter[str]
    vendor: Vendor
    market: Market
    seconds: dict[str, float]
    remarks: Counter[str]
    commit: str

    @property
    def is_clean(self) -> bool:
        return not self.audit.breaches

    def text(self) -> str:
        lines = [
            f"seed {self.options.seed}, commit {self.commit}, Python {sys.version.split()[0]}",
            "time        " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items()),
            f"orders      {len(self.market.orders)}, accepted {self.market.accepted}",
            f"tasks       {sum(self.audit.tasks.values())}: " + _counts(self.audit.tasks),
            f"kills       {sum(self.kills.values())}",
            *(f"            {count:4} {name}" for name, count in sorted(self.kills.items())),
            f"answers     {_counts(self.market.answers)}",
            f"vendor      {_counts(self.vendor.counts)}",
        ]
        if self.vendor.callbacks:
            lines.append(f"callbacks   {_counts(self.vendor.callbacks)}")
        lines += [f"            {name}: {value}" for name, value in self.audit.facts.items()]
        if self.remarks:
            lines.append(f"log         {_counts(self.remarks)}")
        for promise, found in self.audit.breaches.items():
            lines.append(f"BREACH      {promise}: {len(found)}")
            lines += [f"            {one}" for one in found[:SHOWN]]
        lines.append("result      " + ("nothing lost, nothing doubled, no drift" if self.is_clean else "BROKEN"))
        return "\n".join(lines)


async def run(options: Options, say: Callable[[str], None]) -> Report:
    with tempfile.TemporaryDirectory(prefix="backlot-chaos-", ignore_cleanup_errors=True) as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        seeds = Random(options.seed)
        vendor = Vendor(Random(seeds.random()))
        await vendor.start()
        settings = {
            "BACKLOT_LEDGER_SIGNUP_CREDITS": "1000000",
            "BACKLOT_LEDGER_TEST_CREDITS": "1000000",
            "BACKLOT_PROVIDERS_BREAKER_SECONDS": "0.5",
            "BACKLOT_TASKS_LEASE_SECONDS": "3",
            "BACKLOT_TASKS_PROVIDER_CALL_SECONDS": "3",
            "BACKLOT_TASKS_IMAGE_DEADLINE_SECONDS": str(options.deadline_seconds),
        }
        stack = Stack(folder, vendor.url, settings)
        started = time.monotonic()
        await stack.start()
        say(f"the stack is up after {time.monotonic() - started:.0f} s, in {folder}")
        try:
            market = Market(stack.ready["url"], Random(seeds.random()))
            if options.is_short:
                market.in_flight_seconds = 5
            monkey = Monkey(stack, Random(seeds.random()), say)
            await market.open(await stack.open_shop(options.workspaces))
            report = await _play(options, stack, vendor, market, monkey, started, say)
            await market.close()
        finally:
            code = await stack.stop()
            await vendor.stop()
        if code:
            report.audit.found("the stack stops in good order", f"exit code {code}")
        return report


async def _play(
    options: Options,
    stack: Stack,
    vendor: Vendor,
    market: Market,
    monkey: Monkey,
    started: float,
    say: Callable[[str], None],
) -> Report:
    begun = time.monotonic()

    def enough() -> bool:
        return market.accepted >= options.tasks and time.monotonic() - begun >= options.minutes * 60

    chaos = asyncio.create_task(_short_chaos(options, market, monkey) if options.is_short else _chaos(monkey, enough))
    progress = asyncio.create_task(_progress(market, begun, say))
    shoppers = [market.customers[number % len(market.customers)] for number in range(options.shoppers)]
    await asyncio.gather(*(market.shop(customer, enough) for customer in shoppers))
    await chaos
    await monkey.rest()
    vendor.calm = True
    ordered = time.monotonic()
    say(f"orders are over: {market.accepted} accepted; each is repeated, then we wait for quiet")
    await market.repeat()
    still = await _quiet(stack, options, say)
    progress.cancel()
    quiet = time.monotonic()
    result = await audit(stack, market, vendor, may_be_open=options.is_short)
    for what in still:
        result.found("every accepted task ends", what)
    if not options.is_short and (sum(monkey.kills.values()) < options.kills or market.accepted < options.tasks):
        result.found("the run was long enough", f"{sum(monkey.kills.values())} kills, {market.accepted} tasks")
    now = time.monotonic()
    seconds = {"start": begun - started, "chaos": ordered - begun, "quiet": quiet - ordered, "audit": now - quiet}
    remarks = Counter(_remark(line) for line in stack.log_lines() if line.get("level") in REMARKABLE)
    return Report(options, result, monkey.kills, vendor, market, seconds, remarks, _commit())


async def _short_chaos(options: Options, market: Market, monkey: Monkey) -> None:
    """The list, one act each time so many more orders were accepted: by progress, not by the clock."""
    for number, act in enumerate(SHORT_ACTS, 1):
        while market.accepted < options.tasks * number / (len(SHORT_ACTS) + 1):
            await asyncio.sleep(0.05)
        await monkey.act(act)


async def _chaos(monkey: Monkey, enough: Callable[[], bool]) -> None:
    """Every act once in an order of the seed, then again; seconds apart, so that some meet a stack still recovering."""
    acts: list[str] = []
    while not enough():
        if not acts:
            acts = list(monkey.acts)
            monkey.random.shuffle(acts)
        await asyncio.sleep(monkey.random.uniform(2, 14))
        await monkey.act(acts.pop())


async def _progress(market: Market, begun: float, say: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(15)
        say(f"{time.monotonic() - begun:4.0f} s: {market.accepted} accepted of {len(market.orders)} orders")


async def _quiet(stack: Stack, options: Options, say: Callable[[str], None]) -> list[str]:
    """Wait until nothing is open (short form: nothing but what a vendor is awaited for). Bounded by progress alone."""
    is_open = "status not in ('succeeded', 'failed', 'canceled')"
    if options.is_short:
        is_open += " and (status = 'pending' or not exists (select 1 from task_attempts a where a.task_id = tasks.id"
        is_open += " and a.run = tasks.run and a.status in ('accepted', 'unknown') and deadline_at > now()))"
    last, since = (-1, -1), time.monotonic()
    limit = STALLED_SECONDS + options.deadline_seconds
    while True:
        try:
            connection = await stack.connect()
            row = await connection.fetchrow(f"select count(*), coalesce(sum(version), 0) from tasks where {is_open}")
            await connection.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as fault:
            row = (-2, 0)
            say(f"the database cannot be asked: {fault!r}")
        if row[0] == 0:
            return []
        if (state := (row[0], row[1])) != last:
            last, since = state, time.monotonic()
        if time.monotonic() - since > limit:
            return [f"{row[0]} tasks have not moved for {limit} s"]
        await asyncio.sleep(0.5)


def _remark(line: dict[str, Any]) -> str:
    """What was logged, without what differs from one time to the next."""
    return re.sub(r"\s+", " ", re.sub(r"[0-9a-f-]{36}|\d+(\.\d+)?s?", "…", str(line.get("event"))))[:100]


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (" and changes" if git("status", "--porcelain") else "")
    except OSError:
        return "unknown"
