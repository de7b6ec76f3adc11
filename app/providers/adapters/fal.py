"""fal: pictures, cut-outs and upscales by models of one queue."""

from collections.abc import Mapping
from typing import Any

from app.providers import encoding
from app.providers.base import (
    Accepted,
    Call,
    Done,
    ErrorCode,
    JobFailed,
    KeyRefused,
    Offer,
    ProviderError,
    Rejected,
    Running,
    Transient,
)
from app.providers.signatures import KeySetSigned
from app.providers.vendor import Api, Reply

_POLL_SECONDS = 1.0
_NOBODYS = "fal-ai/flux/requests/00000000-0000-4000-8000-000000000000"
_FORMATS = {"webp": "png"}
_PRESETS = {
    (1024, 1024): "square_hd",
    (512, 512): "square",
    (768, 1024): "portrait_4_3",
    (576, 1024): "portrait_16_9",
    (1024, 768): "landscape_4_3",
    (1024, 576): "landscape_16_9",
}
_BROKE = ("balance", "locked", "top up")
_REFUSED = ("content_policy", "nsfw")


class Fal(KeySetSigned):
    """A reference is the job's path: it lacks the end of the model's."""

    name = "fal"
    default_url = "https://queue.fal.run"
    default_key_set_url = "https://rest.alpha.fal.ai/.well-known/jwks.json"
    signing_header = "x-fal-webhook"

    def sign_in(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Key {key}"} if key else {}

    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        files = {role: encoding.data_uri(content) for role, content in call.files.items()}
        body = offer.body(_wishes(call.params, offer) | files)
        query = {"fal_webhook": call.callback_url} if call.callback_url else None
        reply = await api.order(call, offer.path, json=body, params=query)
        return Accepted(self._job(reply, offer), _POLL_SECONDS)

    async def check(self, reference: str, api: Api) -> Done | Running:
        reply = await api.ask("GET", f"{reference}/status")
        match reply.json():
            case {"status": "COMPLETED", **job}:
                return await _result(reference, api, f"{job.get('error') or ''}{job.get('error_type') or ''}".lower())
            case {"status": str()}:
                return Running()
        raise reply.unreadable()

    async def stop(self, reference: str, api: Api) -> None:
        await _ask_in_vain(api, "PUT", f"{reference}/cancel")

    async def greet(self, api: Api) -> str:
        """This host knows nothing but jobs; that there is no such job is told to those whose key is good."""
        await _ask_in_vain(api, "GET", f"{_NOBODYS}/status")
        return ""

    def fault(self, reply: Reply) -> ProviderError | None:
        kind, field, text = _complaint(reply)
        if reply.status in (401, 402, 403) and any(word in text for word in _BROKE):
            return KeyRefused("This installation has nothing left to spend at the provider.", is_broke=True)
        if any(word in kind for word in _REFUSED):
            return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
        if reply.status == 400 and "in progress" in text:
            return Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's result is not ready.")
        if reply.status in (400, 422) and field.isidentifier() and len(field) <= 50:
            return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request ({field}).")
        if reply.status >= 500 and kind and not reply.is_order:
            return _failure(kind)
        return None

    def _job(self, reply: Reply, offer: Offer) -> str:
        """The path it names, where it is on this host, else (behind a proxy) as it is known to be made."""
        ours = f"{self.base_url.rstrip('/')}/"
        match reply.json():
            case {"response_url": str(url)} if url.startswith(ours) and "?" not in url:
                return url.removeprefix(ours)
            case {"request_id": str(job)} if job.replace("-", "").isalnum():
                return "/".join([*offer.path.split("/")[:2], "requests", job])
        raise reply.unreadable()


def _wishes(params: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    """What may be asked for, by our names, in values it takes; which of them are sent is up to the row."""
    wishes = dict(params)
    if "output_format" in params:
        wishes["output_format"] = _FORMATS.get(params["output_format"], params["output_format"])
    if "width" in params:
        size = width, height = offer.limits.fit(params["width"], params["height"])
        exact = {"width": width, "height": height}
        wishes |= exact | {"image_size": _PRESETS.get(size, exact) if offer.limits.sizes else exact}
        if offer.limits.ratios:
            wishes["aspect_ratio"] = "{}:{}".format(*offer.limits.ratio(params["width"], params["height"]))
    return wishes


async def _ask_in_vain(api: Api, method: str, path: str) -> None:
    """Of a job that may have ended or not be there."""
    try:
        await api.ask(method, path)
    except ProviderError as fault:
        if fault.code not in (ErrorCode.PROVIDER_REJECTED, ErrorCode.NO_ROUTE):
            raise


async def _result(reference: str, api: Api, trouble: str) -> Done:
    """Of a run that failed it is the model's error, which tells more than the `trouble` the job names."""
    try:
        return _done(await api.ask("GET", reference))
    except Transient:
        if trouble:
            raise _failure(trouble) from None
        raise


def _done(reply: Reply) -> Done:
    """What passed the vendor's own look at it. Raises Rejected where nothing did."""
    match reply.json():
        case {"images": [*images], **rest}:
            pass
        case {"image": image, **rest}:
            images = [image]
        case _:
            raise reply.unreadable()
    found = rest.get("has_nsfw_concepts")
    flags = found if isinstance(found, list) else [found]
    clean = [image for number, image in enumerate(images) if flags[number : number + 1] != [True]]
    if images and not clean:
        raise Rejected(ErrorCode.CONTENT_REJECTED, "The provider found the result not fit to be shown.")
    given = rest.get("seed")
    seed = given if isinstance(given, int) else None
    return Done([encoding.output(_link(image, reply), reply, seed=seed) for image in clean])


def _link(image: Any, reply: Reply) -> str:
    match image:
        case {"url": str(url)}:
            return url
    raise reply.unreadable()


def _complaint(reply: Reply) -> tuple[str, str, str]:
    """The kind of an error, the field it is about, and its words, as far as they are told."""
    body = reply.find_json()
    told = body if isinstance(body, dict) else {}
    match told.get("detail"):
        case [{"type": str(kind), "loc": [*_, field]}, *_]:
            return kind, str(field), ""
    kind = str(told.get("error_type") or reply.headers.get("x-fal-error-type", ""))
    return kind, "", str(told.get("detail")).lower()


def _failure(trouble: str) -> ProviderError:
    if any(word in trouble for word in _REFUSED):
        return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
    return JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's model failed.")
