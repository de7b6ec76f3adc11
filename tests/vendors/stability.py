"""Stability AI: forms without file names, pictures in the answer, one job that is asked for later."""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from aiohttp import web
from PIL import Image

from tests.vendors import pictures, specs
from tests.vendors.peer import Answer, Handler, Order, Peer, Refusal, need

RATIOS = {"21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"}
UNTOLD = {"image", "strength", "mode", "cfg_scale", "negative_prompt", "seed", "output_format", "prompt", "model"}
"""Fields the third-party description leaves out of some forms."""
MOST_BODY = 10 * 1024 * 1024


class Stability(Peer):
    name = "stability"

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        return (
            ("order", "POST", "/v2beta/stable-image/{path:.+}", self._make),
            ("poll", "GET", "/v2beta/results/{id}", self._result),
            ("account", "GET", "/v1/user/balance", self._balance),
        )

    def bad_key(self, key: str | None) -> Refusal:
        return _error(401, "unauthorized", f"authorization: invalid API key {key}")

    def no_money(self) -> Refusal:
        return _error(402, "payment_required", "You have no credits left.")

    async def _make(self, request: web.Request) -> Answer:
        path = request.match_info["path"]
        need(request.content_type == "multipart/form-data", _error(400, "bad_request", "content-type: must be a form"))
        need("application/json" in request.headers.get("Accept", ""), _error(400, "bad_request", "accept: only JSON"))
        need((request.content_length or 0) <= MOST_BODY, _error(413, "payload_too_large", "body"))
        words, images = await self._read(request, path)
        made = _made(path, words, images)
        if self.endings and self.endings[0] == "refused":  # and nothing is billed
            self.endings.popleft()
            raise _error(403, "content_moderation", "Your request was flagged.")
        order = self.take(path, words, [made], request)
        order.id = uuid4().hex * 2
        if path.endswith("relight"):
            return web.json_response({"id": order.id})
        return _shown(order)

    async def _read(self, request: web.Request, path: str) -> tuple[dict[str, str], dict[str, Image.Image]]:
        form = await request.post()
        words = {name: value for name, value in form.items() if isinstance(value, str)}
        files = {name: part.file.read() for name, part in form.items() if isinstance(part, web.FileField)}
        self._check(path, words, files)
        try:
            images = {name: pictures.read(content) for name, content in files.items()}
        except pictures.NoPicture:
            raise _error(400, "bad_request", "image: not a picture") from None
        for name, image in images.items():
            need(min(image.size) >= 64, _error(400, "bad_request", f"{name}: sides must be at least 64"))
        return words, images

    def _check(self, path: str, words: dict[str, str], files: dict[str, bytes]) -> None:
        need(words.get("aspect_ratio", "1:1") in RATIOS, _error(400, "bad_request", "aspect_ratio: not allowed"))
        need(int(words.get("seed", 0)) <= 4294967294, _error(400, "bad_request", "seed: too large"))
        part = {"generate": "generate", "edit": "edit", "upscale": "upscale"}[path.partition("/")[0]]
        fields: dict[str, Any] = {name: value for name, value in words.items() if name not in UNTOLD}
        fields = {name: int(value) if value.isdigit() else value for name, value in fields.items()}
        fields |= dict.fromkeys(files, "…")
        fields["image"] = fields.pop("subject_image", fields.get("image", "…"))
        if path.startswith("generate/"):
            del fields["image"]
        fields |= {"prompt": words["prompt"]} if "prompt" in words else {}
        file = f"stability-v2beta-{part}.thirdparty.yml"
        if told := specs.complaint(file, f"/v2beta/stable-image/{path}", fields, "multipart/form-data"):
            self.complaints.append(told)
            raise _error(400, "bad_request", told)

    async def _result(self, request: web.Request) -> Answer:
        order = self.find(request.match_info["id"], request)
        if order is None:
            raise _error(404, "not_found", "id: unknown")
        if not order.is_done:
            return web.json_response({"id": order.id, "status": "in-progress"}, status=202)
        return _shown(order)

    async def _balance(self, request: web.Request) -> Answer:
        return web.json_response({"credits": 812.5})


def _made(path: str, words: dict[str, str], images: dict[str, Image.Image]) -> bytes:
    image = images.get("image") or images.get("subject_image")
    if path.startswith("generate/"):
        need(words.get("prompt"), _error(400, "bad_request", "prompt: required"))
        if image is None:
            return pictures.drawn(*pictures.of_ratio(words.get("aspect_ratio", "1:1")))
        need("strength" in words, _error(400, "bad_request", "strength: required with image"))
        return pictures.resized(image, *image.size)
    if image is None:
        raise _error(400, "bad_request", "image: required")
    match path:
        case "edit/inpaint":
            need(words.get("prompt"), _error(400, "bad_request", "prompt: required"))
            return pictures.repainted(image, images["mask"].resize(image.size))
        case "edit/outpaint":
            sides = [int(words.get(side, 0)) for side in ("left", "up", "right", "down")]
            need(any(sides) and max(sides) <= 2000, _error(400, "bad_request", "left: give a side"))
            return pictures.extended(image, *sides)
        case "edit/remove-background":
            need(words.get("output_format", "png") in ("png", "webp"), _error(400, "bad_request", "output_format: no"))
            return pictures.cut_out(image)
        case "edit/replace-background-and-relight":
            need(words.get("background_prompt"), _error(400, "bad_request", "background_prompt: required"))
            return pictures.resized(image, *image.size)
        case "upscale/fast":
            need(image.width * image.height <= 1_048_576, _error(400, "bad_request", "image: too large"))
            return pictures.resized(image, image.width * 4, image.height * 4)
    raise _error(404, "not_found", "path: unknown")


def _shown(order: Order) -> Answer:
    reason = "CONTENT_FILTERED" if order.ending == "nsfw" else "SUCCESS"
    content = "" if order.ending == "empty" else b64encode(order.pictures[0]).decode()
    shown = {"image": content, "finish_reason": reason, "seed": 1842207}
    return web.json_response(shown)


def _error(status: int, name: str, message: str) -> Refusal:
    return Refusal(status, {"id": uuid4().hex, "name": name, "errors": [message]})
