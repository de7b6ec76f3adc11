"""The reckoning: what must be true after any chaos, asked of the database, the API, the files and the vendor."""

import asyncio
import io
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from PIL import Image

from app.core.ids import decode, encode
from tests.chaos.customers import ENDED, IN_FLIGHT, Market, Order
from tests.chaos.stack import Stack
from tests.chaos.vendor import SIZE, WHOLE, Vendor, colour

SHOWN = 5
AT_ONCE = 16
STORY = re.compile(r"(created( started)?( progress)*( succeeded| failed| canceled|$) ?)+")
TERMINAL = tuple(f"task.{status}" for status in ENDED)


@dataclass
class Audit:
    """Breaches by what was promised, and the counts of the report."""

    breaches: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    tasks: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)

    def found(self, promise: str, what: str) -> None:
        self.breaches[promise].append(what)


async def audit(stack: Stack, market: Market, vendor: Vendor, *, may_be_open: bool) -> Audit:
    """Everything, once all is quiet."""
    result = Audit()
    for what in market.breaches:
        result.found("every request is answered", what)
    connection = await stack.connect()
    try:
        tasks = await connection.fetch("select * from tasks")
        rows = {row["id"]: row for row in tasks}
        result.tasks.update(row["status"] for row in tasks)
        await _ends(connection, result, may_be_open=may_be_open)
        batches = {}
        if market.has_batches:
            batches = {row["id"]: row for row in await connection.fetch("select * from batches")}
            await _batches(connection, result)
        _orders(result, market, rows, batches)
        await check_rows(connection, result, stack.data / "files")
        colours = await check_calls(connection, result, vendor)
    finally:
        await connection.close()
    await _outputs(result, market, rows, colours)
    holds, said = await stack.verify()
    result.facts["backlot ledger verify"] = "all hold" if holds else "BREACH"
    if not holds:
        result.found("the ledger's invariants hold", said.strip())
    for line in stack.log_lines():
        if line.get("event") == "request_crashed":
            result.found("no request crashes", f"{line.get('path')}: {str(line.get('exception', line))[-600:]}")
    return result


async def check_rows(connection: asyncpg.Connection, result: Audit, files: Path) -> None:
    """What the tables and the stored files must say together, at any time."""
    await _money(connection, result)
    await _events(connection, result)
    await _queues(connection, result)
    await _files(connection, result, files)


async def _ends(connection: asyncpg.Connection, result: Audit, *, may_be_open: bool) -> None:
    """Ended, or (where there was no time to wait for it) awaited within the deadline."""
    open_ones = await connection.fetch(
        """select id, status, run, fence, wake_at, deadline_at, now() as now from tasks
           where status not in ('succeeded', 'failed', 'canceled')"""
    )
    for row in open_ones:
        awaited = row["status"] != "pending" and row["deadline_at"] is not None and row["deadline_at"] > row["now"]
        if not (may_be_open and awaited):
            result.found("every accepted task ends", f"{encode('task', row['id'])}: {dict(row)}")


def _orders(result: Audit, market: Market, rows: dict[Any, Any], batches: dict[Any, Any]) -> None:
    """What customers were told against what is there."""
    made: dict[str, list[Any]] = defaultdict(list)
    for row in (*rows.values(), *batches.values()):
        number = _json(row["metadata"]).get("order")
        if number:
            made[number].append(row)
    unheard = 0
    for order in market.orders:
        there = made.get(order.number, [])
        promise = "an Idempotency-Key has one task" if order.key else "an accepted task exists once"
        known = {decode("batch" if order.items else "task", task_id) for task_id in order.task_ids}
        if len(order.task_ids) > 1:
            result.found(promise, f"order {order.number} was answered with {sorted(order.task_ids)}")
        if known - {row["id"] for row in there}:
            result.found("an accepted task exists once", f"{sorted(order.task_ids)} was answered 202 and is not there")
        most = 1 if order.key else order.posts
        if len(there) > most:
            result.found(promise, f"order {order.number} has {len(there)} tasks after {order.posts} requests")
        if order.refused and there:
            result.found("a refused order leaves nothing", f"order {order.number}, {order.refused}, has a task")
        unheard += bool(there and not order.task_ids)
        for row in there:
            if not order.items:
                _told(result, order, row)
            elif row["total"] - row["refused"] != order.items or row["total"] != len(order.body["items"]):
                result.found("a batch is there as a whole", f"order {order.number} of {order.items}: {dict(row)}")
    result.facts["tasks made though the answer was lost"] = unheard
    result.facts["orders given up while their key was in flight"] = sum(
        order.gave_up == IN_FLIGHT and order.key is not None for order in market.orders
    )
    result.facts["longest wait for an answer"] = f"{market.longest[0]:.0f} s, {market.longest[1]}"
    result.facts["orders refused"] = sum(order.refused is not None for order in market.orders)
    result.facts["tasks retried by customers"] = sum(order.retries for order in market.orders)


