"""Customers: they order, retry with the same key, wait, cancel, order again, and remember every answer they got."""

import asyncio
import io
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from tests.chaos.chaosco import MODELS

AT_ONCE = 16
ANSWER_SECONDS = 15.0
PATIENCE_SECONDS = 150.0
"""How long on end one request is repeated before the customer says that nobody answers."""
IN_FLIGHT = "409 idempotency_key_in_flight"
ENDED = ("succeeded", "failed", "canceled")


@dataclass(slots=True)
class Order:
    """One wish, and what was heard of it. `number` is in the task's metadata."""

    number: str
    customer: int
    mode: str
    key: str | None
    body: dict[str, Any]
    items: int = 0
    """Of a batch: how many can be done; there may be a bad one besides."""
    copies: int = 1
    """Sent so many times at once, as clients do that lose patience."""
    posts: int = 0
    task_ids: set[str] = field(default_factory=set)
    """Of a batch: the ids of batches."""
    refused: str | None = None
    gave_up: str | None = None
    retries: int = 0
    end: str | None = None

    @property
    def task_id(self) -> str | None:
        return next(iter(self.task_ids), None)

    @property
    def path(self) -> str:
        return "/v1/batches" if self.items else "/v1/tasks"


@dataclass
class Customer:
    number: int
    random: Random
    live: httpx.AsyncClient
    test: httpx.AsyncClient
    pictures: dict[str, str] = field(default_factory=dict)


