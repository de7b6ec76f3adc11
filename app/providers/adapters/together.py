"""Together AI: pictures, and edits by models that take one along, answered at once."""

from typing import Any

from app.providers import encoding
from app.providers.base import Call, Done, ErrorCode, KeyRefused, Offer, ProviderError, Rejected
from app.providers.vendor import Api, Reply, Vendor

_FORMATS = {"jpeg": "jpeg"}  # else PNG, which loses nothing
_RESULTS = ("b64_json", "url")
# Its codes are few: what is wrong stands in any of the error's words.
_REFUSED = ("nsfw", "moderation", "content_policy", "content policy")
_BROKE = ("insufficient_quota", "credit_limit", "credit limit")


class Together(Vendor):
    name = "together"
    default_url = "https://api.together.xyz/v1"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done:
        reply = await api.order(call, "/images/generations", json=_body(call, offer))
        match reply.json():
            case {"data": [*items]}:
                results = [result for item in items if (result := _result(item))]
                if results:
                    return Done([encoding.output(result, reply) for result in results])
        raise reply.unreadable()

    async def greet(self, api: Api) -> str:
        reply = await api.ask("GET", "/models")
        match reply.json():
            case [*models]:
                pictures = [model for model in models if isinstance(model, dict) and model.get("type") == "image"]
                return f"picture models: {len(pictures)}"
        raise reply.unreadable()

    def fault(self, reply: Reply) -> ProviderError | None:
        match reply.find_json():
            case {"error": dict(error)}:
                return _fault(error, reply.status)
        return None


def _body(call: Call, offer: Offer) -> dict[str, Any]:
    params = call.params
    width, height = offer.limits.fit(params["width"], params["height"])
    body = offer.body(params) | {
        "model": offer.path,
        "width": width,
        "height": height,
        "n": params.get("num_images", 1),
        "response_format": "base64",
        "output_format": _FORMATS.get(params.get("output_format") or "png", "png"),
    }
    if "image" in call.files:
        body["image_url"] = encoding.data_uri(call.files["image"])
    return body


def _result(item: Any) -> str | None:
    found = [item.get(name) for name in _RESULTS] if isinstance(item, dict) else []
    return next((result for result in found if result and isinstance(result, str)), None)


def _fault(error: dict[str, Any], status: int) -> ProviderError | None:
    """None where the status tells as much."""
    words = " ".join(str(error.get(name)) for name in ("type", "code", "message")).lower()
    if any(part in words for part in _BROKE):
        return KeyRefused("This installation has nothing left to spend at the provider.", is_broke=True)
    if status not in (400, 403, 422):
        return None
    if any(part in words for part in _REFUSED):
        return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
    if status == 403 and error.get("type") != "invalid_request_error":
        return None  # of that type it is about a prompt that is too long, not the key
    field = error.get("param")
    about = f" ({field})" if isinstance(field, str) and field.isidentifier() and len(field) <= 50 else ""
    return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request{about}.")
