"""The one way out: an HTTP client that reaches public addresses only, within a time and a size.

The address is judged where it is used, when a socket is made for it: after DNS, for every hop, and for
literal addresses too. `settings.egress.allow` names private ranges it may reach besides, over http as well.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from io import FileIO
from typing import ClassVar

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

from app.core.forgiving import forgive
from app.core.guard import Guard, Hop, current_hop
from app.core.problems import DependencyDown
from app.core.settings import Settings

MAX_REDIRECTS = 5
MAX_URL_LENGTH = 2048
HEAD_BYTES = 12
PIECE = 256 * 1024
BODY_SECONDS = 1.0
"""How long the beginning of a body is waited for whose head is here."""
USUAL_CONNECTIONS = 200


class EgressError(Exception):
    """A fetch failed. `detail` may be shown to the customer."""

    code: ClassVar[str] = "connection"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotAllowed(EgressError):
    """We will not go there."""


class SchemeNotAllowed(NotAllowed):
    code = "scheme"


class AddressNotAllowed(NotAllowed):
    code = "address"


class RedirectNotAllowed(NotAllowed):
    code = "redirect"


class NameNotFound(EgressError):
    code = "dns"


class TooLarge(EgressError):
    code = "too_large"


class TooSlow(EgressError):
    code = "timeout"


class BadStatus(EgressError):
    code = "status"


class TlsFailed(EgressError):
    code = "tls"


class WrongType(EgressError):
    code = "type"


class BadEncoding(EgressError):
    code = "encoding"


class ConnectionBroken(EgressError):
    code = "connection"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back, and from where after redirects. `content_type` is what the server claims."""

    content: bytes
    content_type: str | None
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer, whatever its status, and the beginning of its body."""

    status: int
    headers: httpx.Headers
    beginning: bytes


def guarded_client(
    settings: Settings,
    *,
    tls: ssl.SSLContext | None = None,
    names: Callable[[], AbstractResolver] | None = None,
    connections: int = USUAL_CONNECTIONS,
    idle_seconds: float = 15,
    forgives: bool = False,
) -> httpx.AsyncClient:
    """An httpx client on a guarded connector: no proxies, no cookies kept, no redirects followed.

    `names` makes what looks up names; `connections` (0: any number) bounds those at once, and an idle one is kept for
    `idle_seconds`. `forgives` takes answers that are not quite right (`core.forgiving`).
    """
    context = tls or httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            socket_factory=Guard(settings.egress.allow),
            use_dns_cache=False,
            ssl=context,
            limit=connections,
            keepalive_timeout=idle_seconds,
            resolver=names() if names else None,
        )
        if forgives:
            forgive(connector)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=context, client=session),
        timeout=httpx.Timeout(settings.egress.total_seconds, connect=settings.egress.connect_seconds),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "Backlot/1", "Accept-Encoding": "identity"},
    )


Read = Callable[[httpx.Response], Awaitable[bytes]]


class Egress:
    """One per process. `client` is also what provider adapters talk to their vendors with."""

    def __init__(self, settings: Settings, *, client: httpx.AsyncClient | None = None) -> None:
        self._allow = settings.egress.allow
        self._guard = Guard(settings.egress.allow)
        self._total_seconds = settings.egress.total_seconds
        self.client = client or guarded_client(settings)

    async def fetch(self, url: str, *, max_bytes: int, total_seconds: float | None = None) -> Fetched:
        """Get a URL a stranger named; any port, https only except to `settings.egress.allow`.

        Raises EgressError.
        """

        async def read(response: httpx.Response) -> bytes:
            content = bytearray()
            async for chunk in _capped(response, max_bytes):
                content += chunk
            return bytes(content)

        return await self._within(total_seconds, url, read)

    async def download(self, url: str, file: FileIO, *, max_bytes: int, accepts: Callable[[bytes], bool]) -> int:
        """The same into a file, a piece at a time; how many bytes. What `accepts` does not take by its first bytes
        is not read on.

        Raises EgressError, and DependencyDown where there is no room for the file.
        """
        size = 0

        async def read(response: httpx.Response) -> bytes:
            nonlocal size
            piece, is_accepted = bytearray(), False
            async for chunk in _capped(response, max_bytes):
                piece += chunk
                size += len(chunk)
                if not is_accepted and len(piece) >= HEAD_BYTES:
                    _require(accepts, piece)
                    is_accepted = True
                if len(piece) >= PIECE:
                    await _write(file, piece)
                    piece = bytearray()
            if not is_accepted:
                _require(accepts, piece)
            await _write(file, piece)
            return b""

        await self._within(None, url, read)
        return size

    async def exchange(self, request: httpx.Request, *, max_bytes: int) -> httpx.Response:
        """Send a request of ours; the whole answer, whatever its status. Redirects are not followed, nor are bodies
        taken that came compressed.

        Raises EgressError.
        """
        url = self._parse(str(request.url))
        try:
            async with asyncio.timeout(self._total_seconds):
                with _errors_of(Hop(is_plain=url.scheme == "http")):
                    response = await self.client.send(request, stream=True, follow_redirects=False)
                    try:
                        content = b"".join([chunk async for chunk in _capped(response, max_bytes)])
                    finally:
                        await response.aclose()
        except TimeoutError as fault:
            raise TooSlow(f"There was no answer within {self._total_seconds:g} seconds.") from fault
        if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise BadEncoding("The server sent its answer compressed though asked not to.")
        return httpx.Response(response.status_code, headers=response.headers, content=content, request=request)

    async def begin(self, request: httpx.Request, *, most_bytes: int, seconds: float) -> Answer:
        """Send a request of ours: the head of the answer, and of its body what comes at once, up to `most_bytes`.

        Redirects are not followed. Raises EgressError.
        """
        url = self._parse(str(request.url))
        try:
            async with asyncio.timeout(seconds):
                with _errors_of(Hop(is_plain=url.scheme == "http")):
                    response = await self.client.send(request, stream=True, follow_redirects=False)
        except TimeoutError as fault:
            raise TooSlow(f"There was no answer within {seconds:g} seconds.") from fault
        beginning = bytearray()
        try:
            with suppress(TimeoutError, httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, ValueError):
                async with asyncio.timeout(BODY_SECONDS):
                    async for chunk in response.aiter_raw():
                        beginning += chunk
                        if len(beginning) >= most_bytes:
                            break
        finally:
            with suppress(httpx.HTTPError, aiohttp.ClientError, OSError):
                await response.aclose()
        return Answer(response.status_code, response.headers, bytes(beginning[:most_bytes]))

    def check(self, url: str) -> None:
        """What can be said of a URL without going there. Raises EgressError."""
        self._parse(url)

    def check_target(self, url: str) -> None:
        """The same of one that is kept, to be gone to again and again: an address in it has to be allowed."""
        parsed = self._parse(url)
        if not self._guard.permits_literal(parsed.host, is_plain=parsed.scheme == "http"):
            raise AddressNotAllowed("The URL leads to an address that is not public.")

    async def aclose(self) -> None:
        await self.client.aclose()

    async def _within(self, total_seconds: float | None, url: str, read: Read) -> Fetched:
        seconds = total_seconds or self._total_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(self._parse(url), read)
        except TimeoutError as fault:
            raise TooSlow(f"The file did not arrive within {seconds:g} seconds.") from fault

    async def _follow(self, url: httpx.URL, read: Read) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            found = await self._get(url, read)
            if isinstance(found, Fetched):
                return found
            target = self._parse(found)
            if url.scheme == "https" and target.scheme == "http":
                raise RedirectNotAllowed("The URL redirects from https to http.")
            url = target
        raise RedirectNotAllowed(f"The URL redirects more than {MAX_REDIRECTS} times.")

    def _parse(self, url: str) -> httpx.URL:
        if len(url) > MAX_URL_LENGTH:
            raise SchemeNotAllowed(f"The URL is longer than {MAX_URL_LENGTH} characters.")
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as fault:
            raise SchemeNotAllowed("This is not a URL.") from fault
        if parsed.scheme not in ("https", "http"):
            raise SchemeNotAllowed("Only https URLs are fetched.")
        if parsed.scheme == "http" and not self._allow:
            raise SchemeNotAllowed("Only https URLs are fetched, and this one is http.")
        if not 0 < (parsed.port or 443) <= 65535:
            raise SchemeNotAllowed("The port of the URL does not exist.")
        if parsed.userinfo:
            raise SchemeNotAllowed("A URL with a user name or password in it is not fetched.")
        labels = parsed.raw_host.decode("ascii", "replace").removesuffix(".").split(".")
        if not all(0 < len(label) <= 63 for label in labels) and ":" not in parsed.host:
            raise NameNotFound("The URL has no valid host name.")
        return parsed

    async def _get(self, url: httpx.URL, read: Read) -> Fetched | str:
        """The file, or where it moved to."""
        with _errors_of(Hop(is_plain=url.scheme == "http")):
            async with self.client.stream("GET", url, follow_redirects=False) as response:
                if response.next_request is not None:
                    return str(response.next_request.url)
                if response.status_code != 200:
                    raise BadStatus(f"The server answered with status {response.status_code}.")
                if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
                    raise BadEncoding("The server sent the file compressed though asked not to.")
                content = await read(response)
                return Fetched(content, response.headers.get("content-type"), str(url))


async def _capped(response: httpx.Response, max_bytes: int) -> AsyncIterator[bytes]:
    """The body as it comes. Raises TooLarge; what the server says of its length is believed when it is too much."""
    too_large = TooLarge(f"The file is larger than {max_bytes} bytes.")
    claimed = response.headers.get("content-length", "")
    if claimed.isascii() and claimed.isdigit() and int(claimed[:20]) > max_bytes:
        raise too_large
    received = 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        if received > max_bytes:
            raise too_large
        yield chunk


def _require(accepts: Callable[[bytes], bool], head: bytes | bytearray) -> None:
    if not accepts(bytes(head[:HEAD_BYTES])):
        raise WrongType("The file is not of a type that is taken here.")


async def _write(file: FileIO, piece: bytearray) -> None:
    def write() -> None:
        left = memoryview(piece)
        while left:
            left = left[file.write(left) :]

    writing = asyncio.ensure_future(asyncio.to_thread(write))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])  # a thread cannot be stopped: who closes the file must come after it
        raise
    except OSError as fault:
        raise DependencyDown("There is no room for temporary files just now.") from fault


@contextmanager
def _errors_of(hop: Hop) -> Iterator[None]:
    """Turn what httpx, aiohttp and the resolver raise into ours."""
    mark = current_hop.set(hop)
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, ValueError) as fault:
        raise _translated(hop, fault) from fault
    finally:
        current_hop.reset(mark)


def _translated(hop: Hop, fault: BaseException) -> EgressError:
    if hop.is_refused or isinstance(fault, httpx.UnsupportedProtocol):  # the latter: 127.1, 2130706433
        if hop.is_plain:
            return AddressNotAllowed("Only https URLs to public addresses are fetched.")
        return AddressNotAllowed("The URL leads to an address that is not public.")
    causes = [fault, fault.__cause__, fault.__context__]
    if any(isinstance(cause, aiohttp.ClientSSLError | ssl.SSLError) for cause in causes):
        return TlsFailed("The server's TLS or its certificate is not good.")
    if any(isinstance(cause, aiohttp.ClientConnectorDNSError | UnicodeError) for cause in causes):
        return NameNotFound("The host name of the URL was not found.")
    if any(isinstance(cause, httpx.ReadTimeout | TimeoutError) for cause in causes):
        return TooSlow("The server did not answer in time.")
    return ConnectionBroken("The server could not be reached, or ended the connection early.")
