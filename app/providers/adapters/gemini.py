"""Gemini: pictures from words, and pictures changed by words, as one turn of a conversation."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.providers import encoding
from app.providers.base import (
    Busy,
    Call,
    Done,
    ErrorCode,
    KeyRefused,
    Offer,
    Output,
    ProviderError,
    Rejected,
    Transient,
)
from app.providers.limits import Limits
from app.providers.vendor import LONGEST_RETRY_SECONDS, Api, Reply, Vendor

Json = Mapping[str, Any]
_REFUSED = frozenset(
    {
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    }
)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s", re.ASCII)


class Gemini(Vendor):
    name = "gemini"
    default_url = "https://generativelanguage.googleapis.com/v1beta"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done:
        reply = await api.order(call, f"models/{offer.path}:generateContent", json=_body(call, offer))
        return Done(_outputs(reply))

    async def greet(self, api: Api) -> str:
        (await api.ask("GET", "models", params={"pageSize": 1})).json()
        return ""

    def sign_in(self, key: str) -> Mapping[str, str]:
        return {"x-goog-api-key": key} if key else {}

    def fault(self, reply: Reply) -> ProviderError | None:
        match reply.find_json():
            case {"error": {"status": str(status)} as error} | [{"error": {"status": str(status)} as error}, *_]:
                return _fault(status, _details(error), reply)
        return None


def _body(call: Call, offer: Offer) -> dict[str, Any]:
    pictures = [
        {"inlineData": {"mimeType": encoding.media_type(content), "data": encoding.base64(content)}}
        for content in call.files.values()
    ]
    return {
        "contents": [{"role": "user", "parts": [*pictures, {"text": call.params["prompt"]}]}],
        "generationConfig": {
            **offer.body(call.params),
            "imageConfig": _image_config(call.params["width"], call.params["height"], offer.limits),
        },
    }


def _image_config(width: int, height: int, limits: Limits) -> dict[str, str]:
    """Shape and size apart; `sizes` are the squares a model knows by a name, if it knows more than one."""
    config = {"aspectRatio": "{}:{}".format(*limits.ratio(width, height))}
    if limits.sizes:
        side, _ = limits.fit(width, height)
        config["imageSize"] = str(side) if side < 1024 else f"{side // 1024}K"
    return config


def _outputs(reply: Reply) -> Sequence[Output]:
    match reply.json():
        case {"promptFeedback": {"blockReason": str()}}:
            raise Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
        case {"candidates": [dict() as candidate, *_]}:
            pictures = _pictures(candidate)
        case _:
            raise reply.unreadable()
    if not pictures:
        raise _without_picture(candidate.get("finishReason")) or reply.unreadable()
    return [encoding.output(picture, reply) for picture in pictures]


def _pictures(candidate: Json) -> list[str]:
    """In base64; not the drafts among its thoughts."""
    match candidate:
        case {"content": {"parts": [*parts]}}:
            return [data for part in parts if (data := _picture(part))]
    return []


def _picture(part: Any) -> str | None:
    match part:
        case {"thought": True}:
            return None
        case {"inlineData": {"data": str(data)}}:
            return data
    return None


def _without_picture(reason: Any) -> ProviderError | None:
    """What it means that there is none; None where no reason is given."""
    match reason:
        case str() if reason in _REFUSED:
            return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
        case "STOP" | "NO_IMAGE":
            return Rejected(ErrorCode.PROVIDER_REJECTED, "The provider made no picture of this.")
        case str():
            return Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider broke off before the picture was made.")
    return None


def _details(error: Json) -> list[Json]:
    found = error.get("details")
    return [detail for detail in found if isinstance(detail, dict)] if isinstance(found, list) else []


def _fault(status: str, details: Sequence[Json], reply: Reply) -> ProviderError | None:
    match status:
        case "RESOURCE_EXHAUSTED" if any("PerDay" in str(detail.get("violations")) for detail in details):
            return KeyRefused("This installation has used up its day's quota at the provider.", is_broke=True)
        case "RESOURCE_EXHAUSTED":
            return Busy(retry_after=_retry_after(details) or reply.retry_after())
        case "INVALID_ARGUMENT" if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            return KeyRefused("The provider does not accept the key of this installation.")
        case "FAILED_PRECONDITION":
            return KeyRefused("The provider does not serve this installation as its account stands.")
    return None


def _retry_after(details: Sequence[Json]) -> float | None:
    for detail in details:
        if found := _SECONDS.fullmatch(str(detail.get("retryDelay"))):
            return min(float(found[1]), LONGEST_RETRY_SECONDS)
    return None
