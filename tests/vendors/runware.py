"""Runware: one address that takes a list of tasks, each named by the customer."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from PIL import Image

from tests.vendors import pictures
from tests.vendors.peer import Answer, Handler, Order, Peer, Refusal, need

KINDS = {"getResponse": "poll", "accountManagement": "account"}
COST = 0.0064
LEAST, MOST, MULTIPLE = 512, 2048, 64


class Runware(Peer):
    name = "runware"
    prefix = "/v1"

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        return (("order", "POST", "/v1", self._take),)

    async def serve(self, kind: str, request: web.Request, handler: Handler) -> Answer:
        if kind == "order":
            try:
                [task, *_] = orjson.loads(await request.read())
                kind = KINDS.get(task["taskType"], kind)
            except (ValueError, KeyError, TypeError):
                return _error("invalidRequest", "Not a list of tasks.").answer()
        return await super().serve(kind, request, handler)

    def bad_key(self, key: str | None) -> Refusal:
        return _error("invalidApiKey", f"Invalid API key {key}. Get one at https://runware.ai", status=401)

    def no_money(self) -> Refusal:
        return _error("insufficientCredits", "Insufficient credits.", status=402)

    async def _take(self, request: web.Request) -> Answer:
        answers = [self._answer(task, request) for task in orjson.loads(await request.read())]
        return web.json_response({"data": [item for answer in answers for item in answer]})

    def _answer(self, task: Mapping[str, Any], request: web.Request) -> list[dict[str, Any]]:
        name = str(task.get("taskUUID"))
        match task["taskType"]:
            case "accountManagement":
                return [{"taskType": "accountManagement", "taskUUID": name, "balance": 12.5}]
            case "getResponse":
                order = self.find(name, request)
                if order is None:
                    raise _error("taskNotFound", "No such task.", parameter="taskUUID")
                return self._items(order)
        need(_is_v4(name), _error("invalidTaskUUID", "Not a UUID v4.", parameter="taskUUID"))
        need(self.find(name, request) is None, _error("conflictTaskUUID", "It was used.", parameter="taskUUID"))
        if self.endings and self.endings[0] == "refused":
            self.endings.popleft()
            raise _error("contentPolicyViolation", "The prompt was blocked.", parameter="positivePrompt")
        order = self.take(task["model"], task, _made(task), request)
        order.id, order.callback = name, task.get("webhookURL")
        self.call_back(order)
        if task.get("deliveryMethod") == "async":
            return [{"taskType": task["taskType"], "taskUUID": name}]
        return self._items(order)

    def _items(self, order: Order) -> list[dict[str, Any]]:
        shown = {"taskType": order.body["taskType"], "taskUUID": order.id}
        if not order.is_done:
            return [shown | {"status": "processing", "progress": 40}]
        if order.ending == "failed":
            return [shown | {"status": "error", "error": {"code": "inferenceError", "message": "It broke."}}]
        told = {"status": "success", "NSFWContent": order.ending == "nsfw"}
        if order.body.get("includeCost"):
            told["cost"] = COST
        return [shown | told | self._file_of(order, one) for one in order.pictures]

    def _file_of(self, order: Order, content: bytes) -> dict[str, str]:
        if order.body.get("outputType", "URL") == "URL":
            return {"imageURL": self.link(content)}
        return {"imageBase64Data": b64encode(content).decode()}

    def webhook(self, order: Order) -> tuple[bytes, Mapping[str, str]]:
        return orjson.dumps({"data": self._items(order)}), {}


def _made(task: Mapping[str, Any]) -> list[bytes]:
    match task["taskType"]:
        case "removeBackground":
            image = _picture(task.get("inputs", {}), "image")
            settings = task.get("settings", {})
            need(set(settings.get("rgba", [])) <= set(range(256)), _error("invalidRgba", "rgba", parameter="rgba"))
            made = pictures.cut_out(image)
            if settings.get("returnOnlyMask"):
                made = pictures.png(pictures.read(made).getchannel("A"))
            return [made]
        case "upscale":
            image, factor = _picture(task.get("inputs", {}), "image"), task.get("upscaleFactor")
            need(factor in (2, 4), _error("invalidUpscaleFactor", "2 or 4.", parameter="upscaleFactor"))
            return [pictures.resized(image, image.width * factor, image.height * factor)]
        case "imageInference":
            return _inferred(task) * task.get("numberResults", 1)
    raise _error("invalidTaskType", "Unknown.", parameter="taskType")


def _inferred(task: Mapping[str, Any]) -> list[bytes]:
    prompt = task.get("positivePrompt", "")
    need(2 <= len(prompt) <= 3000, _error("invalidPositivePrompt", "2 to 3000.", parameter="positivePrompt"))
    for side in ("width", "height"):
        fits = isinstance(task.get(side), int) and LEAST <= task[side] <= MOST and task[side] % MULTIPLE == 0
        need(fits, _error(f"invalid{side.title()}", "A multiple of 64.", parameter=side))
    if "seedImage" not in task:
        return [pictures.drawn(task["width"], task["height"])]
    image = _picture(task, "seedImage")
    if "maskImage" in task:
        made = pictures.repainted(image, _picture(task, "maskImage").resize(image.size))
    elif sides := task.get("outpaint"):
        made = pictures.extended(image, sides["left"], sides["top"], sides["right"], sides["bottom"])
    else:
        made = pictures.png(image.convert("RGB"))
    return [pictures.resized(pictures.read(made), task["width"], task["height"])]


def _picture(task: Mapping[str, Any], field: str) -> Image.Image:
    try:
        return pictures.from_uri(task.get(field))
    except pictures.NoPicture:
        raise _error("invalidImage", "It could not be read.", parameter=field) from None


def _is_v4(text: str) -> bool:
    try:
        return UUID(text).version == 4
    except ValueError:
        return False


def _error(code: str, message: str, *, parameter: str | None = None, status: int = 400) -> Refusal:
    return Refusal(status, {"errors": [{"code": code, "message": message, "parameter": parameter}]})