def _told(result: Audit, order: Order, row: Any) -> None:
    if order.end and row["id"] == decode("task", order.task_id or "") and row["status"] != order.end:
        result.found("an end is the end", f"{order.task_id} was {order.end}, and is {row['status']}")


async def _batches(connection: asyncpg.Connection, result: Audit) -> None:
    """Each has all its tasks, and its end is told once, after theirs."""
    wrong = await connection.fetch(
        """select b.id, b.total, b.refused, b.open, t.tasks, t.open as truly_open, e.ends, e.position, t.last
           from batches b
           left join lateral (
               select count(*) as tasks, count(*) filter (where t.completed_at is null) as open,
                      max((select min(position) from events e where e.task_id = t.id and e.type = any($1))) as last
               from tasks t where t.batch_id = b.id) t on true
           left join lateral (
               select count(*) as ends, min(position) as position from events e
               where e.batch_id = b.id and e.type = 'batch.completed') e on true
           where b.total - b.refused <> t.tasks or b.open <> t.open or e.ends > 1 or (b.open = 0 and e.ends <> 1)
              or e.position < t.last""",
        list(TERMINAL),
    )
    for row in wrong:
        result.found("a batch is there as a whole, and ends once", str(dict(row)))
    result.facts["batches"] = await connection.fetchval("select count(*) from batches")


async def _money(connection: asyncpg.Connection, result: Audit) -> None:
    wrong = await connection.fetch(
        """select t.id, t.status, t.quoted, t.charged, t.num_outputs, cardinality(t.output_ids) as delivered,
                  coalesce(c.amount, 0) as captured, coalesce(h.captured, 0) as of_hold, coalesce(h.open, 0) as open
           from tasks t
           left join lateral (select sum(case kind when 'refund' then -amount else amount end)::bigint as amount
                              from credit_transfers c
                              where c.task_id = t.id and c.kind in ('capture', 'refund')) c on true
           left join lateral (select sum(captured)::bigint as captured, count(*) filter (where status = 'open') as open
                              from credit_holds h where h.task_id = t.id) h on true
           where t.charged <> coalesce(c.amount, 0) or t.charged <> coalesce(h.captured, 0)
              or t.charged <> case when t.status = 'succeeded'
                                   then t.quoted * least(cardinality(t.output_ids), t.num_outputs) / t.num_outputs
                                   else 0 end
              or (t.status = 'succeeded') <> (cardinality(t.output_ids) > 0)
              or coalesce(h.open, 0) <> (t.status not in ('succeeded', 'failed', 'canceled'))::int"""
    )
    for row in wrong:
        result.found("charged = captured = delivered", str(dict(row)))
    drift = await connection.fetch(
        """select a.workspace_id, a.mode, a.balance, a.held, t.granted, t.spent
           from credit_accounts a join lateral (
               select coalesce(sum(amount) filter (where debit <> 'customer' and kind not in ('refund')), 0) as granted,
                      coalesce(sum(case when kind = 'refund' then -amount else amount end)
                               filter (where debit = 'customer' or kind = 'refund'), 0) as spent
               from credit_transfers t where (t.workspace_id, t.mode) = (a.workspace_id, a.mode)) t on true
           where a.balance + a.held + t.spent <> t.granted"""
    )
    for row in drift:
        result.found("balances + held + spent = granted", str(dict(row)))
    sums = await connection.fetchrow(
        """select (select coalesce(sum(balance + held), 0) from credit_accounts) as left,
                  coalesce(sum(amount) filter (where kind = 'capture'), 0) as spent,
                  coalesce(sum(amount) filter (where kind in ('grant', 'purchase')), 0) as granted
           from credit_transfers"""
    )
    result.facts["credits granted"] = int(sums["granted"]) / 1e6
    result.facts["credits spent + left"] = f"{int(sums['spent']) / 1e6} + {int(sums['left']) / 1e6}"
    if sums["granted"] != sums["spent"] + sums["left"]:
        result.found("balances + held + spent = granted", f"in all: {dict(sums)}")


