"""Files as vendors want them in JSON."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64

from app.providers.base import Output
from app.providers.vendor import Reply

_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"))


def media_type(content: bytes) -> str:
    """Of PNG, JPEG or WebP bytes: there are no others in a `Call`."""
    return next((name for magic, name in _MAGIC if content.startswith(magic)), "application/octet-stream")


def base64(content: bytes) -> str:
    return b64encode(content).decode()


def data_uri(content: bytes) -> str:
    return f"data:{media_type(content)};base64,{base64(content)}"


def output(text: str, reply: Reply, *, seed: int | None = None) -> Output:
    """A result the vendor wrote as URL, data URI or base64. Raises what follows from a reply that makes no sense."""
    if text.startswith(("https://", "http://")):
        return Output(url=text, seed=seed)
    try:
        return Output(b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True), seed=seed)
    except (NotBase64, ValueError):
        raise reply.unreadable() from None
