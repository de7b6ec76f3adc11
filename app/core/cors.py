"""CORS: listed origins are answered in full, others as if they had not asked."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Message, Receive, Scope, Send

from app.core.settings import Settings

EXPOSED_HEADERS = (
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)


class Cors(CORSMiddleware):
    """Starlette's, which tells strangers a part of the policy, and in plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None or self.is_allowed_origin(origin):
            await super().__call__(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)

        await self.app(scope, receive, send_marked)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"


def allowed_origins(settings: Settings) -> list[str]:
    """Of pages that may call the API, as browsers write them."""
    return [origin if origin == "*" else origin_of(origin) for origin in settings.api.cors_origins]


def trusted_origins(settings: Settings) -> set[str]:
    """Of the API, of the front end, and of pages that may call the API with cookies; `*` trusts nobody with these."""
    own = {origin_of(url) for url in (settings.api.public_url, settings.auth.app_url) if url}
    return own | {origin_of(origin) for origin in settings.api.cors_origins if origin != "*"}
