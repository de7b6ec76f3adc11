"""The promise of events, on the whole stack as `backlot dev` runs it: kill what you like, each is told.

Of streams exactly once and in one order, to webhooks at least once.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from redis import Redis
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.conftest import PHOTOS, free_port
from tests.dev_stack import Stack

pytestmark = [pytest.mark.xdist_group("survival of events"), pytest.mark.timeout(240)]

TASKS = 200
ENDS = ("task.succeeded", "task.failed", "task.canceled")
DROP_AFTER = 37
"""Messages after which a reader hangs up, as a phone that loses its network does."""
BAD_MOMENTS = 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("survival") / "data", BACKLOT_EGRESS_ALLOW="127.0.0.1/32")
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


class Shop(ThreadingHTTPServer):
    """A customer's server, which verifies what it gets; at first it has a bad moment now and then."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), _Answering)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.secret = ""
        self.asked = 0
        self.got: set[str] = set()
        """The ids of what it took."""
        self.refused: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answering(BaseHTTPRequestHandler):
    server: Shop

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            Webhook(self.server.secret).verify(body, dict(self.headers.items()))
        except WebhookVerificationError as fault:
            self.server.refused.append(repr(fault))
        self.server.asked += 1
        is_bad = self.server.asked < BAD_MOMENTS and self.server.asked % 3 == 0
        if not is_bad:
            self.server.got.add(self.headers["webhook-id"])
        self.send_response(500 if is_bad else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


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
    shop = Shop()
    made = stack.api.post("/v1/webhook-endpoints", json={"url": shop.url})
    assert made.status_code == 201, made.text
    shop.secret = made.json()["secret"]
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
    while not shop.got >= {event_id for event_id, _ in told}:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert shop.refused == []
    shop.shutdown()
    shop.server_close()
    _asset(stack)  # one more for each, so that they notice
    for follower in followers:
        follower.join(10)
        assert follower.seen[: len(told)] == told
        assert follower.connections > len(told) // DROP_AFTER


def _asset(stack: Stack) -> str:
    answer = stack.api.post("/v1/assets", files={"file": ("coffee.jpg", (PHOTOS / "coffee.jpg").read_bytes())})
    return str(answer.json()["id"])
