"""Pictures as arrays, and as files: decoding, encoding, scaling, blurring.

Rows first, channels last: uint8 for whole pictures, float32 in 0..1 for what is computed with.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from app.core.process_child import WorkRefused

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

BAND_ROWS = 128
MIN_SIDE = 16
MAX_PIXELS = 4096 * 4096 * 2

_CONTENT_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_WHITE = (255, 255, 255)


def open_image(content: bytes, role: str = "image") -> pyvips.Image:
    """An upright sRGB picture, 8 bits a channel, three bands or four."""
    try:
        image = pyvips.Image.new_from_buffer(content, "", access="sequential", fail_on="truncated")
        if image.width * image.height > MAX_PIXELS:
            raise WorkRefused("too_large", f"The {role} has {image.width}x{image.height} pixels, too many.")
        image = image.copy_memory().autorot()  # a broken file shows here, not when it is used
        if image.interpretation != "srgb":
            image = image.colourspace("srgb")
        image = image.cast("uchar")
        return image[:4] if image.bands > 4 else image
    except pyvips.Error as error:
        if "out of memory" in str(error):
            raise MemoryError from error
        raise WorkRefused("unreadable", f"The {role} cannot be read.") from error


def require_size(width: int, height: int, role: str = "image") -> None:
    """There is no subject, and no set, in a few pixels."""
    if min(width, height) < MIN_SIDE:
        raise WorkRefused("too_small", f"The {role} has {width}x{height} pixels; each side needs at least {MIN_SIDE}.")


def to_array(image: pyvips.Image) -> Bytes:
    """Rows, columns, channels, also where there is one channel."""
    pixels: Bytes = image.numpy()
    return pixels.reshape(image.height, image.width, image.bands)


def from_array(pixels: NDArray[Any]) -> pyvips.Image:
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    if pixels.dtype == np.uint8:
        channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        image = image.copy(interpretation="b-w" if channels < 3 else "srgb")
    return image


def open_rgb(content: bytes, role: str = "image") -> Bytes:
    """Colours alone; what was transparent shows white."""
    image = open_image(content, role)
    require_size(image.width, image.height, role)
    if image.hasalpha():
        image = image.flatten(background=list(_WHITE))
    return to_array(image)


def open_mask(content: bytes, width: int, height: int) -> Bytes:
    """A grey picture of the given size: its alpha channel if it has one that says something, else its light."""
    image = open_image(content, "mask")
    if image.hasalpha() and image[image.bands - 1].min() < 255:
        image = image[image.bands - 1]
    elif image.bands > 2:
        image = image[:3].colourspace("b-w")
    image = image[0]
    if (image.width, image.height) != (width, height):
        image = image.thumbnail_image(width, height=height, size="force")
    return to_array(image)[:, :, 0]


def scaled(pixels: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """The same picture at another size; cubic, so that soft edges stay without rings."""
    rows, columns = pixels.shape[:2]
    if (columns, rows) == (width, height):
        return pixels
    image = from_array(pixels).resize(width / columns, vscale=height / rows, kernel="cubic")
    if (image.width, image.height) != (width, height):
        image = image.gravity("centre", width, height, extend="copy")
    result: NDArray[Any] = image.numpy()
    return result if result.ndim == pixels.ndim else result[:, :, None]


def blurred(pixels: Floats, sigma: float) -> Floats:
    """Gaussian; wide ones are taken at a smaller size, where they cost little and look the same."""
    if sigma < 0.2:
        return pixels
    rows, columns = pixels.shape[:2]
    shrink = max(1, min(int(sigma / 3), rows // 8, columns // 8))
    small = scaled(pixels, max(columns // shrink, 1), max(rows // shrink, 1)) if shrink > 1 else pixels
    pad = int(3 * sigma / shrink) + 1
    image = from_array(small)
    image = image.embed(pad, pad, image.width + 2 * pad, image.height + 2 * pad, extend="copy")
    image = image.gaussblur(sigma / shrink, precision="float", min_ampl=0.02)
    result = image.crop(pad, pad, small.shape[1], small.shape[0]).numpy()
    result = result if result.ndim == pixels.ndim else result[:, :, None]
    return scaled(result, columns, rows).astype(np.float32, copy=False)


def clipped(light: Floats) -> Floats:
    """Within 0..1."""
    result: Floats = np.clip(light, 0, 1, dtype=np.float32)
    return result


def to_bytes(light: Floats) -> Bytes:
    """0..1 to 0..255, rounded."""
    result: Bytes = (clipped(light) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return result


def to_floats(pixels: Bytes) -> Floats:
    """0..255 to 0..1."""
    result: Floats = pixels.astype(np.float32) * np.float32(1 / 255)
    return result


def bands(rows: int) -> Iterator[slice]:
    """Slices of rows, so that floats of a large picture never exist all at once."""
    for top in range(0, rows, BAND_ROWS):
        yield slice(top, min(top + BAND_ROWS, rows))


def encode(image: pyvips.Image, params: Mapping[str, Any], default: str = "png") -> dict[str, Any]:
    """The file in the wanted format, as the parent expects an output."""
    kind = str(params.get("output_format") or default)
    quality = int(params.get("output_quality") or 90)
    if kind == "jpeg":
        if image.hasalpha():
            image = image.flatten(background=list(_WHITE) if image.bands > 2 else 255)
        content = image.jpegsave_buffer(Q=quality, optimize_coding=True, keep="none")
    elif kind == "webp":
        content = image.webpsave_buffer(Q=quality, effort=3, keep="none")
    else:
        kind, content = "png", image.pngsave_buffer(compression=4, keep="none")
    return {"content": content, "content_type": _CONTENT_TYPES[kind]}


def kind_of(content: bytes) -> str:
    """The format of a file by its first bytes: png, jpeg or webp."""
    if content[:2] == b"\xff\xd8":
        return "jpeg"
    return "webp" if content[8:12] == b"WEBP" else "png"
