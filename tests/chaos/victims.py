"""A server of victims: each line on stdin is a piece of work, done by a fork of this process that may be killed in it.

All is imported before the first fork, so that a victim costs little more than its work. The answer to each line tells
how the victim ended, and, where it was not killed, each place it waited at.
"""

import asyncio
import json
import os
import sys
import warnings
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID

import httpx

from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.lane import Lane
from app.core.settings import Settings, get_settings
from app.generation import advance, failures, files
from app.generation.advance import Engine
from app.main import create_app
from app.providers.catalog import Catalog
from tests.chaos.awaits import Moment, Watch

WHOLE_SECONDS = 60
# Nobody need be kind to this vendor: what waits for seconds waits for moments.
WAITS = ((failures, "FIRST_DELAY_SECONDS"), (failures, "SHORTEST_POLL_SECONDS"), (files, "PAUSE_SECONDS"))
STATE = """
    select status in ('succeeded', 'failed', 'canceled') or (status = 'reconciling' and model like '%blind') as is_over,
           extract(epoch from wake_at - clock_timestamp())::float as seconds from tasks where id = $1
"""


class Lanes:
    """How much was done at once."""

    most = 0

    @classmethod
    def watch(cls) -> None:
        do = Lane._do

        def done(lane: Lane[Any, Any], batch: Sequence[Any]) -> Coroutine[Any, Any, None]:
            cls.most = max(cls.most, len(batch))
            return do(lane, batch)

        Lane._do = done  # type: ignore[assignment,method-assign]


async def _advance(settings: Settings, watch: Watch, task_ids: list[str]) -> None:
    """Be the worker that has these tasks, until nothing is due any more for a while."""
    redis = queue.connect(settings)
    database = Database(settings, redis)
    engine = Engine(settings, database, Catalog.load(settings), await AssetTools.open(settings))
    asyncio.get_running_loop().set_task_factory(watch.factory)  # type: ignore[arg-type]

    async def work(task_id: UUID) -> None:
        while True:
            await asyncio.create_task(advance.advance_task(engine, task_id))
            row = await database.fetchrow(STATE, task_id)
            if row is None or row["is_over"]:
                return
            await asyncio.sleep(max(row["seconds"], 0.01))

    await asyncio.gather(*(work(UUID(task_id)) for task_id in task_ids))


async def _post(settings: Settings, watch: Watch, key: str, orders: list[dict[str, Any]]) -> None:
    """Be the API process that gets these orders."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            asyncio.get_running_loop().set_task_factory(watch.factory)  # type: ignore[arg-type]

            async def post(path: str, idempotency_key: str, body: dict[str, Any]) -> None:
                headers = {"X-API-Key": key, "Idempotency-Key": idempotency_key}
                answer = await client.post(path, json=body, headers=headers)
                assert answer.status_code == 202, answer.text

            await asyncio.gather(*(asyncio.create_task(post(**order)) for order in orders))


WORKS = {"advance": _advance, "post": _post}


async def _work(watch: Watch, name: str, arguments: dict[str, Any]) -> None:
    async with asyncio.timeout(WHOLE_SECONDS):
        await WORKS[name](get_settings(), watch, **arguments)


def _fork(order: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            watch = Watch(Moment(**order["moment"]) if order["moment"] else None)
            runner = asyncio.Runner()  # never closed: nothing is tidied up
            runner.run(_work(watch, order["work"], order["arguments"]))
            os.write(writing, json.dumps({"seen": watch.seen, "most": Lanes.most}).encode())
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "seen": {}} | json.loads(told or "{}")


def main() -> None:
    warnings.simplefilter("ignore")
    for module, name in WAITS:
        setattr(module, name, 0.05)
    Lanes.watch()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what victims print is no answer
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_fork(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
