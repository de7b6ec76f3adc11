"""Batches on the whole stack as `backlot dev` runs it: kill what you like, each item ends once."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.batches.ordering import counts, prompts
from tests.dev_stack import Stack

pytestmark = pytest.mark.xdist_group("survival")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("survival") / "data")
    stack.api.headers["X-API-Key"] = stack.ready["test_api_key"]
    yield stack
    stack.stop()


def _read(stack: Stack, batch_id: str, **params: Any) -> dict[str, Any]:
    batch: dict[str, Any] = stack.api.get(f"/v1/batches/{batch_id}", params=params).json()
    return batch


def _until(stack: Stack, batch_id: str, succeeded: int) -> dict[str, Any]:
    until = time.monotonic() + 90
    while counts(batch := _read(stack, batch_id))[3] < succeeded:
        assert time.monotonic() < until, batch["summary"]
        time.sleep(0.05)
    return batch


def _apis(stack: Stack) -> list[psutil.Process]:
    return [child for child in psutil.Process(stack.process.pid).children() if "serve" in child.cmdline()]


def _ids(stack: Stack) -> set[str]:
    return {batch["id"] for batch in stack.api.get("/v1/batches", params={"limit": 100}).json()["data"]}


def test_workers_killed_between_items(stack: Stack) -> None:
    """What had ended stays as it was, what was under way is done again or found, what waited is done."""
    before = stack.api.get("/v1/credits").json()["balance"]
    words = [f"{number}, sandbox:{('slow-1', 'async', 'fail-once')[number % 3]}" for number in range(45)]
    answer = stack.api.post("/v1/batches", json=prompts(*words, "sandbox:nope"))
    assert answer.status_code == 202, answer.text
    batch_id = answer.json()["id"]
    for done in (5, 25):
        _until(stack, batch_id, done)
        for worker in stack.workers():
            worker.send_signal(signal.SIGKILL)
    batch = _until(stack, batch_id, 45)
    assert (batch["status"], counts(batch)) == ("completed", (46, 0, 0, 45, 1, 0))
    assert batch["summary"]["credits"] == {"quoted": 45, "held": 0, "charged": 45}
    assert all(len(item["outputs"]) == 1 for item in batch["items"][:45])
    assert stack.api.get("/v1/credits").json() | {"total_earned": 0} == {
        "balance": before - 45,
        "held": 0,
        "total_earned": 0,
        "total_spent": 45,
        "low_mark": 2,
    }
    with stack.api.stream("GET", f"/v1/batches/{batch_id}/events") as story:
        told = Counter(line for line in story.iter_lines() if line.startswith("event"))
    assert told["event: task.succeeded"] == 45
    assert told["event: batch.completed"] == 1
    checked = stack.verify()
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_api_killed_while_it_takes_a_batch(stack: Stack) -> None:
    """Before the commit or after it: who repeats the request with its key gets one batch, and all of it."""
    body = prompts(*(f"number {number}" for number in range(100)))
    before = _ids(stack)
    answered = set()
    for number, milliseconds in enumerate((5, 40, 90)):
        key = {"Idempotency-Key": f"order-{number}"}
        victims = _apis(stack)
        assert victims
        with httpx.Client(base_url=stack.ready["url"], headers=dict(stack.api.headers)) as client:
            try:
                client.post("/v1/batches", json=body, headers=key, timeout=milliseconds / 1000)
            except httpx.TimeoutException:
                for api in victims:
                    api.send_signal(signal.SIGKILL)
        until = time.monotonic() + 30
        while True:
            try:
                answer = stack.api.post("/v1/batches", json=body, headers=key)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                break
            assert time.monotonic() < until, answer and answer.text
            time.sleep(0.1)
        again = stack.api.post("/v1/batches", json=body, headers=key)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == answer.json()
        assert counts(_until(stack, answer.json()["id"], 100)) == (100, 0, 0, 100, 0, 0)
        answered.add(answer.json()["id"])
    assert _ids(stack) - before == answered
    checked = stack.verify()
    assert checked.returncode == 0, checked.stdout + checked.stderr
