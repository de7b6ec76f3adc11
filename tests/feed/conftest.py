"""Events of a customer, published as they happen."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.events import service as events
from app.events.publisher import Publisher
from tests.conftest import Account


@dataclass
class Message:
    """A server-sent event; without data it only says where the stream is."""

    id: str | None = None
    event: str | None = None
    data: Any = None


@dataclass
class Reader:
    """Reads a stream of server-sent events message by message, as an EventSource does."""

    answer: httpx.Response
    last_id: str | None = None
    comments: list[str] = field(default_factory=list)

    async def messages(self) -> AsyncIterator[Message]:
        now = Message()
        async for line in self.answer.aiter_lines():
            name, _, value = line.partition(": ")
            match name:
                case "" if value:
                    self.comments.append(value)
                case "":
                    self.last_id = now.id or self.last_id
                    if now.id or now.event:
                        yield now
                    now = Message()
                case "id":
                    now.id = value
                case "event":
                    now.event = value
                case "data":
                    now.data = json.loads(value)

    async def next(self, number: int) -> list[Message]:
        """So many with data."""
        found: list[Message] = []
        async for message in self.messages():
            if message.event:
                found.append(message)
            if len(found) == number:
                return found
        return found


@asynccontextmanager
async def stream(
    client: httpx.AsyncClient, path: str = "/v1/events/stream", *, last: str | None = None, **params: Any
) -> AsyncIterator[Reader]:
    """A stream that is open: it has said where it begins."""
    headers = {"Last-Event-ID": last} if last else {}
    async with client.stream("GET", path, params=params, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield Reader(answer)


@dataclass
class Teller:
    """Makes events of a customer's."""

    database: Database
    account: Account
    publisher: Publisher

    async def tell(self, number: int = 1, type_: str = "api_key.created", mode: str = "live", **data: Any) -> None:
        for _ in range(number):
            async with self.database.transaction() as session:
                events.record(session, type_, workspace_id=self.account.workspace_id, mode=mode, data=data)
        await self.publisher.publish()


@pytest.fixture
async def teller(settings: Settings, database: Database, account: Account) -> Teller:
    teller = Teller(database, account, Publisher(database, database.redis))
    await teller.publisher.publish()
    return teller
