"""A midjourney-proxy: results are told by codes, a job makes a grid, and its pictures are further jobs."""

import re
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from tests.vendors import pictures
from tests.vendors.peer import Answer, Handler, Order, Peer, Refusal, json_of, need

RATIO = re.compile(r"--ar (\d+:\d+)")


class Midjourney(Peer):
    name = "midjourney"
    prefix = "/mj"

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        return (
            ("order", "POST", "/mj/submit/imagine", self._imagine),
            ("change", "POST", "/mj/submit/change", self._change),
            ("poll", "GET", "/mj/task/{id}/fetch", self._fetch),
            ("find", "GET", "/mj/task/list", self._list),
            ("cancel", "POST", "/mj/task/{id}/cancel", self._cancel),
            ("account", "GET", "/mj/task/queue", self._queue),
        )

    def mend(self) -> None:
        super().mend()
        self._changes: dict[str, Order] = {}

    def key_of(self, request: web.Request) -> str | None:
        return request.headers.get("mj-api-secret")

    def bad_key(self, key: str | None) -> Refusal:
        return Refusal(401, {"description": f"wrong secret {key}"})

    async def _imagine(self, request: web.Request) -> Answer:
        body = await json_of(request, _told(4, "not JSON"))
        need(body.get("prompt"), _told(4, "prompt is empty"))
        if self.endings and self.endings[0] == "refused":
            self.endings.popleft()
            raise _told(24, "the prompt has banned words")
        for picture in body.get("base64Array", ()):
            try:
                pictures.from_uri(picture)
            except pictures.NoPicture:
                raise _told(4, "base64Array is wrong") from None
        shape = RATIO.search(body["prompt"])
        grid = pictures.drawn(*pictures.of_ratio(shape[1] if shape else "1:1"))
        order = self.take("imagine", body, [grid], request)
        order.callback = body.get("notifyHook")
        self.call_back(order)
        return web.json_response({"code": 1, "description": "ok", "result": order.id, "properties": {}})

    async def _change(self, request: web.Request) -> Answer:
        body = await json_of(request, _told(4, "not JSON"))
        grid = self.find(str(body.get("taskId")), request)
        if grid is None or not grid.is_done:
            raise _told(3, "no such task")
        need(body.get("action") == "UPSCALE" and body.get("index") in range(1, 5), _told(4, "index"))
        name = f"{grid.id}u{body['index']}"
        code = 21 if name in self._changes else 1
        self._changes[name] = Order("upscale", body, grid.pictures, id=name)
        return web.json_response({"code": code, "description": "ok", "result": name, "properties": {}})

    async def _fetch(self, request: web.Request) -> Answer:
        name = request.match_info["id"]
        order = self._changes.get(name) or self.find(name, request)
        return web.json_response(None if order is None else self._shown(order))

    async def _list(self, request: web.Request) -> Answer:
        key = self.key_of(request)
        return web.json_response([self._shown(order) for order in self.orders if order.key == key])

    async def _cancel(self, request: web.Request) -> Answer:
        order = self.find(request.match_info["id"], request)
        if order is None:
            raise _told(3, "no such task")
        order.is_canceled = True
        return web.json_response({"code": 1, "description": "ok"})

    async def _queue(self, request: web.Request) -> Answer:
        return web.json_response([])

    def _shown(self, order: Order) -> dict[str, Any]:
        shown = {"id": order.id, "action": order.what.upper(), "state": order.body.get("state"), "failReason": None}
        if order.is_canceled:
            return shown | {"status": "CANCEL"}
        if not order.is_done:
            return shown | {"status": "IN_PROGRESS", "progress": "42%", "imageUrl": self.link(order.pictures[0])}
        match order.ending:
            case "failed":
                return shown | {"status": "FAILURE", "failReason": "timeout of discord"}
            case "nsfw":
                return shown | {"status": "FAILURE", "failReason": "Sensitive content was found by the moderator"}
        return shown | {"status": "SUCCESS", "progress": "100%", "imageUrl": self.link(order.pictures[0])}


def _told(code: int, description: str) -> Refusal:
    """Its refusals have status 200 too."""
    return Refusal(200, {"code": code, "description": description, "result": None, "properties": {}})
