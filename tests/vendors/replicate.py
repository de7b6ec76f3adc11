"""Replicate: predictions, files for their inputs, results for an hour, and calls that are signed."""

import asyncio
import hmac
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web
from PIL import Image

from tests.vendors import pictures, specs
from tests.vendors.peer import Answer, Handler, Order, Peer, Refusal, json_of, need

VERSION = re.compile(r"[\w.-]+/[\w.-]+(:[0-9a-f]{64})?|[0-9a-f]{64}")
MOST_INLINE = 256_000
FILES = ("image", "mask", "input_image")
EVENTS = {"start", "output", "logs", "completed"}
PREFER = re.compile(r"wait(?:=(\d{1,2}))?")


class Replicate(Peer):
    name = "replicate"
    prefix = "/v1"
    webhook_secret = "whsec_" + b64encode(b"replicate-signs-with-this-32byte").decode()

    def mend(self) -> None:
        super().mend()
        self._uploads: dict[str, bytes] = {}

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        return (
            ("order", "POST", "/v1/predictions", self._create),
            ("poll", "GET", "/v1/predictions/{id}", self._get),
            ("cancel", "POST", "/v1/predictions/{id}/cancel", self._cancel),
            ("upload", "POST", "/v1/files", self._upload),
            ("account", "GET", "/v1/account", self._account),
            ("account", "GET", "/v1/webhooks/default/secret", self._secret),
        )

    def bad_key(self, key: str | None) -> Refusal:
        detail = f"You did not pass a valid authentication token ({key})"
        return Refusal(401, {"title": "Unauthenticated", "detail": detail, "status": 401})

    def no_money(self) -> Refusal:
        return Refusal(402, {"title": "Insufficient credit", "detail": "You have insufficient credit.", "status": 402})

    async def _create(self, request: web.Request) -> Answer:
        body = await json_of(request, self._invalid("body is not JSON"))
        if told := specs.complaint("replicate.json", "/predictions", body):
            self.complaints.append(told)
            raise self._invalid(told)
        version = body.get("version")
        if not isinstance(version, str) or not VERSION.fullmatch(version):
            raise Refusal(422, {"title": "Invalid version or not permitted", "detail": "No such version."})
        need(isinstance(body.get("input"), dict), self._invalid("input is required"))
        need(set(body.get("webhook_events_filter", ())) <= EVENTS, self._invalid("webhook_events_filter"))
        order = self.take(version, body, self._made(version, body["input"]), request)
        order.callback = body.get("webhook")
        self.call_back(order)
        if waits := PREFER.fullmatch(request.headers.get("Prefer", "")):
            await asyncio.sleep(min(max(order.done_at - time.monotonic(), 0), int(waits[1] or 60)))
        return web.json_response(self._shown(order, is_new=not waits), status=201)

    def _made(self, version: str, given: Mapping[str, Any]) -> list[bytes]:
        files = {name: self._picture(name, given[name]) for name in FILES if name in given}
        image = files.get("image") or files.get("input_image")
        if image is None:
            need(given.get("prompt"), self._invalid("input.prompt: prompt is required"))
            return [pictures.drawn(*_size(given))] * given.get("num_outputs", 1)
        match version.partition(":")[0].rpartition("/")[2]:
            case "remove-bg":
                return [pictures.cut_out(image)]
            case "real-esrgan":
                return [pictures.resized(image, image.width * given["scale"], image.height * given["scale"])]
        if mask := files.get("mask"):
            need(mask.size == image.size, self._invalid("input.mask: size differs from the image's"))
            return [pictures.repainted(image, mask)]
        return [pictures.resized(image, *image.size)] * given.get("num_outputs", 1)

    def _picture(self, name: str, value: Any) -> Image.Image:
        """Of a data URL that is not too long, or of a file uploaded before."""
        wrong = self._invalid(f"input.{name}: not a picture")
        uploaded = self._uploads.get(str(value).removeprefix(f"{self.url}/files/"))
        try:
            if uploaded is not None:
                return pictures.read(uploaded)
            need(len(str(value)) <= MOST_INLINE, self._invalid(f"input.{name}: data URL too large"))
            return pictures.from_uri(value)
        except pictures.NoPicture:
            raise wrong from None

    @staticmethod
    def _invalid(detail: str) -> Refusal:
        return Refusal(422, {"title": "Input validation failed", "detail": f"- {detail}", "status": 422})

    async def _get(self, request: web.Request) -> Answer:
        return web.json_response(self._shown(self._known(request)))

    async def _cancel(self, request: web.Request) -> Answer:
        order = self._known(request)
        if not order.is_done:
            order.is_canceled = True
        return web.json_response(self._shown(order))

    def _known(self, request: web.Request) -> Order:
        order = self.find(request.match_info["id"], request)
        if order is None:
            raise Refusal(404, {"detail": "The requested resource could not be found."})
        return order

    def _shown(self, order: Order, *, is_new: bool = False) -> dict[str, Any]:
        """Each look at it gives fresh links."""
        where = f"{self.url}/predictions/{order.id}"
        shown = {
            "id": order.id,
            "model": order.what.partition(":")[0],
            "version": "hidden",
            "input": order.body["input"],
            "logs": "",
            "output": None,
            "error": None,
            "data_removed": False,
            "status": "starting",
            "urls": {"get": where, "cancel": f"{where}/cancel"},
        }
        if order.is_canceled:
            return shown | {"status": "canceled"}
        if is_new or not order.is_done:
            return shown
        match order.ending:
            case "refused" | "nsfw":
                return shown | {"status": "failed", "error": "NSFW content detected. Try running it again."}
            case "failed":
                return shown | {"status": "failed", "error": "CUDA out of memory"}
            case "empty":
                return shown | {"status": "succeeded", "output": []}
        return shown | {"status": "succeeded", "output": [self.link(one) for one in order.pictures]}

    def webhook(self, order: Order) -> tuple[bytes, Mapping[str, str]]:
        body, message, now = orjson.dumps(self._shown(order)), f"msg_{order.id}", str(int(time.time()))
        secret = b64decode(self.webhook_secret.removeprefix("whsec_"))
        proof = hmac.new(secret, f"{message}.{now}.".encode() + body, sha256).digest()
        signature = f"v1,{b64encode(proof).decode()}"
        return body, {"webhook-id": message, "webhook-timestamp": now, "webhook-signature": signature}

    async def _upload(self, request: web.Request) -> Answer:
        form = await request.post()
        content = form.get("content")
        if not isinstance(content, web.FileField):
            raise Refusal(400, {"detail": "content is required"})
        name = uuid4().hex
        self._uploads[name] = content.file.read()
        return web.json_response({"id": name, "urls": {"get": f"{self.url}/files/{name}"}}, status=201)

    async def _account(self, request: web.Request) -> Answer:
        return web.json_response({"type": "user", "username": "acme", "name": "Acme", "github_url": ""})

    async def _secret(self, request: web.Request) -> Answer:
        return web.json_response({"key": self.webhook_secret})


def _size(given: Mapping[str, Any]) -> tuple[int, int]:
    if given.get("aspect_ratio", "custom") == "custom":
        return given.get("width", 1024), given.get("height", 1024)
    return pictures.of_ratio(given["aspect_ratio"])
