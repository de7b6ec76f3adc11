"""Stability AI: Stable Image by forms, answered at once with the picture, or with a job where that takes longer."""

from math import inf
from struct import unpack_from
from typing import Any

from app.providers import encoding
from app.providers.base import (
    Accepted,
    Busy,
    Call,
    Done,
    ErrorCode,
    JobFailed,
    Offer,
    ProviderError,
    Rejected,
    Running,
    Transient,
)
from app.providers.vendor import MEBIBYTE, Api, Reply, Vendor

_JSON = {"Accept": "application/json"}  # else it gives the bare picture
_POLL_SECONDS = 10.0  # it forbids asking more often
_BLOCKED_SECONDS = 60.0  # whoever asked too often, without a Retry-After
_MOST_SEED = 2**32 - 2
_MOST_SENT = 10 * MEBIBYTE - 65_536  # of a whole request, less what is not picture
_LONGEST = {"outpaint": 2.5, "replace_background": 2.5}  # the longer side of a picture by the shorter
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the JPEG segments that tell the size


class Stability(Vendor):
    name = "stability"
    default_url = "https://api.stability.ai"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        if misfit := _misfit(call, offer):
            raise Transient(ErrorCode.NO_ROUTE, misfit)
        form = _form(call, offer)
        reply = await api.order(call, f"/v2beta/stable-image/{offer.path}", files=form, headers=_JSON)
        match reply.json():
            case {"id": str(job)} if job.isalnum():
                return Accepted(job, _POLL_SECONDS)
            case body:
                return _done(body, reply)

    async def check(self, reference: str, api: Api) -> Done | Running:
        reply = await api.ask("GET", f"/v2beta/results/{reference}", headers=_JSON)
        match reply.json():
            case {"status": str()}:
                return Running(poll_after=_POLL_SECONDS)
            case body:
                return _done(body, reply)

    async def greet(self, api: Api) -> str:
        match (await api.ask("GET", "/v1/user/balance")).json():
            case {"credits": int() | float() as left}:
                return f"{left} credits left"
        return ""

    def fault(self, reply: Reply) -> ProviderError | None:
        error = reply.find_json()
        match reply.status, error.get("name") if isinstance(error, dict) else None:
            case (_, "content_moderation") | (422, _):
                return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
            case (400, _):
                return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request{_field(error)}.")
            case (404, "not_found") if not reply.is_order:
                return JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider does not know the job any more.")
            case (413, _):
                return Transient(ErrorCode.NO_ROUTE, "The provider does not take files this large.")
            case (429, _):
                return Busy(retry_after=reply.retry_after() or _BLOCKED_SECONDS)
        return None


def _misfit(call: Call, offer: Offer) -> str | None:
    """What of the files others may take and this vendor does not; None when it takes them all."""
    if sum(map(len, call.files.values())) > _MOST_SENT:
        return "The provider does not take files this large."
    if "image" in call.files and not _takes(call.operation, offer, *_size(call.files["image"])):
        return "The provider does not take pictures of this size or shape."
    return None


def _takes(operation: str, offer: Offer, width: int, height: int) -> bool:
    """A picture of that size. The limits of a row are those of the picture given."""
    limits, short, long = offer.limits, min(width, height), max(width, height)
    if limits.most_pixels is not None and width * height > limits.most_pixels:
        return False
    return limits.least <= short and long <= limits.most and long <= short * _LONGEST.get(operation, inf)


def _form(call: Call, offer: Offer) -> list[tuple[str, Any]]:
    """A form of parts without file names, as it wants one even of words alone."""
    fields = offer.body(call.params)
    if "seed" in fields:
        fields["seed"] = min(max(fields["seed"], 1), _MOST_SEED)  # to it 0 is any
    if offer.limits.ratios:
        wide, high = offer.limits.ratio(call.params["width"], call.params["height"])
        fields["aspect_ratio"] = f"{wide}:{high}"
    words = [(name, (None, str(value))) for name, value in fields.items() if value != ""]
    names = offer.parameters or {}
    files = [(names.get(role, role), (role, file, encoding.media_type(file))) for role, file in call.files.items()]
    return [*words, *files]


def _done(body: Any, reply: Reply) -> Done:
    match body:
        case {"finish_reason": "CONTENT_FILTERED"}:  # with a picture, blurred
            raise Rejected(ErrorCode.CONTENT_REJECTED, "The provider found the result not fit to be shown.")
        case {"finish_reason": "SUCCESS", "image": str(image), **rest} if image:
            seed = rest.get("seed")
            return Done([encoding.output(image, reply, seed=seed if isinstance(seed, int) else None)])
    raise reply.unreadable()


def _field(error: Any) -> str:
    """Which field its first complaint is about: `aspect_ratio: not an allowed value`."""
    match error:
        case {"errors": [str(complaint), *_]}:
            field, colon, _ = complaint.partition(": ")
            return f" ({field})" if colon and field.isidentifier() and len(field) <= 50 else ""
    return ""


def _size(content: bytes) -> tuple[int, int]:
    """Width and height by the header; a decoder would keep the file."""
    match encoding.media_type(content), content[12:16]:
        case "image/png", _:
            width, height = unpack_from(">II", content, 16)
        case "image/webp", b"VP8X":
            width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
        case "image/webp", b"VP8L":
            bits = int.from_bytes(content[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case "image/webp", _:
            width, height = (side & 0x3FFF for side in unpack_from("<HH", content, 26))
        case _:
            at = 2
            while content[at + 1] not in _FRAMES:
                at += 2 + unpack_from(">H", content, at + 2)[0]
            height, width = unpack_from(">HH", content, at + 5)
    return width, height