async def _events(connection: asyncpg.Connection, result: Audit) -> None:
    wrong = await connection.fetch(
        """select t.id, t.status, t.run, array_agg(e.type order by e.position) as types
           from tasks t left join events e on e.task_id = t.id group by t.id
           having count(*) filter (where e.type = any($1)) <>
                      t.run - (t.status not in ('succeeded', 'failed', 'canceled'))::int
               or (t.status in ('succeeded', 'failed', 'canceled') and
                   (array_agg(e.type order by e.position desc))[1] is distinct from 'task.' || t.status)""",
        list(TERMINAL),
    )
    for row in wrong:
        result.found("the last event of a run is its one end", str(dict(row)))
    told: dict[Any, list[str]] = defaultdict(list)
    for row in await connection.fetch("select task_id, type from events where task_id is not null order by position"):
        told[row["task_id"]].append(row["type"].removeprefix("task."))
    for task_id, types in told.items():
        if not STORY.fullmatch(" ".join(types)):
            result.found("events are told in their order", f"{encode('task', task_id)}: {types}")


async def _queues(connection: asyncpg.Connection, result: Audit) -> None:
    """Slots are not leaked: the counts by which workspaces are served are those of their tasks."""
    if await connection.fetchval("select to_regclass('task_queues')") is None:
        return
    wrong = await connection.fetch(
        """select coalesce(q.workspace_id, t.workspace_id) as workspace, coalesce(q.lane, t.lane) as lane,
                  q.queued, q.running, t.queued as true_queued, t.running as true_running
           from task_queues q full join (
               select workspace_id, mode, lane, count(*) filter (where status = 'pending') as queued,
                      count(*) filter (where status in ('processing', 'reconciling')) as running
               from tasks where status in ('pending', 'processing', 'reconciling') group by 1, 2, 3) t
           on (q.workspace_id, q.mode, q.lane) = (t.workspace_id, t.mode, t.lane)
           where coalesce(q.queued, 0) <> coalesce(t.queued, 0) or coalesce(q.running, 0) <> coalesce(t.running, 0)"""
    )
    for row in wrong:
        result.found("queues count true", str(dict(row)))


async def _files(connection: asyncpg.Connection, result: Audit, files: Path) -> None:
    rows = await connection.fetch(
        """select a.id, f.key from asset_files f join assets a on a.id = f.asset_id
           where a.status = 'ready' and a.deleted_at is null"""
    )
    for row in rows:
        path = files / row["key"]
        if not path.is_file() or not path.stat().st_size:
            result.found("no asset without its file", f"{encode('asset', row['id'])}: {row['key']}")
    lost = await connection.fetch(
        """select t.id, o.id as output from tasks t cross join unnest(t.output_ids) o(id)
           left join assets a on a.id = o.id and a.status = 'ready' and a.deleted_at is null where a.id is null"""
    )
    for row in lost:
        result.found("no output is lost", f"{encode('task', row['id'])} has no asset {row['output']}")
    result.facts["files of ready assets"] = len(rows)
    result.facts["assets never finished (swept after an hour)"] = await connection.fetchval(
        "select count(*) from assets where status = 'pending'"
    )


