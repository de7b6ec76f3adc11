"""Shortcuts past the framework: the same answers, for less."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from app.core import answers, hot
from app.core.bodies import BodyGuard
from app.core.hot import Hot, HotRoutes
from app.core.problems import NotFound


class Order(BaseModel):
    size: int


async def read(request: Request) -> Response | None:
    match request.path_params["thing_id"]:
        case "none":
            raise NotFound("No such thing.")
        case "crash":
            raise RuntimeError("hunter2")
        case "odd":
            return None
        case known:
            return Response(f"short {known}")


async def make(request: Request) -> Response | None:
    order = await hot.read_json(request, Order)
    return order and Response(f"short {order.size}")


@pytest.fixture
async def caller() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()

    @app.get("/things/{thing_id}")
    async def get_thing(thing_id: str) -> str:
        return f"long {thing_id}"

    @app.post("/things")
    async def make_thing(order: Order) -> str:
        return f"long {order.size}"

    @app.get("/things/{thing_id}/parts")
    async def list_parts(thing_id: str) -> str:
        return f"long parts of {thing_id}"

    routes = HotRoutes()
    routes.add("GET", "/things/{thing_id}", read)
    routes.add("GET", "/things/{thing_id}/parts", read)
    routes.add("POST", "/things", make)
    app.add_middleware(Hot, routes=routes)
    app.add_middleware(BodyGuard, max_bytes=100, max_bytes_at={})
    answers.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as caller:
        yield caller


async def test_a_parameter_may_stand_last_but_one(caller: httpx.AsyncClient) -> None:
    assert (await caller.get("/things/x/parts")).text == "short x"
    assert (await caller.get("/things/odd/parts")).json() == "long parts of odd"
    for path in ("/things/x/y/parts", "/things/x/part", "/parts"):
        assert (await caller.get(path)).status_code == 404


async def test_a_shortcut_answers_or_leaves_it_to_the_route(caller: httpx.AsyncClient) -> None:
    assert (await caller.get("/things/x")).text == "short x"
    assert (await caller.get("/things/odd")).json() == "long odd"
    assert (await caller.get("/things/x/y")).json()["code"] == "not_found"
    assert (await caller.put("/things/x")).json()["code"] == "method_not_allowed"


async def test_what_a_shortcut_raises_is_answered_like_anything(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/things/none")
    assert (answer.status_code, answer.json()["detail"]) == (404, "No such thing.")
    answer = await caller.get("/things/crash")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text


JSON = {"Content-Type": "application/json"}


async def test_a_body_the_shortcut_has_read_is_there_for_the_route(caller: httpx.AsyncClient) -> None:
    assert (await caller.post("/things", content=b'{"size": 1}', headers=JSON)).text == "short 1"
    form = {"Content-Type": "application/vnd.order+json"}
    assert (await caller.post("/things", content=b'{"size": 1}', headers=form)).json() == "long 1"
    answer = await caller.post("/things", content=b'{"size": "x"}', headers=JSON)
    assert answer.json()["errors"][0]["pointer"] == "/size"
    answer = await caller.post("/things", content=b"{", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    answer = await caller.post("/things", content=b'{"size": 1}' + b" " * 100, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
