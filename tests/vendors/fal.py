"""fal: a queue whose jobs are completed for better or worse, and calls signed with Ed25519."""

import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from tests.vendors import pictures
from tests.vendors.peer import Answer, Handler, Order, Peer, Refusal, json_of, need

SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
CUT_OUTS = ("birefnet", "bria/background/remove")
USER = "github_1234"


class Fal(Peer):
    name = "fal"

    def __init__(self, **options: Any) -> None:
        self._signing = Ed25519PrivateKey.generate()
        super().__init__(**options)

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        job = "/{owner}/{app}/requests/{id}"
        return (
            ("poll", "GET", f"{job}/status", self._status),
            ("result", "GET", job, self._result),
            ("cancel", "PUT", f"{job}/cancel", self._cancel),
            ("order", "POST", "/{path:.+}", self._submit),
        )

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_get("/.well-known/jwks.json", self._jwks)
        return app

    @property
    def key_set_url(self) -> str:
        return f"{self.origin}/.well-known/jwks.json"

    def key_of(self, request: web.Request) -> str | None:
        word, _, key = request.headers.get("Authorization", "").partition(" ")
        return key if word == "Key" else None

    def bad_key(self, key: str | None) -> Refusal:
        return Refusal(401, {"detail": f"Cannot access application with key {key}"})

    def no_money(self) -> Refusal:
        return Refusal(403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai."})

    async def _submit(self, request: web.Request) -> Answer:
        path = request.match_info["path"]
        body = await json_of(request, _invalid("body", "not JSON"))
        need(isinstance(body, dict), _invalid("body", "not an object"))
        order = self.take(path, body, _made(path, body), request)
        order.id = str(uuid4())
        order.callback = request.query.get("fal_webhook")
        self.call_back(order)
        where = f"{self.origin}/{'/'.join(path.split('/')[:2])}/requests/{order.id}"
        shown = {"request_id": order.id, "response_url": where, "status": "IN_QUEUE", "queue_position": 0}
        return web.json_response(shown | {"status_url": f"{where}/status", "cancel_url": f"{where}/cancel"})

    def _known(self, request: web.Request) -> Order:
        order = self.find(request.match_info["id"], request)
        if order is None or not order.what.startswith("{owner}/{app}".format(**request.match_info)):
            raise Refusal(404, {"detail": "Request not found"})
        return order

    async def _status(self, request: web.Request) -> Answer:
        order = self._known(request)
        if not order.is_done:
            return web.json_response({"status": "IN_PROGRESS", "logs": None}, status=202)
        trouble = {"error": "the run failed", "error_type": "internal_error"} if order.ending == "failed" else {}
        return web.json_response({"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 0.1}} | trouble)

    async def _result(self, request: web.Request) -> Answer:
        order = self._known(request)
        need(order.is_done, Refusal(400, {"detail": "Request is still in progress"}))
        match order.ending:
            case "failed":
                raise Refusal(500, {"detail": "Internal error"}, **{"x-fal-error-type": "internal_error"})
            case "refused":
                raise _invalid("prompt", "flagged by a content checker", kind="content_policy_violation")
        return web.json_response(self._shown(order))

    def _shown(self, order: Order) -> dict[str, Any]:
        made = [] if order.ending == "empty" else order.pictures
        images = [{"url": self.link(one), "content_type": "image/png"} for one in made]
        if order.what.endswith((*CUT_OUTS, "esrgan")) and images:
            return {"image": images[0]}
        flags = [order.ending == "nsfw"] * len(images)
        return {"images": images, "seed": order.body.get("seed"), "has_nsfw_concepts": flags, "timings": {}}

    async def _cancel(self, request: web.Request) -> Answer:
        order = self._known(request)
        need(not order.is_done, Refusal(400, {"status": "ALREADY_COMPLETED"}))
        order.is_canceled = True
        return web.json_response({"status": "CANCELLATION_REQUESTED"}, status=202)

    async def _jwks(self, request: web.Request) -> Answer:
        public = urlsafe_b64encode(self._signing.public_key().public_bytes_raw()).decode().rstrip("=")
        return web.json_response({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": public}]})

    def webhook(self, order: Order) -> tuple[bytes, Mapping[str, str]]:
        body = orjson.dumps({"request_id": order.id, "status": "OK", "payload": self._shown(order)})
        now = str(int(time.time()))
        message = "\n".join([order.id, USER, now, sha256(body).hexdigest()])
        return body, {
            "X-Fal-Webhook-Request-Id": order.id,
            "X-Fal-Webhook-User-Id": USER,
            "X-Fal-Webhook-Timestamp": now,
            "X-Fal-Webhook-Signature": self._signing.sign(message.encode()).hex(),
        }


def _made(path: str, body: Mapping[str, Any]) -> list[bytes]:
    count = body.get("num_images", 1)
    need(body.get("output_format", "png") in ("png", "jpeg"), _invalid("output_format", "unknown"))
    if path.endswith(CUT_OUTS):
        return [pictures.cut_out(_picture(body, "image_url"))]
    if path.endswith("esrgan"):
        image = _picture(body, "image_url")
        return [pictures.resized(image, image.width * body["scale"], image.height * body["scale"])]
    need(body.get("prompt"), _invalid("prompt", "field required"))
    if path.endswith("/fill"):
        image, mask = _picture(body, "image_url"), _picture(body, "mask_url")
        need(mask.size == image.size, _invalid("mask_url", "size"))
        return [pictures.repainted(image, mask)]
    if path.endswith("image-to-image"):
        image = _picture(body, "image_url")
        return [pictures.resized(image, *image.size)] * count
    return [pictures.drawn(*_size(body))] * count


def _size(body: Mapping[str, Any]) -> tuple[int, int]:
    match body.get("image_size", "landscape_4_3"), body.get("aspect_ratio"):
        case _, str(ratio) if re.fullmatch(r"\d+:\d+", ratio):
            return pictures.of_ratio(ratio)
        case str(name), _ if name in SIZES:
            return SIZES[name]
        case {"width": int(width), "height": int(height)}, _:
            return width, height
    raise _invalid("image_size", "unknown")


def _picture(body: Mapping[str, Any], field: str) -> Image.Image:
    try:
        return pictures.from_uri(body.get(field))
    except pictures.NoPicture:
        raise _invalid(field, "could not be read", kind="file_download_error") from None


def _invalid(field: str, message: str, *, kind: str = "value_error") -> Refusal:
    return Refusal(422, {"detail": [{"loc": ["body", field], "msg": message, "type": kind}]})
