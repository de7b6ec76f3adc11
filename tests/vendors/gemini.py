"""Gemini: a turn of a conversation whose parts are pictures; what it refuses comes with status 200."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from tests.vendors import pictures, specs
from tests.vendors.peer import Answer, Handler, Order, Peer, Refusal, json_of, need

MODELS = {"gemini-3-pro-image", "gemini-3.1-flash-image", "gemini-2.5-flash-image"}
SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}


class Gemini(Peer):
    name = "gemini"
    prefix = "/v1beta"

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        return (
            ("order", "POST", "/v1beta/models/{call}", self._generate),
            ("account", "GET", "/v1beta/models", self._models),
        )

    def key_of(self, request: web.Request) -> str | None:
        return request.headers.get("x-goog-api-key")

    def bad_key(self, key: str | None) -> Refusal:
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
        return _error(400, "INVALID_ARGUMENT", f"API key {key} not valid.", details)

    def no_money(self) -> Refusal:
        quota = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
        return _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", [quota])

    async def _generate(self, request: web.Request) -> Answer:
        model, _, method = request.match_info["call"].partition(":")
        need(model in MODELS and method == "generateContent", _error(404, "NOT_FOUND", "No such model."))
        body = await json_of(request, _error(400, "INVALID_ARGUMENT", "Invalid JSON payload received."))
        if told := specs.complaint("gemini.json", "/models/{modelsId}:generateContent", body):
            self.complaints.append(told)
            raise _error(400, "INVALID_ARGUMENT", told)
        order = self.take(model, body, [_made(body)], request)
        return web.json_response(_shown(order))

    async def _models(self, request: web.Request) -> Answer:
        return web.json_response({"models": [{"name": f"models/{name}"} for name in sorted(MODELS)]})


def _made(body: Mapping[str, Any]) -> bytes:
    wrong = _error(400, "INVALID_ARGUMENT", "contents is not right.")
    match body:
        case {"contents": [{"role": "user", "parts": [*parts, {"text": str(text)}]}]} if text:
            pass
        case _:
            raise wrong
    config = body.get("generationConfig", {})
    need("IMAGE" in config.get("responseModalities", ()), wrong)
    for part in parts:
        try:
            pictures.read(b64decode(part["inlineData"]["data"], validate=True))
        except (pictures.NoPicture, ValueError, KeyError):
            raise _error(400, "INVALID_ARGUMENT", "Unable to process input image.") from None
    image = config.get("imageConfig", {})
    side = SIDES[image.get("imageSize", "1K")]
    return pictures.drawn(*pictures.of_ratio(image.get("aspectRatio", "1:1"), side * side))


def _shown(order: Order) -> dict[str, Any]:
    match order.ending:
        case "refused":
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        case "nsfw":
            return {"candidates": [{"index": 0, "finishReason": "IMAGE_SAFETY"}]}
        case "empty":
            return {"candidates": []}
    data = b64encode(order.pictures[0]).decode()
    parts = [{"text": "Here it is."}, {"inlineData": {"mimeType": "image/png", "data": data}}]
    return {"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}]}


def _error(status: int, name: str, message: str, details: list[dict[str, Any]] | None = None) -> Refusal:
    return Refusal(status, {"error": {"code": status, "message": message, "status": name, "details": details or []}})