async def check_calls(connection: asyncpg.Connection, result: Audit, vendor: Vendor) -> dict[Any, set[Any]]:
    """No call was accepted twice, but where the first was known to have come to nothing, or noted as unknown.

    Answers the colours of the pictures that were made for each task.
    """
    colours: dict[Any, set[Any]] = defaultdict(set)
    asked: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    attempts = {
        encode("att", row["id"]): row
        for row in await connection.fetch("select * from task_attempts where provider = 'chaosco'")
    }
    chains: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for reference, jobs in vendor.by_reference.items():
        if len(jobs) > 1:
            result.found("no call is sent twice", f"{reference} was accepted {len(jobs)} times")
        attempt = attempts.get(reference)
        if attempt is None:
            result.found("each call is noted before it is made", f"{reference} was accepted and is no attempt")
            continue
        colours[attempt["task_id"]].add(colour(reference))
        chains[_call(attempt)].append((jobs[0], attempt))
    for reference, times in vendor.received.items():
        if len(times) > 1:
            result.found("no call is sent twice", f"{reference} was sent {len(times)} times")
        if attempt := attempts.get(reference):
            asked[_call(attempt)].append((times[0], attempt["status"]))
    for (task_id, run, *_), sent in asked.items():
        sent.sort()
        if bad := [status for _, status in sent[:-1] if status not in ("unknown", "failed")]:
            result.found("no call is sent twice", f"{encode('task', task_id)} run {run}: sent again after {bad}")
    again = 0
    for (task_id, run, *_), calls in chains.items():
        calls.sort(key=lambda call: call[0].accepted_at)
        for job, attempt in calls[:-1]:
            again += 1
            known_to_have_failed = job.told_failed and attempt["status"] == "failed"
            if attempt["status"] != "unknown" and not known_to_have_failed:
                result.found(
                    "no call is sent twice",
                    f"{encode('task', task_id)} run {run}: after {job} with its attempt {attempt['status']}"
                    f" {attempt['error']} there was another",
                )
    result.facts["calls the vendor received"] = sum(map(len, vendor.received.values()))
    result.facts["calls the vendor accepted"] = len(vendor.jobs)
    result.facts["of them after an earlier one had failed"] = again
    result.facts["results made that nobody got, their calls' answers lost"] = sum(
        jobs[0].end in WHOLE and attempts[reference]["status"] in ("unknown", "failed")
        for reference, jobs in vendor.by_reference.items()
        if reference in attempts
    )
    result.facts["attempts with unknown outcome"] = await connection.fetchval(
        "select count(*) from task_attempts where status = 'unknown'"
    )
    return colours


def _call(attempt: Any) -> tuple[Any, ...]:
    """What is to be done once, however many attempts it takes."""
    return attempt["task_id"], attempt["run"], attempt["position"], attempt["part"]


async def _outputs(result: Audit, market: Market, rows: dict[Any, Any], colours: dict[Any, set[Any]]) -> None:
    """Each succeeded task's results come down and are whole; the vendor's are those made for that very task."""
    gate = asyncio.Semaphore(AT_ONCE)
    downloaded = 0

    async def fetch(client: httpx.AsyncClient, order: Order, task_id: str, outputs: list[dict[str, Any]]) -> None:
        nonlocal downloaded
        row = rows[decode("task", task_id)]
        if row["status"] != "succeeded":
            return  # it was open when we looked
        if [output["id"] for output in outputs] != [encode("asset", one) for one in row["output_ids"]]:
            result.found("no output is lost", f"{task_id} shows {outputs}")
        for output in outputs:
            with Image.open(io.BytesIO(await _get(client, output["urls"]["full"]))) as image:
                image.load()
                seen = image.convert("RGB").getpixel((1, 1))
                size = image.size
            downloaded += 1
            if row["provider"] == "chaosco" and (seen not in colours[row["id"]] or size != SIZE):
                result.found("each result is its own task's", f"{task_id} shows {seen} {size}")

    async def look(order: Order) -> None:
        async with gate:
            caller = market.customers[order.customer]
            client = caller.live if order.mode == "live" else caller.test
            try:
                shown = json.loads(await _get(client, f"{order.path}/{order.task_id}"))
                for one in shown["items"] if order.items else [shown | {"task_id": shown["id"]}]:
                    if one["task_id"] is not None and one["status"] == "succeeded":
                        await fetch(client, order, one["task_id"], one["outputs"])
            except (httpx.HTTPError, OSError, KeyError, ValueError, AssertionError) as fault:
                result.found("no output is lost", f"{order.task_id}: {fault!r}")

    await asyncio.gather(*(look(order) for order in market.orders if order.task_id))
    known = {task_id for order in market.orders for task_id in order.task_ids}
    heard = sum(
        len(row["output_ids"])
        for row in rows.values()
        if encode("task", row["id"]) in known or (row["batch_id"] and encode("batch", row["batch_id"]) in known)
    )
    if downloaded != heard:
        result.found("no output is lost", f"{downloaded} came down of {heard}")
    result.facts["outputs downloaded and decoded"] = downloaded


async def _get(client: httpx.AsyncClient, url: str) -> bytes:
    try:
        answer = await client.get(url)
    except httpx.RemoteProtocolError:  # an idle connection that the server closed this moment
        answer = await client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content


def _json(value: Any) -> dict[str, Any]:
    return json.loads(value) if isinstance(value, str) else dict(value)
