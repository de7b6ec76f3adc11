"""OpenAI: pictures in the answer, edits by forms, masks whose clear pixels are painted."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from PIL import ImageChops

from tests.vendors import pictures, specs
from tests.vendors.peer import Answer, Handler, Peer, Refusal, json_of, need

SIZES = {
    "gpt-image-1.5": {"auto", "1024x1024", "1536x1024", "1024x1536"},
    "gpt-image-1-mini": {"auto", "1024x1024", "1536x1024", "1024x1536"},
    "gpt-image-2": None,
    "dall-e-3": {"1024x1024", "1792x1024", "1024x1792"},
}
WHOLE = ("n", "output_compression", "partial_images")


class OpenAI(Peer):
    name = "openai"
    prefix = "/v1"

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        return (
            ("order", "POST", "/v1/images/generations", self._generate),
            ("order", "POST", "/v1/images/edits", self._edit),
            ("account", "GET", "/v1/models", self._models),
        )

    def no_money(self) -> Refusal:
        return _error(429, "You exceeded your current quota.", kind="insufficient_quota", code="insufficient_quota")

    async def _generate(self, request: web.Request) -> Answer:
        body = await json_of(request, _error(400, "We could not parse the JSON body of your request."))
        self._check(body, "/images/generations", "application/json")
        width, height = _size(body)
        return self._answer(body, [pictures.drawn(width, height)] * body.get("n", 1), request)

    async def _edit(self, request: web.Request) -> Answer:
        need(request.content_type == "multipart/form-data", _error(400, "Expected a form."))
        form = await request.post()
        words = {name: value for name, value in form.items() if isinstance(value, str)}
        body: dict[str, Any] = {name: int(value) if name in WHOLE else value for name, value in words.items()}
        files = {name: part.file.read() for name, part in form.items() if isinstance(part, web.FileField)}
        self._check(body | dict.fromkeys(files, "a file"), "/images/edits", "multipart/form-data")
        need(body["model"] != "dall-e-3", _error(400, "It cannot edit.", param="model"))
        try:
            image = pictures.read(files.get("image", b""))
            mask = pictures.read(files["mask"]) if "mask" in files else None
        except pictures.NoPicture:
            raise _error(400, "Invalid image file.", param="image") from None
        if mask is not None:
            need(mask.format == "PNG" and "A" in mask.getbands(), _error(400, "No alpha channel.", param="mask"))
            need(mask.size == image.size, _error(400, "Mask size does not match image size.", param="mask"))
            made = pictures.repainted(image, ImageChops.invert(mask.getchannel("A")))
        elif body.get("background") == "transparent":
            made = pictures.cut_out(image)
        else:
            made = pictures.resized(image, *image.size)
        if body.get("size", "auto") != "auto" and mask is None:
            made = pictures.resized(pictures.read(made), *_size(body))
        return self._answer(body, [made] * body.get("n", 1), request)

    def _check(self, body: Mapping[str, Any], path: str, media: str) -> None:
        if told := specs.complaint("openai.yaml", path, body, media):
            self.complaints.append(told)
            raise _error(400, told)
        need(body.get("prompt"), _error(400, "Missing required parameter: 'prompt'.", param="prompt"))
        need(body.get("model") in SIZES, _error(400, "The model does not exist.", param="model"))
        need("response_format" not in body or body["model"] == "dall-e-3", _error(400, "x", param="response_format"))

    def _answer(self, body: Mapping[str, Any], made: list[bytes], request: web.Request) -> Answer:
        if self.endings and self.endings[0] == "refused":  # and nothing is billed
            self.endings.popleft()
            raise _error(
                400, "Your request was rejected.", kind="image_generation_user_error", code="moderation_blocked"
            )
        order = self.take(body["model"], body, made, request)
        pictures_ = [] if order.ending == "empty" else order.pictures
        data = [{"b64_json": b64encode(one).decode()} for one in pictures_]
        usage = {"input_tokens": 20, "output_tokens": 1056, "total_tokens": 1076}
        return web.json_response({"created": 1777888999, "data": data, "usage": usage})

    async def _models(self, request: web.Request) -> Answer:
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in SIZES]})


def _size(body: Mapping[str, Any]) -> tuple[int, int]:
    size = body.get("size", "auto")
    known = SIZES[body["model"]]
    need(known is None or size in known, _error(400, f"Invalid size {size}.", param="size"))
    if size == "auto":
        return 1024, 1024
    width, height = (int(side) for side in size.split("x"))
    fits = width % 16 == height % 16 == 0 and max(width, height) <= 3 * min(width, height)
    need(fits, _error(400, f"Invalid size {size}.", param="size"))
    return width, height


def _error(
    status: int, message: str, *, param: str | None = None, kind: str = "invalid_request_error", code: str | None = None
) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})
