"""A vendor on this machine, asked over real HTTP, whose keys can go bad; and operators' commands."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson
from click.testing import Result
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli import cli
from app.core.db import Database
from app.core.settings import Providers
from tests.generation.scripted import png

Command = Callable[..., Awaitable[Result]]
TABLES = "provider_models, provider_settings, model_aliases, provider_keys, provider_probes"


async def backlot(*words: str) -> Result:
    """In this process, which has the settings; in a thread, since it runs a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, cli, list(words))


async def forget_all(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text(f"truncate {TABLES}"))


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)


@dataclass
class Vendor:
    """Speaks as Runware does. `orders` are what it was asked to make, with the key each came with."""

    url: str = ""
    bad: set[str] = field(default_factory=set)
    broke: set[str] = field(default_factory=set)
    orders: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)

    def providers(self, *keys: str) -> Providers:
        secrets = tuple(map(SecretStr, keys))
        return Providers(enabled=("runware",), keys={"runware": secrets}, urls={"runware": self.url}, breaker_seconds=0)

    def answer(self, key: str, task: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if task["taskType"] == "accountManagement":
            self.greetings.append(key)
        if key in self.bad:
            return 401, {"errors": [{"code": "invalidApiKey"}]}
        if task["taskType"] == "accountManagement":
            return 200, {"data": [{"balance": 12.5}]}
        if key in self.broke:
            return 402, {"errors": [{"code": "insufficientCredits"}]}
        self.orders.append((key, task))
        return 200, {"data": [{"taskUUID": task["taskUUID"], "imageBase64Data": b64encode(png()).decode()}]}


@contextmanager
def vendor() -> Iterator[Vendor]:
    asked = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            [task] = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
            status, body = asked.answer(self.headers["authorization"].removeprefix("Bearer "), task)
            content = orjson.dumps(body)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        asked.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield asked
        server.shutdown()
