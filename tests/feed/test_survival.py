"""The promise of events, on the whole stack as `backlot dev` runs it: kill what you like, each is told in one order."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from redis import Redis

from tests.conftest import PHOTOS
from tests.dev_stack import Stack

pytestmark = [pytest.mark.xdist_group("survival of events"), pytest.mark.timeout(240)]

TASKS = 200
ENDS = ("task.succeeded", "task.failed", "task.canceled")
DROP_AFTER = 37
"""Messages after which a reader hangs up, as a phone that loses its network does."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("survival") / "data")
    stack.api.headers["X-API-Key"] = stack.ready["test_api_key"]
    yield stack
    stack.stop()


class Follower(threading.Thread):
    """Follows a stream, comes again whenever that ends, and hangs up itself now and then."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self._http = httpx.Client(base_url=stack.api.base_url, headers=stack.api.headers, timeout=30)
        self.is_open = threading.Event()
        self.is_done = threading.Event()
        self.seen: list[tuple[str, str]] = []
        """Ids and types, in the order they came."""
        self.last_id: str | None = None
        self.connections = 0

    def run(self) -> None:
        while not self.is_done.is_set():
            with suppress(httpx.HTTPError):
                self._follow()
            time.sleep(0.05)
        self._http.close()

    def _follow(self) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with self._http.stream("GET", "/v1/events/stream", headers=headers) as answer:
            answer.raise_for_status()
            self.connections += 1
            got: dict[str, str] = {}
            count = 0
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    got[name] = value
                    continue
                if "id" in got:
                    self.last_id = got["id"]
                    self.is_open.set()
                if "event" in got:
                    self.seen.append((got["id"], got["event"]))
                    assert json.loads(got["data"])["id"] == got["id"]
                    count += 1
                got = {}
                if count == DROP_AFTER or self.is_done.is_set():
                    return


def _listed(stack: Stack) -> list[tuple[str, str]]:
    """All events, oldest first."""
    found, cursor = [], {}
    while True:
        page = stack.api.get("/v1/events", params={"limit": 100, **cursor}).json()
        found += [(event["id"], event["type"]) for event in page["data"]]
        if page["next_cursor"] is None:
            return found[::-1]
        cursor = {"cursor": page["next_cursor"]}


def _kill_workers(stack: Stack) -> None:
    for worker in stack.workers():
        worker.send_signal(signal.SIGKILL)


def test_every_event_comes_once_and_in_order_whatever_is_killed(stack: Stack) -> None:
    before = len(_listed(stack))
    followers = [Follower(stack) for _ in range(3)]
    for follower in followers:
        follower.start()
        assert follower.is_open.wait(10)
    redis = Redis.from_url(stack.ready["redis_url"])
    asset = _asset(stack)
    for number in range(TASKS):
        body = {"operation": "upscale", "input": {"image": asset, "scale": 2}}
        assert stack.api.post("/v1/tasks", json=body).status_code == 202
        if number in (60, 140):
            _kill_workers(stack)
        if number == 100:
            redis.flushall()
    redis.close()
    until = time.monotonic() + 120
    while sum(kind in ENDS for _, kind in _listed(stack)) < TASKS:
        assert time.monotonic() < until
        time.sleep(0.5)
    told = _listed(stack)[before:]
    for follower in followers:
        while len(follower.seen) < len(told) and time.monotonic() < until:
            time.sleep(0.1)
        follower.is_done.set()
    _asset(stack)  # one more for each, so that they notice
    for follower in followers:
        follower.join(10)
        assert follower.seen[: len(told)] == told
        assert follower.connections > len(told) // DROP_AFTER


def _asset(stack: Stack) -> str:
    answer = stack.api.post("/v1/assets", files={"file": ("coffee.jpg", (PHOTOS / "coffee.jpg").read_bytes())})
    return str(answer.json()["id"])
