"""What adapters have in common: asking a vendor over HTTP, and what follows from each way in which that can end.

An adapter is a `Vendor` that says how a call is written, how a job is read, and what the vendor's own error codes
mean. Keys never reach it: it is given an `Api` that has signed in.
"""

import asyncio
import inspect
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import httpx
import orjson
import structlog
from httpx_aiohttp import AiohttpTransport

from app.core import clock
from app.core.settings import Settings
from app.providers import model_rows
from app.providers.base import (
    REMOTE,
    Accepted,
    Busy,
    Call,
    Callback,
    Done,
    ErrorCode,
    Health,
    KeyRefused,
    Offer,
    ProviderError,
    Rejected,
    Running,
    Transient,
    Unknown,
)
from app.providers.keys import Key, KeyRing

log = structlog.get_logger()
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
"""For any answer but that of a call, which has its own time."""
MEBIBYTE = 1024 * 1024
MOST_BYTES = 150 * MEBIBYTE
LONGEST_RETRY_SECONDS = 3600.0
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")

# The vendor, or what stands before it, gave up on a request that may be under way behind it.
_GAVE_UP = frozenset({408, 502, 504, 520, 521, 522, 523, 524})
_NOT_NOW = frozenset({409, 425, 500, 503, 529})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a vendor answered. `is_order` when it is the answer to a call that may cost money."""

    status: int
    headers: httpx.Headers
    content: bytes
    is_order: bool

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        kind: str = self.headers.get("content-type", "")
        return kind.partition(";")[0].strip().lower()

    def json(self) -> Any:
        """Raises what follows from an answer that cannot be read."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            raise self.unreadable() from None

    def find_json(self) -> Any:
        """None where it is none: errors come in any form."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            return None

    def unreadable(self) -> ProviderError:
        """What follows: an order that was answered with something strange may have been accepted."""
        log.warning("vendor_answer_unreadable", status=self.status, content_type=self.content_type)
        kind = Unknown if self.is_order and self.is_ok else Transient
        return kind(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's answer could not be read.")

    def retry_after(self) -> float | None:
        """Seconds, by `Retry-After-Ms` or `Retry-After`, as number or date."""
        text = self.headers.get("retry-after-ms")
        if text is not None and _NUMBER.fullmatch(text):
            return min(float(text) / 1000, LONGEST_RETRY_SECONDS)
        text = self.headers.get("retry-after", "").strip()
        if _NUMBER.fullmatch(text):
            return min(float(text), LONGEST_RETRY_SECONDS)
        try:
            seconds = (parsedate_to_datetime(text) - clock.now()).total_seconds()
        except (TypeError, ValueError):
            return None
        return min(max(seconds, 0.0), LONGEST_RETRY_SECONDS)


class Api:
    """A vendor's HTTP interface, signed in with one key."""

    def __init__(self, vendor: "Vendor", key: Key) -> None:
        self._vendor = vendor
        self._key = key

    async def order(self, call: Call, path: str, **request: Any) -> Reply:
        """Ask for what may cost money: sent once. Raises Unknown where it may have been accepted."""
        return await self._send(self._signed("POST", path, request), call)

    async def ask(self, method: str, path: str, **request: Any) -> Reply:
        """Ask for what costs nothing and may be asked again: `path` is the vendor's, or a URL of its own host."""
        return await self._send(self._signed(method, path, request), None)

    async def look(self, url: str) -> Reply:
        """Read what is there for everybody, on whatever host: without our key."""
        return await self._send(self._vendor.client.build_request("GET", url), None)

    def _signed(self, method: str, path: str, request: dict[str, Any]) -> httpx.Request:
        headers = {**self._vendor.sign_in(self._key.secret), **request.pop("headers", {})}
        return self._vendor.client.build_request(method, self._url(path), headers=headers, **request)

    async def _send(self, outgoing: httpx.Request, call: Call | None) -> Reply:
        vendor = self._vendor
        if call is not None:
            call.about_to_send()
        try:
            async with asyncio.timeout(call.timeout_seconds if call else READ_SECONDS):
                reply = await self._read(outgoing, is_order=call is not None)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
            log.warning("vendor_unreachable", vendor=vendor.name, error=type(fault).__name__)
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider could not be reached.") from None
        except (httpx.HTTPError, httpx.StreamError, OSError, TimeoutError) as fault:
            log.warning("vendor_fell_silent", vendor=vendor.name, error=type(fault).__name__)
            kind = Transient if call is None else Unknown
            raise kind(ErrorCode.PROVIDER_TIMEOUT, "The provider did not answer in time.") from None
        if not reply.is_ok:
            raise self._fault(reply)
        return reply

    def _url(self, path: str) -> str:
        """No path: the base itself. Raises Transient where a vendor sends us elsewhere: our key is not for others."""
        base = self._vendor.base_url.rstrip("/")
        url = urljoin(f"{base}/", path.removeprefix("/")) if path else base
        ours, theirs = urlsplit(self._vendor.base_url), urlsplit(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider named an address that is not its own.")
        return url

    async def _read(self, outgoing: httpx.Request, *, is_order: bool) -> Reply:
        answer = await self._vendor.client.send(outgoing, stream=True)
        try:
            content = bytearray()
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    reply = Reply(answer.status_code, answer.headers, b"", is_order)
                    raise reply.unreadable()
            return Reply(answer.status_code, answer.headers, bytes(content), is_order)
        finally:
            await answer.aclose()

    def _fault(self, reply: Reply) -> ProviderError:
        """By the vendor's own words where it has some for it, else by the status."""
        fault = self._vendor.fault(reply) or fault_of(reply)
        log.warning("vendor_refused", vendor=self._vendor.name, status=reply.status, code=fault.code.value)
        return fault


def fault_of(reply: Reply) -> ProviderError:
    """What a status means where the vendor tells no more."""
    match reply.status:
        case 401 | 403:
            return KeyRefused("The provider does not accept the key of this installation.")
        case 402:
            return KeyRefused("This installation has nothing left to spend at the provider.", is_broke=True)
        case 413:
            return Rejected(ErrorCode.PROVIDER_REJECTED, "The provider does not take files this large.")
        case 429:
            return Busy(retry_after=reply.retry_after())
        case 404:
            return Transient(ErrorCode.NO_ROUTE, "The provider does not know the model any more.")
        case status if status in _GAVE_UP:
            kind = Unknown if reply.is_order else Transient
            return kind(ErrorCode.PROVIDER_TIMEOUT, f"The provider answered with status {status}.")
        case status if status in _NOT_NOW or status >= 500:
            message = f"The provider answered with status {status}."
            return Transient(ErrorCode.PROVIDER_UNAVAILABLE, message, retry_after=reply.retry_after())
        case status if 300 <= status < 400:
            return Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's address has moved.")
    return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request with status {reply.status}.")


@cache
def _tls() -> ssl.SSLContext:
    """Reading the authorities takes a while: once for all."""
    return httpx.create_ssl_context()


def vendor_client() -> httpx.AsyncClient:
    """For addresses the operator or an adapter names, not strangers: no proxies, no cookies, no redirects."""
    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=_tls()),
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "Backlot/1", "Accept": "application/json"},
    )


