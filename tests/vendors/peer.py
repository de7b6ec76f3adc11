"""What the vendors' servers have in common: they check what is asked, count what is ordered, and fail as told."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import uuid4

import aiohttp
import orjson
from aiohttp import web

from tests.vendors.faults import MEBIBYTE, Fault
from tests.vendors.pictures import drawn

HOST = "127.0.0.2"
"""The loopback address from which the guarded client of the tests may download."""
Answer = web.StreamResponse
Handler = Callable[[web.Request], Awaitable[Answer]]
MOST_BYTES = 64 * MEBIBYTE
JUNK = {"junk": b"<html>no picture</html>", "half": drawn(300, 200)[:-400], "huge": bytes(50 * MEBIBYTE)}
"""What some jobs end with instead of a picture."""


class Refusal(Exception):
    """The vendor's own answer to a request it does not take."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers

    def answer(self) -> Answer:
        return web.json_response(self.body, status=self.status, headers=self.headers)


@dataclass
class Order:
    """What a customer of the vendor's is billed for. `ending`: fine, refused, nsfw, failed, empty, or one of JUNK."""

    what: str
    body: Mapping[str, Any]
    pictures: list[bytes]
    ending: str = "fine"
    id: str = field(default_factory=lambda: uuid4().hex)
    key: str = ""
    callback: str | None = None
    done_at: float = 0.0
    is_canceled: bool = False

    @property
    def is_done(self) -> bool:
        return time.monotonic() >= self.done_at


