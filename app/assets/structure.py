"""The containers of PNG and WebP, read before any decoder does: animation, floods, truncation, what is hidden."""

import struct
from collections.abc import Iterator

from app.core.process_child import WorkRefused

MAX_SIDE_CHUNKS = 1000
MAX_CHUNKS = 200_000


def damaged(kind: str) -> WorkRefused:
    return WorkRefused("invalid_image", f"The {kind} is truncated or damaged.")


def animated(kind: str) -> WorkRefused:
    return WorkRefused("invalid_image", f"This {kind} is animated. Send a still image.")


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Type and end of each chunk up to IEND. Refuses what ends early or has no end."""
    position, chunks, beside = 8, 0, 0
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        position += 12 + length
        chunks += 1
        beside += kind != b"IDAT"
        if position > len(content):
            break
        if chunks > MAX_CHUNKS or beside > MAX_SIDE_CHUNKS:
            raise WorkRefused("invalid_image", "The PNG has too many chunks.")
        yield kind, position
        if kind == b"IEND":
            return
    raise damaged("PNG")


def check_png(content: bytes) -> bool:
    """Refuse animations and broken files; True when nothing follows the picture."""
    ends = 0
    for kind, position in png_chunks(content):
        if kind == b"acTL":
            raise animated("PNG")
        ends = position
    return ends == len(content)


def webp_chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Type and offset of the body of each chunk."""
    end = 8 + struct.unpack_from("<I", content, 4)[0]
    if end > len(content) + 1:  # some writers forget the last padding byte
        raise damaged("WebP")
    position, chunks = 12, 0
    while position + 8 <= min(end, len(content)):
        kind, length = struct.unpack_from("<4sI", content, position)
        yield kind, position + 8
        position += 8 + length + length % 2
        chunks += 1
        if chunks > MAX_SIDE_CHUNKS:
            raise WorkRefused("invalid_image", "The WebP has too many chunks.")


def check_webp(content: bytes) -> tuple[bool, bool]:
    """Refuse animations and broken files; whether it is lossless, and whether nothing follows the picture."""
    kinds = set()
    for kind, body in webp_chunks(content):
        kinds.add(kind)
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and content[body : body + 1] and content[body] & 2):
            raise animated("WebP")
    if not kinds & {b"VP8 ", b"VP8L"}:
        raise damaged("WebP")
    ends_there = 8 + int(struct.unpack_from("<I", content, 4)[0]) == len(content)
    return b"VP8L" in kinds, ends_there
