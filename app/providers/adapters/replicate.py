"""Replicate: any model by its path; what its inputs are called is in its row."""

import re
from collections.abc import Iterator, Mapping
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
    Output,
    ProviderError,
    Rejected,
    Running,
    Transient,
)
from app.providers.signatures import SecretSigned
from app.providers.vendor import LONGEST_RETRY_SECONDS, Api, Reply

_POLL_SECONDS = 1.5
_MOST_INLINE = 190_000
"""Bytes: just below 256 kB as data URI. What is larger is uploaded."""
_FORMATS = {"jpeg": "jpg"}
# A job that failed tells it in prose, each model in its own.
_REFUSED = ("nsfw", "sensitive", "flagged", "safety", "moderation", "content policy", "prohibited")
_FIELD = re.compile(r"\binput\.(\w{1,50})")
_RESET = re.compile(rb'(?:resets in ~?|"retry_after"\s*:\s*)(\d{1,6})')


class Replicate(SecretSigned):
    name = "replicate"
    default_url = "https://api.replicate.com/v1"
    signing_path = "webhooks/default/secret"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        files = {role: await _file(role, call.files[role], api) for role in call.files if offer.honours(role)}
        body = {"version": offer.path, "input": offer.body(_wishes(call.params, offer) | files)}
        if call.callback_url:
            body |= {"webhook": call.callback_url, "webhook_events_filter": ["completed"]}
        reply = await api.order(call, "predictions", json=body)
        match reply.json():
            case {"id": str(reference)} if reference.isalnum():
                return Accepted(reference, _POLL_SECONDS)
        raise reply.unreadable()

    async def check(self, reference: str, api: Api) -> Done | Running:
        reply = await api.ask("GET", f"predictions/{reference}")
        match reply.json():
            case {"status": "succeeded", "data_removed": True}:
                raise JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider has deleted the result.")
            case {"status": "succeeded", "output": output}:
                return Done([await self._output(text, reply, api) for text in _links(output)])
            case {"status": "failed", **job}:
                raise _failure(str(job.get("error")).lower())
            case {"status": "canceled" | "aborted"}:
                raise JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider stopped the job before it was done.")
            case {"status": str(status)} if status != "succeeded":
                return Running()
        raise reply.unreadable()

    async def stop(self, reference: str, api: Api) -> None:
        try:
            await api.ask("POST", f"predictions/{reference}/cancel")
        except ProviderError as fault:
            if fault.code not in (ErrorCode.PROVIDER_REJECTED, ErrorCode.NO_ROUTE):
                raise

    async def greet(self, api: Api) -> str:
        reply = await api.ask("GET", "account")
        match reply.json():
            case {"username": str(name)}:
                return f"account {name}"
        raise reply.unreadable()

    def fault(self, reply: Reply) -> ProviderError | None:
        match reply.status, reply.find_json():
            case 422, {"title": str(title)} if "version" in title.lower():
                return Transient(ErrorCode.NO_ROUTE, "The provider does not know this version of the model any more.")
            case 422, {"detail": str(detail)} if field := _FIELD.search(detail):
                return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request ({field[1]}).")
            case 429, _:
                return Busy(retry_after=reply.retry_after() or _seconds(reply))
        return None

    async def _output(self, text: str, reply: Reply, api: Api) -> Output:
        """Files of the interface itself are given only to those who sign in."""
        if not text.startswith(f"{self.base_url.rstrip('/')}/"):
            return encoding.output(text, reply)
        file = await api.ask("GET", text)
        return Output(file.content, content_type=file.content_type)


def _wishes(params: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    """What may be asked for, by our names, in values it takes; which of them are sent is up to the row."""
    wishes = dict(params)
    if "output_format" in params:
        wishes["output_format"] = _FORMATS.get(params["output_format"], params["output_format"])
    if "width" in params:
        size = params["width"], params["height"]
        wishes["width"], wishes["height"] = offer.limits.fit(*size)
        if offer.limits.ratios:
            wishes["aspect_ratio"] = "{}:{}".format(*offer.limits.ratio(*size))
    return wishes


async def _file(role: str, content: bytes, api: Api) -> str:
    if len(content) <= _MOST_INLINE:
        return encoding.data_uri(content)
    kind = encoding.media_type(content)
    name = f"{role}.{kind.rpartition('/')[2]}"
    data = {"filename": name, "type": kind}
    reply = await api.ask("POST", "files", data=data, files={"content": (name, content, kind)})
    match reply.json():
        case {"urls": {"get": str(url)}}:
            return url
    raise reply.unreadable()


def _links(output: Any) -> Iterator[str]:
    """The files in an output of whatever form, in their order."""
    left = [output]
    while left:
        match left.pop():
            case str(text) if text.startswith(("https://", "http://", "data:")):
                yield text
            case list(parts):
                left.extend(reversed(parts))
            case dict(parts):
                left.extend(reversed(parts.values()))


def _failure(text: str) -> ProviderError:
    if any(word in text for word in _REFUSED):
        return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
    return JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's model failed.")


def _seconds(reply: Reply) -> float | None:
    found = _RESET.search(reply.content)
    return min(float(found[1]), LONGEST_RETRY_SECONDS) if found else None
