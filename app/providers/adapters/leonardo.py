"""Leonardo: pictures, pictures from an uploaded one, and upscales, each a job."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from app.providers import encoding
from app.providers.base import (
    Accepted,
    Call,
    Done,
    ErrorCode,
    JobFailed,
    KeyRefused,
    Offer,
    Output,
    ProviderError,
    Rejected,
    Running,
    Transient,
)
from app.providers.vendor import READ_SECONDS, Api, Reply, Vendor

_POLL_SECONDS = 3.0
_IMAGE = {"image_to_image": "init_image_id", "upscale": "initImageId"}
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_SEEDS = 2_147_483_638
"""As many as FLUX takes; ours are twice as many."""
_REFUSED = ("moderat", "nsfw")
_BROKE = ("not enough", "insufficient")


class Leonardo(Vendor):
    name = "leonardo"
    default_url = "https://cloud.leonardo.ai/api/rest/v1"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        path, body = _job(call, offer)
        if "image" in call.files:
            body[_IMAGE[call.operation]] = await self._upload(call.files["image"], api)
        return _accepted(await api.order(call, path, json=body))

    async def check(self, reference: str, api: Api) -> Done | Running:
        path, _, cost = reference.partition(" ")
        reply = await api.ask("GET", path)
        match _state(reply.json()):
            case {"status": "COMPLETE", "generated_images": [_, *_] as images, **rest}:
                return Done(_outputs(images, rest.get("seed"), reply), int(cost) if cost else None)
            case {"status": "COMPLETE"} | None:
                raise reply.unreadable()
            case {"status": "FAILED"}:
                raise JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider failed to make it.")
        return Running()

    async def greet(self, api: Api) -> str:
        match (await api.ask("GET", "me")).json():
            case {"user_details": [{"apiPaidTokens": paid, "apiSubscriptionTokens": subscribed}, *_]}:
                return f"{sum(tokens for tokens in (paid, subscribed) if isinstance(tokens, int))} tokens left"
        return ""

    def fault(self, reply: Reply) -> ProviderError | None:
        match reply.find_json():
            case {"error": str(text)} if any(word in text.lower() for word in _REFUSED):
                return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
            case {"error": str(text)} if any(word in text.lower() for word in _BROKE):
                return KeyRefused("This installation has nothing left to spend at the provider.", is_broke=True)
        return None

    async def _upload(self, image: bytes, api: Api) -> str:
        """The id it has there. It is posted to a store of another host, by a permit: our key is not for it."""
        kind = encoding.media_type(image)
        reply = await api.ask("POST", "init-image", json={"extension": kind.removeprefix("image/")})
        match reply.json():
            case {"uploadInitImage": {"id": str(image_id), "url": str(url), "fields": str(fields)}}:
                form = _form(fields)
            case _:
                raise reply.unreadable()
        if form is None or urlsplit(url).scheme not in ("https", urlsplit(self.base_url).scheme):
            raise reply.unreadable()
        file = {"file": (f"image.{kind.removeprefix('image/')}", image, kind)}
        try:
            async with asyncio.timeout(READ_SECONDS), self.client.stream("POST", url, data=form, files=file) as answer:
                if answer.is_success:
                    return image_id
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):  # the last: host names that are none
            pass
        raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's store did not take the image.")


def _job(call: Call, offer: Offer) -> tuple[str, dict[str, Any]]:
    """Where to ask for it, and the request but for the image."""
    params, body = call.params, offer.body(call.params)
    if call.operation == "upscale":
        return offer.path, body
    width, height = offer.limits.fit(params["width"], params["height"])
    body |= {"modelId": offer.path, "width": width, "height": height, "num_images": params.get("num_images", 1)}
    if "seed" in body:
        body["seed"] %= _SEEDS
    return "generations", body


def _accepted(reply: Reply) -> Accepted:
    """Its reference is where to ask and, as nobody tells later, what it costs."""
    match reply.json():
        case {"sdGenerationJob": {"generationId": str(job_id), **rest}} if _ID.fullmatch(job_id):
            path = f"generations/{job_id}"
        case {"universalUpscaler": {"id": str(job_id), **rest}} if _ID.fullmatch(job_id):
            path = f"variations/{job_id}"
        case _:
            raise reply.unreadable()
    return Accepted(f"{path} {_microusd(rest.get('cost'))}", _POLL_SECONDS)


def _microusd(cost: Any) -> str:
    """Nothing where it is told in credits."""
    match cost:
        case {"unit": "DOLLARS", "amount": str(amount)} if re.fullmatch(r"\d{1,6}(\.\d{1,12})?", amount):
            return str(round(float(amount) * 1_000_000))
    return ""


def _state(body: Any) -> Mapping[str, Any] | None:
    """Of a generation or a variation, in the form of the first; None when it is neither."""
    state: Mapping[str, Any] | None = None
    match body:
        case {"generations_by_pk": None} | {"generated_image_variation_generic": []}:
            state = {"status": "PENDING"}  # it takes a moment to appear
        case {"generations_by_pk": {"status": str()} as job}:
            state = job
        case {"generated_image_variation_generic": [{"status": str(status)} as image, *_]}:
            state = {"status": status, "generated_images": [image]}
    return state


def _outputs(images: list[Any], seed: Any, reply: Reply) -> list[Output]:
    """Those fit to be shown. The seed is that of a single one."""
    made = [image for image in images if isinstance(image, dict) and isinstance(image.get("url"), str)]
    if not made:
        raise reply.unreadable()
    told = seed if isinstance(seed, int) and len(made) == 1 else None
    outputs = [encoding.output(image["url"], reply, seed=told) for image in made if not image.get("nsfw")]
    if not outputs:
        raise Rejected(ErrorCode.CONTENT_REJECTED, "The provider found the result not fit to be shown.")
    return outputs


def _form(fields: str) -> dict[str, str] | None:
    """JSON within JSON."""
    try:
        form = orjson.loads(fields)
    except orjson.JSONDecodeError:
        return None
    return form if isinstance(form, dict) and all(isinstance(value, str) for value in form.values()) else None
