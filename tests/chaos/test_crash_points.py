"""Processes are killed at every await of ours, and others finish what they left.

At each distinct place the first and the last time it is met, where no kind of task before has met it; with CHAOS_ALL=1
every time in each kind, both when something was `sent` and when it was `answered`. The places are found by running each
kind to its end; that none was overlooked is checked against the source.
"""

import ast
import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.core.ids import decode
from tests.chaos.awaits import Moment
from tests.chaos.chaosco import MODELS
from tests.chaos.scene import Kind, Scene
from tests.chaos.stack import ROOT

pytestmark = [pytest.mark.xdist_group("crash"), pytest.mark.timeout(3600 if os.environ.get("CHAOS_ALL") else 600)]
ALL = bool(os.environ.get("CHAOS_ALL"))
CROWD = 4
TRIES = 3
"""Where a process waits may hang on how fast others are: a moment that did not come is tried again."""
MADE = """
    select h.status from tasks t left join batches b on b.id = t.batch_id join credit_holds h on h.task_id = t.id
    where coalesce(b.metadata, t.metadata) ->> 'order' = $1
"""

KINDS = [
    Kind("answered at once, and nobody to ask", "now-blind"),
    Kind("done later", "later-findable"),
    Kind("refused for now, then cut off", "later-findable", script=("error-429", "cut-after")),
    Kind("a result that comes down at the second try", "now-findable", made="truncated-once"),
    Kind("refused", "now-findable", script=("reject",) * 5, end="failed"),
    Kind("out of time", "now-findable", is_overdue=True, end="failed"),
    Kind("its image is fetched first", "now-findable", by_url=True),
]
if ALL:
    KINDS += [Kind(model, model) for model in MODELS if model not in ("now-blind", "later-findable")]

# Whoever awaits in these files can be killed there; and those who do not while all goes as above: a stop in good
# order, a cancel, a lost lease, an order that is refused, a vendor that is spared, steps in several lanes, a mask,
# a result of another form, a fresh link, a crowd that reads. What awaits in `_locked`, `_source` and `_download` is
# met, but its name cannot be seen.
SOURCES = {
    "app/core/lane.py": ("drain", "do_all"),
    "app/generation/advance.py": ("_hand_over", "cancel_at_provider"),
    "app/generation/files.py": ("discard", "pause", "_source", "_download", "_form", "_size"),
    "app/generation/intake.py": ("_refused", "_known"),
    "app/generation/recording.py": (),
    "app/generation/imports.py": (),
    "app/generation/run.py": ("_locked", "_take_back", "_hold", "_change_lane"),
    "app/batches/intake.py": ("_refused", "_known", "_sort", "_orders"),  # the last two where caches are cold
    "app/assets/outputs.py": ("discard", "read_mask"),
}


def moments(seen: dict[str, int], known: set[str], last: int | None = None) -> list[Moment]:
    """Of a whole run, those to be killed at; `last` where it is not the last time."""
    found = []
    for place, times in seen.items():
        if not ALL and place in known:
            continue
        if "_beat" in place and not ALL:
            times = 1  # how often the heart beats is up to the clock: another run may not come as far
        wanted = range(1, times + 1) if ALL else sorted({1, min(times, last or times)})
        found += [Moment(place, nth, "answered") for nth in wanted]
        if ALL:
            found += [Moment(place, nth, "sent") for nth in wanted]
    return found


