"""The provider of test keys: deterministic pictures, at once, for nothing.

A picture's colours come from the call, so the same order gives the same bytes and another order other ones.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Sequence

from app.core.settings import Settings
from app.providers.base import Accepted, Call, Done, ErrorCode, Health, Offer, Output, Rejected, Running

SIDE = 256
STRIPES = 8


class Sandbox:
    """Does every operation, and none of them really."""

    name = "sandbox"
    is_repeatable = True
    offers: Sequence[Offer] = (
        Offer("remove_background", "sandbox", "Sandbox", seconds=1),
        Offer(
            "replace_background",
            "sandbox",
            "Sandbox",
            steps=("remove_background", "background", "composite"),
            seconds=1,
        ),
        Offer("upscale", "sandbox", "Sandbox", seconds=1),
    )

    def __init__(self, settings: Settings) -> None:
        del settings  # it needs none

    async def submit(self, call: Call) -> Done | Accepted:
        count = call.params.get("num_images", 1)
        first = call.params.get("seed") or 0
        return Done([self._picture(call, first + number) for number in range(count)])

    def _picture(self, call: Call, seed: int) -> Output:
        said = {key: value for key, value in call.params.items() if key not in ("seed", "num_images")}
        known = json.dumps([call.operation, said, sorted(call.files), seed], sort_keys=True, default=str)
        return Output(content=striped_png(hashlib.sha256(known.encode()).digest()), content_type="image/png", seed=seed)

    async def poll(self, reference: str) -> Done | Running:
        raise Rejected(ErrorCode.PROVIDER_REJECTED, "The sandbox answers at once and has no jobs to ask for.")

    async def find(self, reference: str) -> Done | Accepted | None:
        return None

    async def cancel(self, reference: str) -> None:
        return None

    async def probe(self) -> Health:
        return Health(is_healthy=True)

    async def close(self) -> None:
        return None


def striped_png(colours: bytes) -> bytes:
    """A square PNG of vertical stripes, three bytes of `colours` each, written without any imaging library.

    https://www.w3.org/TR/png-3/
    """
    width = SIDE // STRIPES
    row = b"\0" + b"".join(colours[3 * stripe : 3 * stripe + 3] * width for stripe in range(STRIPES))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(row * SIDE)), (b"IEND", b""))
    )
