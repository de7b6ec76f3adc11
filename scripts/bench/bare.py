"""Bare routes: what FastAPI and asyncpg cost when they do nothing but the same statement. The product's limit.

Served as the product is: uvicorn, uvloop, one process, the same settings of the garbage collector.
"""

import gc
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, Header, Request, Response

from app.core.db import DIRECT_PLANS
from app.core.ids import new_id
from app.generation import queries
from app.generation.schemas import TaskCreate


class _Connection(asyncpg.Connection):
    def get_reset_query(self) -> str:
        return ""


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    pool = await asyncpg.create_pool(
        os.environ["BACKLOT_DATABASE_URL"], max_size=10, connection_class=_Connection, server_settings=DIRECT_PLANS
    )
    app.state.pool = pool
    has_orders = await pool.fetchval("select to_regclass('bench_orders') is not null")
    entries = await pool.fetch("select entry from bench_orders order by n") if has_orders else []
    app.state.entries = [json.loads(row["entry"]) for row in entries]
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    yield
    await pool.close()


app = FastAPI(lifespan=_life)


@app.get("/")
async def up() -> str:
    return "up"


@app.post("/same-body", status_code=202)
async def same_body(order: TaskCreate) -> Response:
    """The order is checked, and nothing is done."""
    return Response(b'{"status": "pending"}', 202, media_type="application/json")


@app.post("/same-statement", status_code=202)
async def same_statement(
    order: TaskCreate,
    request: Request,
    customer: Annotated[int, Header(alias="X-Customer")],
    key: Annotated[str, Header(alias="Idempotency-Key")],
) -> Response:
    """One `submit_tasks` for one order."""
    fresh = {"id": new_id(), "hold_id": new_id(), "event_id": new_id(), "key": key}
    argument = orjson.dumps([request.app.state.entries[customer] | fresh]).decode()
    [row] = await request.app.state.pool.fetch(queries.SUBMIT, argument)
    assert row["outcome"] == "accepted", row
    return Response(orjson.dumps(dict(row), default=str), 202, media_type="application/json")


@app.get("/same-row/{task_id}")
async def same_row(task_id: UUID, request: Request) -> Response:
    """The task's row."""
    row = await request.app.state.pool.fetchrow("select * from tasks where id = $1", task_id)
    return Response(orjson.dumps(dict(row), default=str), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