def enough(wanted: list[Moment], missed: int) -> None:
    assert missed < len(wanted), "nobody was killed"
    assert missed <= max(1, len(wanted) // 4), "the places differ from one run to the next"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_worker_killed_at_every_await(scene: Scene, kind: Kind) -> None:
    await killed_at_each(scene, kind, 1)


async def test_a_worker_killed_at_every_await_of_many_tasks_at_once(scene: Scene) -> None:
    """What is written for many in one statement is there for all of them or for none."""
    most = await killed_at_each(scene, KINDS[0], CROWD, only=("core/lane.py",))
    assert most > 1


async def killed_at_each(scene: Scene, kind: Kind, at_once: int, only: Iterable[str] = ("",)) -> int:
    """At once so many tasks in one process. The largest batch there was."""

    async def tasks() -> list[str]:
        return [await scene.order(kind) for _ in range(at_once)]

    def rows(task_ids: list[str]) -> list[str]:
        return [str(decode("task", task_id)) for task_id in task_ids]

    whole = await scene.whole("advance", task_ids=rows(await tasks()))
    seen = {place: times for place, times in whole["seen"].items() if any(part in place for part in only)}
    wanted = moments(seen, scene.killed) if at_once == 1 else moments(seen, set(), last=2)  # of one, of many
    killed: dict[str, Moment] = {}
    missed = 0
    for moment in wanted:
        for _ in range(TRIES):
            task_ids = await tasks()
            killed |= dict.fromkeys(task_ids, moment)
            if (await scene.victims.meet(moment, "advance", task_ids=rows(task_ids)))["code"]:
                break
        else:
            missed += 1
    scene.killed |= set(seen)
    print(f"{kind.name}: killed at {len(wanted) - missed} moments of {len(seen)} places, {missed} not met")
    enough(wanted, missed)
    statuses = dict(zip(killed, await asyncio.gather(*map(scene.finish, killed)), strict=True))
    for task_id, status in statuses.items():
        if status == "reconciling":
            assert await scene.decide(task_id) == "failed", killed[task_id]
        else:
            assert status == kind.end, killed[task_id]
    assert (await scene.audit()).breaches == {}
    return int(whole["most"])


async def test_an_api_process_killed_at_every_await_of_an_order(scene: Scene) -> None:
    await orders_killed_at_each(scene, lambda: [order(scene)])


async def test_an_api_process_killed_at_every_await_of_many_orders_at_once(scene: Scene) -> None:
    """Among them two with one key."""

    def crowd() -> list[dict[str, Any]]:
        orders = [order(scene) for _ in range(CROWD)]
        return orders + orders[1:2]

    assert await orders_killed_at_each(scene, crowd, only=("core/lane.py",), last=2) > 1


async def test_an_api_process_killed_at_every_await_of_a_batch(scene: Scene) -> None:
    await orders_killed_at_each(scene, lambda: [batch(scene)])


def order(scene: Scene) -> dict[str, Any]:
    return {"path": "/v1/tasks", "idempotency_key": uuid4().hex, "body": scene.body(KINDS[1])}


def batch(scene: Scene) -> dict[str, Any]:
    images = [scene.image] * CROWD
    return {"path": "/v1/batches", "idempotency_key": uuid4().hex, "body": scene.batch(KINDS[1], images)}


async def orders_killed_at_each(
    scene: Scene, make: Callable[[], list[dict[str, Any]]], only: Iterable[str] = ("",), last: int | None = None
) -> int:
    whole = await scene.whole("post", key=scene.account.key, orders=make())
    seen = {place: times for place, times in whole["seen"].items() if any(part in place for part in only)}
    wanted = moments(seen, set(), last)
    missed = 0
    for moment in wanted:
        for _ in range(TRIES):
            orders = make()
            if (await scene.victims.meet(moment, "post", key=scene.account.key, orders=orders))["code"]:
                break
        else:
            missed += 1
        for one in orders:
            answers = [await scene.post(**one) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [202, 202], (moment, answers[0].text)
            assert len({answer.json()["id"] for answer in answers}) == 1, moment
            made = await scene.fetch(MADE, one["body"]["metadata"]["order"])
            assert [row["status"] for row in made] == ["open"] * len(one["body"].get("items", (1,))), moment
    print(f"order: killed at {len(wanted) - missed} moments of {len(seen)} places, {missed} not met")
    enough(wanted, missed)
    assert (await scene.audit()).breaches == {}
    return int(whole["most"])


def awaiting(path: Path) -> set[str]:
    """The functions of a module that await something."""
    found = set()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.AsyncFunctionDef) and any(
            isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor) for node in ast.walk(function)
        ):
            found.add(function.name)
    return found


async def test_no_function_that_awaits_was_overlooked(scene: Scene) -> None:
    """A kill at each place says nothing where the places were not found."""
    for kind in KINDS:
        await scene.whole("advance", task_ids=[str(decode("task", await scene.order(kind)))])
    await scene.whole("post", key=scene.account.key, orders=[order(scene), batch(scene)])
    met: dict[str, set[str]] = {}
    for place in scene.met:
        for frame in place.split(" > "):
            name, _, function = frame.partition(" ")
            met.setdefault(f"app/{name.partition(':')[0]}", set()).add(function)
    overlooked = {
        source: missing
        for source, elsewhere in SOURCES.items()
        if (missing := awaiting(ROOT / source) - met.get(source, set()) - set(elsewhere))
    }
    assert overlooked == {}
    assert {"claim", "begin_attempts", "await_providers", "record_results"} <= met["app/generation/queries.py"]
