"""Pictures for the provider tests, and how the parent's answers are read."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

_PHOTOS = Path(__file__).parents[2] / "examples/photos"

Pixels = NDArray[np.uint8]


@cache
def photo(name: str) -> bytes:
    return (_PHOTOS / f"{name}.jpg").read_bytes()


def decoded(content: bytes | None) -> Pixels:
    assert content is not None
    pixels: Pixels = pyvips.Image.new_from_buffer(content, "").numpy()
    return pixels


def loader_of(content: bytes | None) -> str:
    """png, jpeg or webp, as libvips sees it."""
    assert content is not None
    loader: str = pyvips.Image.new_from_buffer(content, "").get("vips-loader")
    return loader.removesuffix("load_buffer")


def from_pixels(pixels: Pixels) -> pyvips.Image:
    return pyvips.Image.new_from_array(np.ascontiguousarray(pixels))


def png(pixels: Pixels) -> bytes:
    content: bytes = from_pixels(pixels).pngsave_buffer()
    return content


def flat(width: int, height: int, colour: tuple[int, ...] = (120, 80, 40)) -> bytes:
    return png(np.full((height, width, len(colour)), colour, np.uint8))


def halves(width: int = 40, height: int = 20) -> Pixels:
    """Left red, right blue, with a green line along the top."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    pixels[0] = (0, 255, 0)
    return pixels


def disc(width: int, height: int, *, centre: tuple[float, float], radius: float) -> Pixels:
    """A grey mask of a round thing."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(y - centre[0], x - centre[1])
    mask: Pixels = (np.clip(radius - distance, 0, 1) * 255).astype(np.uint8)
    return mask


def output(outputs: list[dict[str, Any]]) -> Pixels:
    [only] = outputs
    return decoded(only["content"])
