"""OpenAI: pictures from words, and pictures changed by words; the answer is the result."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from app.providers import encoding, masks
from app.providers.base import Call, Done, ErrorCode, KeyRefused, Offer, Output, ProviderError, Rejected, Transient
from app.providers.vendor import Api, Reply, Vendor

File = tuple[str, bytes, str]


class OpenAI(Vendor):
    name = "openai"
    default_url = "https://api.openai.com/v1"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done:
        body = _body(call, offer)
        if not call.files:
            return Done(_outputs(await api.order(call, "images/generations", json=body)))
        return Done(_outputs(await api.order(call, "images/edits", data=body, files=await _files(call.files))))

    async def greet(self, api: Api) -> str:
        (await api.ask("GET", "models")).json()
        return ""

    def fault(self, reply: Reply) -> ProviderError | None:
        match reply.find_json():
            case {"error": {"code": "moderation_blocked" | "content_policy_violation"}}:
                return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
            case {"error": {"code": "insufficient_quota" | "billing_hard_limit_reached"}}:
                return KeyRefused("This installation has nothing left to spend at the provider.", is_broke=True)
            case {"error": {"param": "model"}} if reply.status == 400:
                return Transient(ErrorCode.NO_ROUTE, "The provider does not know the model any more.")
            case {"error": {"param": str(field)}} if reply.status == 400 and field.isidentifier() and len(field) <= 50:
                return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request ({field}).")
        return None


def _body(call: Call, offer: Offer) -> dict[str, Any]:
    params = dict(call.params)
    if params.get("output_format", "png") == "png":
        params["output_quality"] = None  # PNG has none
    body = {"model": offer.path, **offer.body(params)}
    if "size" not in body:
        body["size"] = "{}x{}".format(*offer.limits.fit(params["width"], params["height"]))
    return body


async def _files(files: Mapping[str, bytes]) -> dict[str, File]:
    sent = {"image": _file("image", files["image"])}
    if "mask" in files:
        sent["mask"] = _file("mask", await asyncio.to_thread(masks.to_alpha, files["mask"]))
    return sent


def _file(role: str, content: bytes) -> File:
    kind = encoding.media_type(content)
    return f"{role}.{kind.partition('/')[2]}", content, kind


def _outputs(reply: Reply) -> Sequence[Output]:
    match reply.json():
        case {"data": [_, *_] as items}:
            return [_output(item, reply) for item in items]
    raise reply.unreadable()


def _output(item: Any, reply: Reply) -> Output:
    match item:
        case {"b64_json": str(text)} | {"url": str(text)} if text:
            return encoding.output(text, reply)
    raise reply.unreadable()
