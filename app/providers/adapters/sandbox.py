"""The provider of test-mode keys: the operations of `local`, answered at once with small pictures made of the order.

The same call gives the same bytes; another seed, parameter or file gives other colours. Always PNG, whatever
format was asked for.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from app.core.settings import Settings
from app.providers.base import REMOTE, Accepted, Call, Done, ErrorCode, Health, Offer, Output, Rejected, Running

_MODEL = "sandbox"
_OFFERS = (
    Offer("remove_background", _MODEL, "Rehearsal cut-out", seconds=0.1, max_outputs=1),
    Offer(
        "replace_background",
        _MODEL,
        "Rehearsal studio set",
        steps=("remove_background", "background", "composite"),
        seconds=0.3,
    ),
    Offer("transform_image", _MODEL, "Rehearsal transform", seconds=0.1, max_outputs=1),
    Offer("upscale", _MODEL, "Rehearsal upscale", seconds=0.1, max_outputs=1),
)
_STEPS = frozenset(step for offer in _OFFERS for step in offer.steps)
_SIDE, _LONGEST = 128, 512

Rgb = tuple[int, int, int]


class Sandbox:
    """Deterministic, free and instant."""

    name = "sandbox"
    offers: Sequence[Offer] = _OFFERS
    is_repeatable = True
    lane = REMOTE

    def __init__(self, settings: Settings) -> None:
        """Nothing to set up."""

    async def submit(self, call: Call) -> Done:
        if call.operation not in _STEPS:
            raise Rejected(ErrorCode.PROVIDER_REJECTED, f"The sandbox cannot do {call.operation}.")
        count = int(call.params.get("num_images") or 1) if call.operation == "background" else 1
        first = call.params.get("seed")
        if first is None and call.operation == "background":
            first = 0
        seeds = [None if first is None else int(first) + number for number in range(count)]
        outputs = [Output(content=_picture(call, seed), content_type="image/png", seed=seed) for seed in seeds]
        return Done(outputs, cost_microusd=0)

    async def poll(self, reference: str) -> Running:
        raise Rejected(ErrorCode.PROVIDER_REJECTED, "Nothing is ever pending here.")

    async def find(self, reference: str, model: str) -> Done | Accepted | None:
        return None

    async def cancel(self, reference: str) -> None:
        """Everything is done before it could be cancelled."""

    async def probe(self) -> Health:
        return Health(is_healthy=True)

    async def close(self) -> None:
        """Nothing to close."""


def _picture(call: Call, seed: int | None) -> bytes:
    width, height = _size(call.params)
    first, second = _colours(call, seed)
    if call.operation != "remove_background":
        return _png(width, height, 2, [bytes(_between(first, second, row / height)) * width for row in range(height)])
    if call.params.get("only_mask"):
        return _png(width, height, 0, _disc(width, height, b"\x00", b"\xff"))
    return _png(width, height, 6, _disc(width, height, bytes(4), bytes((*first, 255))))


def _size(params: Any) -> tuple[int, int]:
    """The wanted shape, at a size that costs nothing."""
    width, height = int(params.get("width") or 0), int(params.get("height") or 0)
    width, height = width or height or _SIDE, height or width or _SIDE
    scale = min(1.0, _LONGEST / max(width, height))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _colours(call: Call, seed: int | None) -> tuple[Rgb, Rgb]:
    order = json.dumps([call.operation, dict(call.params), seed], sort_keys=True, default=str)
    digest = hashlib.sha256(order.encode())
    for role in sorted(call.files):
        digest.update(hashlib.sha256(call.files[role]).digest())
    red, green, blue, other_red, other_green, other_blue, *_ = digest.digest()
    return (red, green, blue), (other_red, other_green, other_blue)


def _between(first: Rgb, second: Rgb, share: float) -> list[int]:
    return [round(low + (high - low) * share) for low, high in zip(first, second, strict=True)]


def _disc(width: int, height: int, outside: bytes, inside: bytes) -> list[bytes]:
    rows = []
    for row in range(height):
        up = (2 * row + 1) / height - 1
        half = round(0.4 * width * max(1 - (up / 0.8) ** 2, 0) ** 0.5)
        left = width // 2 - half
        rows.append(outside * left + inside * 2 * half + outside * (width - left - 2 * half))
    return rows


def _png(width: int, height: int, colour_type: int, rows: list[bytes]) -> bytes:
    """Eight bits a channel; colour types 0 grey, 2 RGB, 6 RGBA."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\x00" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