class Peer:
    """A vendor on a port of its own. `prefix` is the path of its base URL."""

    name: ClassVar[str]
    prefix: ClassVar[str] = ""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.keys = (f"sk-{self.name}-One-7hQ2vXw9", f"sk-{self.name}-Two-4bZ8kLm1")
        self.refused: set[str] = set()
        self.broke: set[str] = set()
        self.seconds = seconds
        """How long a job takes."""
        self.origin = ""
        self._running: list[asyncio.Task[None]] = []
        self.mend()

    def mend(self) -> None:
        """Be well, and know of nothing."""
        self.refused.clear()
        self.broke.clear()
        self.orders: list[Order] = []
        self.asked: Counter[str] = Counter()
        self.ordered_at: list[float] = []
        self.complaints: list[str] = []
        self.heard: list[int] = []
        self.endings: deque[str] = deque()
        self.repeats = 1
        """How often it calls back."""
        self.forges = False
        """Whether its calls are signed by somebody else."""
        self.dead_links = 0
        """So many of the next links to results have expired."""
        self._queued: dict[str, deque[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._links: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        """What the operator sets as its base URL."""
        return self.origin + self.prefix

    @property
    def key_set_url(self) -> str:
        """Where the keys are that its calls are signed with, if they are public."""
        return ""

    def fail(self, kind: str, fault: Fault, *, times: int | None = None) -> None:
        """The next so many requests of that kind (order, poll, file, upload, cancel), or all."""
        if times is None:
            self._always[kind] = fault
        else:
            self._queued.setdefault(kind, deque()).extend([fault] * times)

    # --- what a vendor says

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        """Kind, method, path, handler."""
        raise NotImplementedError

    def key_of(self, request: web.Request) -> str | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return key if scheme == "Bearer" else None

    def bad_key(self, key: str | None) -> Refusal:
        """It repeats the key: what is told of it must not go any further."""
        return Refusal(401, {"error": {"message": f"Incorrect API key provided: {key}.", "code": "invalid_api_key"}})

    def no_money(self) -> Refusal:
        return Refusal(402, {"detail": "Insufficient credit."})

    def webhook(self, order: Order) -> tuple[bytes, Mapping[str, str]]:
        """The body and the headers of a call when the job has ended."""
        return b"{}", {}

    # --- serving

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BYTES)
        for kind, method, path, handler in self.routes():
            app.router.add_route(method, path, self._around(kind, handler))
        app.router.add_route("GET", "/cdn/{name}", self._around("file", self._file))
        return app

    def _around(self, kind: str, handler: Handler) -> Handler:
        async def serve(request: web.Request) -> Answer:
            return await self.serve(kind, request, handler)

        return serve

    async def serve(self, kind: str, request: web.Request, handler: Handler) -> Answer:
        self.asked[kind] += 1
        if kind == "order":
            self.ordered_at.append(time.monotonic())
        queued = self._queued.get(kind)
        fault = queued.popleft() if queued else self._always.get(kind)
        if fault and fault.is_before:
            return await _spoiled(request, fault, None)
        try:
            if kind != "file":
                self._sign_in(request, kind)
            answer = await handler(request)
        except Refusal as refusal:
            answer = refusal.answer()
        return await _spoiled(request, fault, answer) if fault else answer

    def _sign_in(self, request: web.Request, kind: str) -> None:
        key = self.key_of(request)
        if key not in self.keys or key in self.refused:
            raise self.bad_key(key)
        if kind == "order" and key in self.broke:
            raise self.no_money()

    def take(self, what: str, body: Mapping[str, Any], pictures: list[bytes], request: web.Request) -> Order:
        """An order is an order: from here on it is billed."""
        ending = self.endings.popleft() if self.endings else "fine"
        pictures = [JUNK[ending]] * len(pictures) if ending in JUNK else pictures
        order = Order(what, body, pictures, ending, key=self.key_of(request) or "")
        order.done_at = time.monotonic() + self.seconds
        self.orders.append(order)
        return order

    def find(self, order_id: str, request: web.Request) -> Order | None:
        """Of the customer who asks."""
        key = self.key_of(request)
        return next((one for one in self.orders if one.id == order_id and one.key == key), None)

    def link(self, content: bytes) -> str:
        """Where the file is: a new address each time."""
        name = uuid4().hex
        if self.dead_links:
            self.dead_links -= 1
        else:
            self._links[name] = content
        return f"{self.origin}/cdn/{name}"

    async def _file(self, request: web.Request) -> Answer:
        if "Authorization" in request.headers:
            self.complaints.append("a key was sent to the store of results")
        content = self._links.get(request.match_info["name"])
        if content is None:
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="text/xml")
        return web.Response(body=content, content_type="image/png")

    def call_back(self, order: Order) -> None:
        """When the job has ended, as often as `repeats` says."""
        if order.callback:
            self._running.append(asyncio.create_task(self._call(order)))

    async def _call(self, order: Order) -> None:
        await asyncio.sleep(max(order.done_at - time.monotonic(), 0))
        async with aiohttp.ClientSession() as session:
            for _ in range(self.repeats):
                body, headers = self.webhook(order)
                body += b" " if self.forges else b""
                kind = {"Content-Type": "application/json"}
                async with session.post(str(order.callback), data=body, headers={**kind, **headers}) as answer:
                    self.heard.append(answer.status)

    async def called(self) -> None:
        """When all callbacks were made."""
        await asyncio.gather(*self._running)
        self._running.clear()

    async def start(self, host: str = HOST, port: int = 0) -> None:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._running)
        await self._runner.cleanup()


async def _spoiled(request: web.Request, fault: Fault, answer: Answer | None) -> Answer:
    await asyncio.sleep(fault.seconds)
    if fault.body is not None:
        return web.Response(
            body=fault.body, status=fault.status, content_type=fault.content_type, headers=dict(fault.headers)
        )
    assert isinstance(answer, web.Response)
    if fault.is_half:
        assert isinstance(answer.body, bytes)
        answer.body = answer.body[: len(answer.body) // 2]
    return answer


async def json_of(request: web.Request, wrong: Refusal) -> Any:
    """The body of a request that has to be JSON and says so. Raises what is given."""
    try:
        if request.content_type != "application/json":
            raise wrong
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise wrong from None


def need(condition: object, refusal: Refusal) -> None:
    if not condition:
        raise refusal
