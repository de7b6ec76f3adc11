"""Small PNG files made with next to no CPU: the pixels of a size are packed once, an order only colours them."""

import struct
import zlib
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b

LONGEST = 128
"""Pixels: the longer side of every picture."""
_SHADES = 64
_INSIDE, _OUTSIDE = b"\xff", b"\x00"


class Kind(StrEnum):
    """What is in the picture."""

    GRADIENT = "g"
    CUT_OUT = "c"
    MASK = "m"


def size(width: int, height: int) -> tuple[int, int]:
    """The wanted shape at a size that costs nothing; where one side is 0 a square, where both are the usual one."""
    width, height = width or height or LONGEST, height or width or LONGEST
    scale = min(1.0, LONGEST / max(width, height))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def make(kind: Kind, width: int, height: int, digest: bytes, number: int) -> bytes:
    """The picture `number` of the order with this digest: always the same bytes."""
    colours = blake2b(digest + number.to_bytes(4, "big"), digest_size=6).digest()
    match kind:
        case Kind.GRADIENT:
            return _png(width, height, 3, _shades(colours[:3], colours[3:]), b"", _rows(width, height))
        case Kind.CUT_OUT:
            return _png(width, height, 3, bytes(3) + colours[:3], b"\x00\xff", _disc(width, height, b"\x01"))
        case Kind.MASK:
            return _png(width, height, 0, b"", b"", _disc(width, height, _INSIDE))


def truncated(content: bytes) -> bytes:
    """What is left of a PNG when the connection ends early."""
    return content[: len(content) // 2]


def _shades(first: bytes, second: bytes) -> bytes:
    last = _SHADES - 1
    return bytes(
        (low * (last - step) + high * step) // last
        for step in range(_SHADES)
        for low, high in zip(first, second, strict=True)
    )


@lru_cache(64)
def _rows(width: int, height: int) -> bytes:
    """Packed pixels: from the first shade at the top to the last at the bottom."""
    last = max(height - 1, 1)
    return _packed([bytes([row * (_SHADES - 1) // last]) * width for row in range(height)])


@lru_cache(64)
def _disc(width: int, height: int, inside: bytes) -> bytes:
    """Packed pixels: an ellipse in the middle."""
    rows = []
    for row in range(height):
        up = (2 * row + 1) / height - 1
        half = round(0.4 * width * max(1 - (up / 0.8) ** 2, 0) ** 0.5)
        left = width // 2 - half
        rows.append(_OUTSIDE * left + inside * 2 * half + _OUTSIDE * (width - left - 2 * half))
    return _packed(rows)


def _packed(rows: list[bytes]) -> bytes:
    return zlib.compress(b"".join(b"\x00" + row for row in rows), 1)


def _png(width: int, height: int, colour_type: int, palette: bytes, alpha: bytes, pixels: bytes) -> bytes:
    """Eight bits a pixel; colour type 0 is grey, 3 a palette, whose first entries may be transparent."""
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)),
            _chunk(b"PLTE", palette) if palette else b"",
            _chunk(b"tRNS", alpha) if alpha else b"",
            _chunk(b"IDAT", pixels),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
