"""Together AI: pictures, and edits by models that take one along, in the answer."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from tests.vendors import pictures, specs
from tests.vendors.peer import Answer, Handler, Peer, Refusal, json_of, need

MODELS = {
    "black-forest-labs/FLUX.1-schnell": 16,
    "black-forest-labs/FLUX.1.1-pro": 32,
    "black-forest-labs/FLUX.1-kontext-pro": 32,
    "black-forest-labs/FLUX.1-kontext-max": 32,
}


class Together(Peer):
    name = "together"
    prefix = "/v1"

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        return (
            ("order", "POST", "/v1/images/generations", self._generate),
            ("account", "GET", "/v1/models", self._models),
        )

    def no_money(self) -> Refusal:
        return _error(402, "Credit limit exceeded.", code="credit_limit")

    async def _generate(self, request: web.Request) -> Answer:
        body = await json_of(request, _error(400, "Not JSON."))
        if told := specs.complaint("together.yaml", "/images/generations", body):
            self.complaints.append(told)
            raise _error(400, told)
        made = [_made(body)] * body.get("n", 1)
        if self.endings and self.endings[0] == "refused":
            self.endings.popleft()
            raise _error(422, "NSFW content was detected.", code="content_policy")
        order = self.take(body["model"], body, made, request)
        data: list[dict[str, Any]] = [
            {"index": number, "type": "url", "url": self.link(one)}
            if body.get("response_format", "url") == "url"
            else {"index": number, "type": "b64_json", "b64_json": b64encode(one).decode()}
            for number, one in enumerate(order.pictures)
        ]
        shown = [] if order.ending == "empty" else data
        return web.json_response({"id": order.id, "model": order.what, "object": "list", "data": shown})

    async def _models(self, request: web.Request) -> Answer:
        return web.json_response([{"id": name, "object": "model", "type": "image"} for name in MODELS])


def _made(body: Mapping[str, Any]) -> bytes:
    multiple = MODELS.get(body.get("model", ""))
    if multiple is None:
        raise _error(404, "Unable to access the model.", code="model_not_available")
    need(body.get("prompt"), _error(400, "It is required.", param="prompt"))
    pro = body["model"] != "black-forest-labs/FLUX.1-schnell"
    need(not (pro and "steps" in body), _error(400, "Not supported by this model.", param="steps"))
    need(body.get("steps", 4) <= 12, _error(400, "1 to 12.", param="steps"))
    width, height = body.get("width", 1024), body.get("height", 1024)
    need(width % multiple == height % multiple == 0, _error(400, f"A multiple of {multiple}.", param="width"))
    if "kontext" in body["model"]:
        try:
            image = pictures.from_uri(body.get("image_url"))
        except pictures.NoPicture:
            raise _error(400, "It could not be read.", param="image_url") from None
        return pictures.resized(image, width, height)
    return pictures.drawn(width, height)


def _error(status: int, message: str, *, param: str | None = None, code: str | None = None) -> Refusal:
    shown = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Refusal(status, {"error": shown})