@dataclass
class Market:
    """All customers of a run, what they ordered, and what surprised them."""

    url: str
    random: Random
    customers: list[Customer] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    longest: tuple[float, str] = (0, "")
    """How long somebody had to repeat a request, and what they heard meanwhile."""
    operations: set[str] = field(default_factory=set)
    has_batches: bool = False
    in_flight_seconds: float = PATIENCE_SECONDS
    """How long on end a key may be claimed by a process that died: such a claim is free again after 90 s."""

    async def open(self, keys: list[tuple[str, str]]) -> None:
        def client(key: str) -> httpx.AsyncClient:
            limits = httpx.Limits(max_connections=200, max_keepalive_connections=4)
            return httpx.AsyncClient(
                base_url=self.url, headers={"X-API-Key": key}, timeout=ANSWER_SECONDS, limits=limits
            )

        for number, (live, test) in enumerate(keys):
            customer = Customer(number, Random(self.random.random()), client(live), client(test))
            for mode, caller in (("live", customer.live), ("test", customer.test)):
                answer = await caller.post("/v1/assets", files={"file": ("photo.png", _photo(number))})
                assert answer.status_code == 201, answer.text
                customer.pictures[mode] = answer.json()["id"]
            self.customers.append(customer)
        listed = await self.customers[0].live.get("/v1/operations")
        self.operations = {operation["name"] for operation in listed.json()["data"]}
        self.has_batches = (await self.customers[0].live.get("/v1/batches")).status_code == 200

    async def close(self) -> None:
        for customer in self.customers:
            await customer.live.aclose()
            await customer.test.aclose()

    async def shop(self, customer: Customer, enough: Callable[[], bool]) -> None:
        """Order, look after what was ordered, again; until there is enough."""
        while not enough():
            batch = [self._order(customer) for _ in range(customer.random.choice((1, 2, 4)))]
            await asyncio.gather(*(self._place(customer, order) for order in batch))
            for order in batch:
                if order.task_id:
                    await self._look_after(customer, order)

    def _order(self, customer: Customer) -> Order:
        random = customer.random
        mode = "live" if random.random() < 0.7 else "test"
        image = customer.pictures[mode]
        dice = random.random()
        extra: dict[str, Any] = {}
        operation, values = "upscale", {"image": image, "scale": 2}
        if mode == "test" and dice < 0.03:  # in-house work, whatever the key
            operation, values = "transform_image", {"image": image, "width": 24, "flip": "both"}
        elif "text_to_image" in self.operations and dice < 0.5:
            operation, values = "text_to_image", {"prompt": f"a boat, number {random.randrange(10**6)}"}
        if mode == "live":
            model = random.choice((*MODELS, "auto"))
            extra = {"model": model} | ({"routing": {"fallback": random.random() < 0.5}} if model == "auto" else {})
        number, has_key = uuid4().hex, random.random() < 0.7
        items = random.choice((2, 3, 8)) if self.has_batches and random.random() < 0.04 else 0
        if items:
            wanted: list[dict[str, Any]] = [{"input": {}} for _ in range(items)]
            if random.random() < 0.3:
                wanted.append({"input": {"no_such_field": True}})
            extra |= {"items": wanted, "defaults": values}
        else:
            extra["input"] = values
        return Order(
            number=number,
            customer=customer.number,
            mode=mode,
            key=f"order-{number}" if has_key else None,
            copies=2 if has_key and random.random() < 0.15 else 1,
            body={"operation": operation, "metadata": {"order": number}, **extra},
            items=items,
        )

    async def _place(self, customer: Customer, order: Order) -> None:
        self.orders.append(order)
        await asyncio.gather(*(self._post(customer, order) for _ in range(order.copies)))
        self.accepted += bool(order.task_ids) * max(order.items, 1)

    async def repeat(self) -> None:
        """At the end, ask again for whatever had a key and was not refused: the same answer, or the first one."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def again(order: Order) -> None:
            async with gate:
                await self._post(self.customers[order.customer], order)

        await asyncio.gather(*(again(order) for order in self.orders if order.key and not order.refused))

    async def _post(self, customer: Customer, order: Order) -> None:
        headers = {"Idempotency-Key": order.key} if order.key else {}

        def count() -> None:
            order.posts += 1

        answer = await self._persist(
            customer, order.mode, "POST", order.path, order.key is not None, count, json=order.body, headers=headers
        )
        if isinstance(answer, str):
            order.gave_up = answer
            return
        if answer.status_code == 202:
            order.task_ids.add(answer.json()["id"])
            order.gave_up = None
            return
        order.refused = _code(answer)
        if answer.status_code not in (402, 429):
            self.breaches.append(f"an order was answered {answer.status_code} {order.refused}: {answer.text[:300]}")

    async def _persist(
        self,
        customer: Customer,
        mode: str,
        method: str,
        path: str,
        repeats: bool,
        count: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> httpx.Response | str:
        """The answer; or, in words, why there is none. Repeated only where that is safe: GETs, and by the same key."""
        caller = customer.live if mode == "live" else customer.test
        pause, last, heard = 0.1, "nothing", Counter[str]()
        began = since = time.monotonic()
        while True:
            count()
            before = last
            try:
                answer = await caller.request(method, path, **options)
            except httpx.TransportError as fault:
                last = type(fault).__name__
                self.answers[f"{method} {last}"] += 1
            else:
                self.answers[f"{method} {answer.status_code}"] += 1
                if answer.status_code in (500, 502, 504):
                    self.breaches.append(f"{method} {_route(path)} was answered {answer.status_code}: {answer.text}")
                if answer.status_code == 503 and "retry-after" not in answer.headers:
                    self.breaches.append(f"{method} {_route(path)} was answered 503 without Retry-After")
                last = f"{answer.status_code} {_code(answer)}"
                if answer.status_code < 500 and last != IN_FLIGHT:
                    return answer
            if not repeats:
                return last
            heard[last] += 1
            self.longest = max(self.longest, (time.monotonic() - began, f"{method} {_route(path)}: {dict(heard)}"))
            if (last == IN_FLIGHT) != (before == IN_FLIGHT):
                since = time.monotonic()  # each process that dies with the key leaves it claimed anew
            limit = self.in_flight_seconds if last == IN_FLIGHT else PATIENCE_SECONDS
            if time.monotonic() - since > limit:
                if limit >= PATIENCE_SECONDS:
                    self.breaches.append(f"{method} {_route(path)} had no answer within {limit:g} s: {dict(heard)}")
                return last
            await asyncio.sleep(pause * customer.random.uniform(0.7, 1.3))
            pause = min(pause * 2, 2.0)

    async def _look_after(self, customer: Customer, order: Order) -> None:
        dice = customer.random.random()
        path = f"{order.path}/{order.task_id}"
        if dice < 0.08:
            answer = await self._persist(customer, order.mode, "POST", f"{path}/cancel", True)
            if isinstance(answer, httpx.Response):
                if answer.status_code == 200 and not order.items:
                    order.end = "canceled"
                    await self._perhaps_again(customer, order, order.task_id)
                elif answer.status_code not in (200, 409):
                    self.breaches.append(f"a cancel was answered {answer.status_code} {_code(answer)}")
        elif dice < 0.5:
            answer = await self._persist(
                customer, order.mode, "GET", path, True, params={"wait": customer.random.choice((1, 3))}
            )
            if isinstance(answer, httpx.Response):
                await self._read(customer, order, answer)

    async def _read(self, customer: Customer, order: Order, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            self.breaches.append(f"an accepted task was answered {answer.status_code} {_code(answer)}")
            return
        if order.items:
            ended = [item["task_id"] for item in answer.json()["items"] if item["status"] in ("failed", "canceled")]
            for task_id in filter(None, ended[:2]):
                await self._perhaps_again(customer, order, task_id)
            return
        status = answer.json()["status"]
        if status in ENDED:
            order.end = status
        if status in ("failed", "canceled"):
            await self._perhaps_again(customer, order, order.task_id)

    async def _perhaps_again(self, customer: Customer, order: Order, task_id: str | None) -> None:
        """Every other one is not content with such an end."""
        if customer.random.random() < 0.5:
            key = {"Idempotency-Key": f"again-{uuid4().hex}"}
            path = f"/v1/tasks/{task_id}/retry"
            again = await self._persist(customer, order.mode, "POST", path, True, headers=key)
            order.retries += isinstance(again, httpx.Response) and again.status_code == 202
            order.end = None  # or it is not known whether it was begun again


def _photo(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 24), (number * 16 % 256, 90, 120)).save(file, "PNG")
    return file.getvalue()


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code"))
    except ValueError:
        return answer.text[:80]


def _route(path: str) -> str:
    return "/".join("{id}" if part.startswith(("task_", "batch_")) else part for part in path.split("/"))