class Vendor(ABC):
    """A provider that is asked over HTTP. References carry which key they were made with: only it may ask for them."""

    name: ClassVar[str]
    default_url: ClassVar[str]
    is_repeatable = False
    lane = REMOTE

    def __init__(self, settings: Settings, *, client: httpx.AsyncClient | None = None) -> None:
        adapter = Path(inspect.getfile(type(self)))
        self.offers: Sequence[Offer] = model_rows.offers_of(self.name, adapter)
        self.traffic = model_rows.traffic_of(self.name, adapter)
        self.base_url = settings.providers.urls.get(self.name, self.default_url)
        self.keys = KeyRing(settings.providers.keys.get(self.name, ()))
        self.needs = self._missing(settings)
        self.client = client or vendor_client()

    # --- what an adapter says

    @abstractmethod
    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        """Make the call."""

    async def check(self, reference: str, api: Api) -> Done | Running:
        """How the job stands; of vendors that answer at once nobody asks."""
        raise Rejected(ErrorCode.INTERNAL, "This provider has no jobs to ask for.")

    async def look_up(self, reference: str, model: str, api: Api) -> Done | Accepted | None:
        """As `Provider.find`."""
        return None

    async def stop(self, reference: str, api: Api) -> None:
        """Stop the job, where the vendor can."""
        return

    @abstractmethod
    async def greet(self, api: Api) -> str:
        """Ask for something that is free and needs the key: in a few words what it tells, such as what is left."""

    async def verify(self, callback: Callback) -> str | None:
        """As `Verifies.verify`. Most vendors sign nothing: that it came to the URL they were given is the proof."""
        return None

    def fault(self, reply: Reply) -> ProviderError | None:
        """What a refusal means, where the vendor's words tell more than its status."""
        return None

    def _missing(self, settings: Settings) -> str | None:
        """What the operator has to set before it can be used; None when all is there."""
        return None if settings.providers.keys.get(self.name) else f"BACKLOT_PROVIDERS_KEYS={self.name}=<key>"

    def sign_in(self, key: str) -> Mapping[str, str]:
        """The headers that carry the key."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    # --- what the caller sees

    async def submit(self, call: Call) -> Done | Accepted:
        """With the next key; with another, where that one is refused: nothing was accepted then."""
        offer = call.offer or self._own(call)
        while True:
            key = self.keys.pick()
            try:
                return _tagged(await self.start(call, offer, Api(self, key)), key)
            except KeyRefused as fault:
                self.keys.refuse(key, fault)
                if not self.keys.has_usable:
                    raise

    async def poll(self, reference: str) -> Done | Running:
        key, theirs = self.keys.of(reference)
        return await self.check(theirs, Api(self, key))

    async def find(self, reference: str, model: str) -> Done | Accepted | None:
        """With each key there is: which of them the lost call was made with is not known."""
        for key in self.keys:
            try:
                found = await self.look_up(reference, model, Api(self, key))
            except ProviderError as fault:  # that we could not ask does not mean that it never came
                raise Unknown(fault.code, fault.message) from None
            if found is not None:
                return _tagged(found, key)
        return None

    async def cancel(self, reference: str) -> None:
        key, theirs = self.keys.of(reference)
        await self.stop(theirs, Api(self, key))

    async def probe(self) -> Health:
        """Whether the first usable key works, and what the vendor tells of it."""
        try:
            key = self.keys.pick()
        except KeyRefused as fault:
            return Health(is_healthy=False, detail=fault.message)
        return await self.probe_key(key)

    async def probe_each(self) -> list[tuple[str, Health]]:
        """The same of each key, by its id."""
        return [(key.id, await self.probe_key(key)) for key in self.keys]

    async def probe_key(self, key: Key) -> Health:
        try:
            return Health(is_healthy=True, detail=await self.greet(Api(self, key)))
        except ProviderError as fault:
            return Health(is_healthy=False, detail=fault.message)

    async def close(self) -> None:
        await self.client.aclose()

    def _own(self, call: Call) -> Offer:
        for offer in self.offers:
            if (offer.operation, offer.model) == (call.operation, call.model):
                return offer
        raise Transient(ErrorCode.NO_ROUTE, f"The provider does not offer {call.operation} by {call.model}.")


def _tagged(answer: Done | Accepted, key: Key) -> Done | Accepted:
    return Accepted(f"{key.id}:{answer.reference}", answer.poll_after) if isinstance(answer, Accepted) else answer
