"""Enlarging a picture two or four times.

Up to a megapixel by Real-ESRGAN (the small network: the large one takes minutes on a CPU), whose drawn look is tempered
with the enlarged original. Above that, and where its weights are not installed, by Lanczos and mild
sharpening: the network's time grows with the area.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import ncnn
import numpy as np
import pyvips

from app.core.process_child import WorkRefused
from app.providers.adapters.local import models
from app.providers.adapters.local.pictures import (
    Bytes,
    Floats,
    blurred,
    encode,
    from_array,
    kind_of,
    open_image,
    to_array,
    to_bytes,
)

MAX_SIDE = 8192
NETWORK_PIXELS = 1_000_000
_TILE = 224
_MARGIN = 18  # as far as the network sees
_NETWORK_SHARE = 0.72


def upscale(params: Mapping[str, Any], files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    scale = int(params.get("scale") or 2)
    image = open_image(files["image"])
    if scale not in (2, 4):
        raise WorkRefused("bad_scale", "scale must be 2 or 4.")
    if max(image.width, image.height) * scale > MAX_SIDE:
        raise WorkRefused(
            "too_large",
            f"An image of {image.width}x{image.height} pixels enlarged {scale} times would exceed"
            f" {MAX_SIDE} pixels on a side.",
        )
    colours = (image if image.bands > 2 else image.colourspace("srgb"))[:3]
    alpha = image[image.bands - 1] if image.hasalpha() else None
    if image.width * image.height > NETWORK_PIXELS or models.realesrgan(scale) is None:
        larger = _by_lanczos(colours, scale)
    else:
        pixels = to_array(colours)
        if alpha is not None:
            pixels = _filled(pixels, to_array(alpha))
        larger = from_array(_by_network(pixels, scale))
    if alpha is not None:
        larger = larger.bandjoin(alpha.resize(scale, kernel="cubic")).copy(interpretation="srgb")
    return [encode(larger, params, default=kind_of(files["image"]))]


def _by_lanczos(colours: pyvips.Image, scale: int) -> pyvips.Image:
    larger = colours.resize(scale, kernel="lanczos3")
    soft = larger.gaussblur(0.6 * scale, precision="integer")
    return (larger + (larger - soft) * 0.5).rint().cast("uchar").copy(interpretation="srgb")


@cache
def _network(scale: int) -> ncnn.Net:
    found = models.realesrgan(scale)
    assert found is not None
    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = 2
    network.load_param(str(found[0]))
    network.load_model(str(found[1]))
    return network


def _by_network(pixels: Bytes, scale: int) -> Bytes:
    """Tile by tile, each with as much around it as the network sees."""
    rows, columns = pixels.shape[:2]
    around = np.pad(pixels, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="edge")
    larger = np.empty((rows * scale, columns * scale, 3), np.uint8)
    for top in range(0, rows, _TILE):
        for left in range(0, columns, _TILE):
            tile = around[top : top + _TILE + 2 * _MARGIN, left : left + _TILE + 2 * _MARGIN]
            drawn = _tempered(_drawn(tile, scale), tile, scale)
            inner = drawn[_MARGIN * scale : -_MARGIN * scale, _MARGIN * scale : -_MARGIN * scale]
            y, x = top * scale, left * scale
            larger[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return larger


def _drawn(tile: Bytes, scale: int) -> Floats:
    planes = np.ascontiguousarray(tile.transpose(2, 0, 1), dtype=np.float32) / 255
    extractor = _network(scale).create_extractor()
    extractor.input("data", ncnn.Mat(planes))
    status, result = extractor.extract("output")
    if status != 0:
        raise MemoryError("the network could not finish a tile")
    return np.array(result, dtype=np.float32).transpose(1, 2, 0)


def _tempered(drawn: Floats, tile: Bytes, scale: int) -> Bytes:
    """The network's edges, a share of the photograph's grain, and exactly its tones."""
    plain = from_array(tile).resize(scale, kernel="lanczos3").numpy().astype(np.float32) / 255
    drawn = drawn + blurred(np.ascontiguousarray(plain - drawn), 2.0 * scale)
    mixed = plain + _NETWORK_SHARE * (drawn - plain)
    return to_bytes(mixed)


def _filled(pixels: Bytes, alpha: Bytes) -> Bytes:
    """Under full transparency, the colours from beside it: what is there by accident would show at the edge."""
    if alpha.min() > 0:
        return pixels
    cover = alpha.astype(np.float32) / 255
    spread = blurred(np.dstack([pixels * cover, cover]), 6)
    near = spread[:, :, 3:] > 1e-3
    own = np.where(near, spread[:, :, :3] / np.maximum(spread[:, :, 3:], 1e-3), pixels)
    return np.where(alpha > 0, pixels, np.clip(own, 0, 255)).astype(np.uint8)
