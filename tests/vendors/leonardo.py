"""Leonardo: jobs on uploaded pictures, which go to a store that takes no key."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from tests.vendors import pictures, specs
from tests.vendors.peer import Answer, Handler, Order, Peer, Refusal, json_of, need

COST = {"apiCreditCost": None, "cost": {"amount": "0.0205", "unit": "DOLLARS"}}
PERMIT = {"key": "uploads/1", "policy": "eyJleHBpcmF0aW9uIjoi"}


class Leonardo(Peer):
    name = "leonardo"
    prefix = "/api/rest/v1"

    def mend(self) -> None:
        super().mend()
        self._uploads: dict[str, bytes] = {}

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        v1 = self.prefix
        return (
            ("order", "POST", f"{v1}/generations", self._generate),
            ("order", "POST", f"{v1}/variations/universal-upscaler", self._upscale),
            ("poll", "GET", f"{v1}/generations/{{id}}", self._generation),
            ("poll", "GET", f"{v1}/variations/{{id}}", self._variation),
            ("upload", "POST", f"{v1}/init-image", self._permit),
            ("account", "GET", f"{v1}/me", self._me),
        )

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_post("/store/{id}", self._store)
        return app

    def bad_key(self, key: str | None) -> Refusal:
        return Refusal(401, {"error": f"Invalid response from authorization hook for {key}", "code": "access-denied"})

    def no_money(self) -> Refusal:
        return Refusal(400, {"error": "not enough api tokens", "path": "$", "code": "unexpected"})

    async def _body(self, request: web.Request, path: str) -> Any:
        body = await json_of(request, _error("not JSON"))
        if told := specs.complaint("leonardo.json", path, body):
            self.complaints.append(told)
            raise _error(told)
        return body

    async def _generate(self, request: web.Request) -> Answer:
        body = await self._body(request, "/generations")
        width, height = body.get("width", 1024), body.get("height", 768)
        for side in (width, height):
            need(32 <= side <= 1536 and side % 8 == 0, _error("Invalid width or height"))
        need(body.get("prompt"), _error("prompt is required"))
        need(body.get("seed", 0) <= 2147483637, _error("Invalid seed"))
        if "init_image_id" in body:
            made = pictures.resized(pictures.read(self._uploaded(body["init_image_id"])), width, height)
        else:
            made = pictures.drawn(width, height)
        if self.endings and self.endings[0] == "refused":  # and nothing is billed
            self.endings.popleft()
            raise _error("prompt was blocked by the content moderation filter")
        order = self.take("generations", body, [made] * body.get("num_images", 4), request)
        return web.json_response({"sdGenerationJob": {"generationId": order.id, **COST}})

    async def _upscale(self, request: web.Request) -> Answer:
        body = await self._body(request, "/variations/universal-upscaler")
        need(1 <= body.get("upscaleMultiplier", 1.5) <= 2, _error("Invalid upscaleMultiplier"))
        image = pictures.read(self._uploaded(body.get("initImageId", "")))
        factor = body.get("upscaleMultiplier", 1.5)
        made = pictures.resized(image, round(image.width * factor), round(image.height * factor))
        order = self.take("upscale", body, [made], request)
        return web.json_response({"universalUpscaler": {"id": order.id, **COST}})

    def _uploaded(self, image_id: str) -> bytes:
        content = self._uploads.get(image_id)
        if not content:
            raise _error("init image not found")
        return content

    async def _generation(self, request: web.Request) -> Answer:
        order = self.find(request.match_info["id"], request)
        if order is None:
            return web.json_response({"generations_by_pk": None})
        images = [self._image(order, one) for one in order.pictures] if _state(order) == "COMPLETE" else []
        shown = {"id": order.id, "status": _state(order), "generated_images": images, "seed": order.body.get("seed")}
        return web.json_response({"generations_by_pk": shown})

    async def _variation(self, request: web.Request) -> Answer:
        order = self.find(request.match_info["id"], request)
        if order is None:
            return web.json_response({"generated_image_variation_generic": []})
        shown = {"id": order.id, "status": _state(order), "transformType": "UPSCALE"}
        if order.is_done:
            shown["url"] = self.link(order.pictures[0])
        return web.json_response({"generated_image_variation_generic": [shown]})

    def _image(self, order: Order, content: bytes) -> Mapping[str, Any]:
        return {"id": uuid4().hex, "url": self.link(content), "nsfw": order.ending == "nsfw"}

    async def _permit(self, request: web.Request) -> Answer:
        body = await self._body(request, "/init-image")
        need(body.get("extension") in ("png", "jpg", "jpeg", "webp"), _error("Invalid extension"))
        image_id = str(uuid4())
        self._uploads[image_id] = b""
        where = {"id": image_id, "url": f"{self.origin}/store/{image_id}", "key": "uploads/1"}
        return web.json_response({"uploadInitImage": where | {"fields": orjson.dumps(PERMIT).decode()}})

    async def _store(self, request: web.Request) -> Answer:
        """Of another host in truth: it takes the permit, and no key."""
        form = await request.post()
        *_, (last, part) = form.items()
        permitted = {name: value for name, value in form.items() if isinstance(value, str)} == PERMIT
        image_id = request.match_info["id"]
        if "Authorization" in request.headers:
            self.complaints.append("a key was sent to the store of uploads")
        if not permitted or last != "file" or not isinstance(part, web.FileField) or image_id not in self._uploads:
            return web.Response(status=403, text="<Error/>", content_type="text/xml")
        self._uploads[image_id] = part.file.read()
        return web.Response(status=204)

    async def _me(self, request: web.Request) -> Answer:
        return web.json_response({"user_details": [{"apiSubscriptionTokens": 3500, "apiPaidTokens": None}]})


def _state(order: Order) -> str:
    if not order.is_done:
        return "PENDING"
    return "FAILED" if order.ending == "failed" else "COMPLETE"


def _error(text: str) -> Refusal:
    return Refusal(400, {"error": text, "path": "$", "code": "unexpected"})
