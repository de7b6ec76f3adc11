"""Files as vendors want them in JSON."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64

from app.providers.base import ErrorCode, Output, Transient

_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"))


def media_type(content: bytes) -> str:
    """Of PNG, JPEG or WebP bytes: there are no others in a `Call`."""
    return next((name for magic, name in _MAGIC if content.startswith(magic)), "application/octet-stream")


def base64(content: bytes) -> str:
    return b64encode(content).decode()


def data_uri(content: bytes) -> str:
    return f"data:{media_type(content)};base64,{base64(content)}"


def output(text: str, *, seed: int | None = None) -> Output:
    """A result the vendor wrote as URL, data URI or plain base64. Raises Transient when it is none of these."""
    if text.startswith(("https://", "http://")):
        return Output(url=text, seed=seed)
    try:
        return Output(b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True), seed=seed)
    except (NotBase64, ValueError):
        raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's result is no file.") from None
