"""How a request to a vendor goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

MEBIBYTE = 1024 * 1024
PAGE = b"<!doctype html><html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """`is_late`: the vendor has done its part, an order is taken and billed, and only the answer to it is spoiled.

    Without a body the right answer goes out: after so many `seconds`, or but a half of it.
    """

    status: int = 200
    body: bytes | None = None
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_late: bool = False
    is_half: bool = False
    seconds: float = 0.0

    @property
    def is_before(self) -> bool:
        """Nothing was done by the vendor."""
        return not self.is_late and self.body is not None


DOWN = Fault(503, PAGE)
LIMITED = Fault(429, b'{"detail": "Request was throttled."}', "application/json", {"Retry-After": "7"})
GONE = Fault(404, b'{"detail": "Not found."}', "application/json")
HTML = Fault(200, PAGE, is_late=True)
TRUNCATED = Fault(is_half=True, is_late=True)
EMPTY_LIST = Fault(200, b"[]", "application/json", is_late=True)
WRONG_TYPE = Fault(200, b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png", is_late=True)
GATEWAY = Fault(502, PAGE, is_late=True)
SPOILED = {"html": HTML, "truncated": TRUNCATED, "empty-list": EMPTY_LIST, "wrong-type": WRONG_TYPE, "gateway": GATEWAY}
"""Answers that leave it open what was ordered."""

FILE_GONE = Fault(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")


def moved(to: str) -> Fault:
    return Fault(302, b"", headers={"Location": to})


def slow(seconds: float) -> Fault:
    return replace(HTML, body=None, seconds=seconds)
