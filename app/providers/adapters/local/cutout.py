"""Cutting the subject of a photograph out: its opacity at full size, and its colours without the old surroundings."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyvips

from app.core.process_child import WorkRefused
from app.providers.adapters.local import matting, saliency
from app.providers.adapters.local.pictures import (
    Bytes,
    Flags,
    Floats,
    bands,
    blurred,
    encode,
    from_array,
    open_rgb,
    scaled,
    to_array,
    to_bytes,
    to_floats,
)

WORK_SIDE = 1024
_SPECK = 0.03  # of the largest piece
_HOLE = 0.002  # of the picture


def remove_background(params: Mapping[str, Any], files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """A cut-out, or its mask alone.

    With `alpha_matting` the outline is fitted to the photograph; without, it is as the network sees it.
    """
    pixels = open_rgb(files["image"])
    alpha = opacity(pixels, params)
    if params.get("only_mask"):
        return [encode(from_array(alpha), {})]
    background = params.get("background_color") or (255, 255, 255, 0)
    return [encode(from_array(_on_colour(pixels, alpha, background)), params)]


def opacity(pixels: Bytes, params: Mapping[str, Any]) -> Bytes:
    """How opaque each pixel of the subject is, 0..255."""
    rows, columns = pixels.shape[:2]
    scale = min(1.0, WORK_SIDE / max(rows, columns))
    width, height = max(round(columns * scale), 1), max(round(rows * scale), 1)
    mask = matting.decided(saliency.subject(pixels, width, height))
    if mask.mean() < 0.001:
        raise WorkRefused("no_subject", "No subject stands out from the background of this image.")
    if not params.get("alpha_matting", True):
        if params.get("post_process_mask"):
            mask = _without_specks(mask)
        seen = from_array(to_bytes(mask))
        return np.asarray(seen.resize(columns / width, vscale=rows / height).numpy()).reshape(rows, columns)
    small = to_floats(scaled(pixels, width, height))
    inside, outside, erode = _certainty(params)
    known = matting.trimap(
        mask, inside=inside, outside=outside, erode=round(max(erode * scale, max(width, height) / 80))
    )
    alpha = matting.solve(small, mask, known, radius=min(max(round(max(width, height) / 190), 2), 6))
    if params.get("post_process_mask"):
        alpha = _without_specks(alpha)
    return _at_full_size(pixels, small, alpha) if scale < 1 else to_bytes(alpha)


def _certainty(params: Mapping[str, Any]) -> tuple[float, float, int]:
    inside, outside = params.get("foreground_threshold", 240), params.get("background_threshold", 15)
    if not 0 <= outside < inside <= 255:
        raise WorkRefused("bad_thresholds", "foreground_threshold must be above background_threshold.")
    return inside / 255, outside / 255, int(params.get("erode_size", 8))


def _at_full_size(pixels: Bytes, small: Floats, alpha: Floats) -> Bytes:
    """Along the outline the opacity follows the full picture's edges; elsewhere it is just enlarged."""
    rows, columns = pixels.shape[:2]
    guide = matting.ColourLines(small, 2)
    lines = matting.box(guide.fit(alpha), 2) / guide.count
    soft = blurred(((alpha > 0.01) & (alpha < 0.99)).astype(np.float32)[:, :, None], 2.5)[:, :, 0]
    soft = np.clip(4 * soft, 0, 1)
    coarse = np.dstack([lines.transpose(1, 2, 0), alpha, soft])
    fine = from_array(coarse).resize(columns / coarse.shape[1], vscale=rows / coarse.shape[0], kernel="linear")
    centre = small.mean((0, 1))
    result = np.empty((rows, columns), np.uint8)
    for band in bands(rows):
        part = _rows(fine, band, columns)
        light = to_floats(pixels[band])
        followed = np.clip(matting.applied(part[:, :, :4], light, centre), 0, 1)
        plain, weight = part[:, :, 4], part[:, :, 5]
        result[band] = to_bytes(plain + weight * (followed - plain))
    return result


def _rows(image: pyvips.Image, band: slice, columns: int) -> Floats:
    part: Floats = image.crop(0, band.start, min(columns, image.width), band.stop - band.start).numpy()
    return part


def own_colours(pixels: Bytes, alpha: Bytes) -> Bytes:
    """The subject's colours, also where the old surroundings shine through its edge."""
    rows, columns = pixels.shape[:2]
    scale = min(1.0, WORK_SIDE / max(rows, columns))
    width, height = max(round(columns * scale), 1), max(round(rows * scale), 1)
    light = to_floats(scaled(pixels, width, height))
    cover = to_floats(scaled(alpha, width, height))[:, :, None]
    reach = max(width, height)
    own, other = _spread(light, light, cover, reach / 14)
    own_fine, other_fine = _spread(
        own + cover * (light - cover * own - (1 - cover) * other), other, cover, max(reach / 300, 1.5)
    )
    both = from_array(np.dstack([own_fine, other_fine]))
    both = both.resize(columns / width, vscale=rows / height, kernel="linear") if scale < 1 else both
    result = pixels.copy()
    for band in bands(rows):
        thin = (alpha[band] > 0) & (alpha[band] < 250)
        if not thin.any():
            continue
        part = _rows(both, band, columns)[thin]
        seen, share = to_floats(pixels[band][thin]), to_floats(alpha[band][thin])[:, None]
        found = part[:, :3] + share * (seen - share * part[:, :3] - (1 - share) * part[:, 3:])
        result[band][thin] = to_bytes(found)
    return result


def _spread(own: Floats, other: Floats, cover: Floats, sigma: float) -> tuple[Floats, Floats]:
    """The subject's and the surroundings' colours, each carried over its own border."""
    mixed = blurred(np.dstack([own * cover, cover, other * (1 - cover), 1 - cover]), sigma)
    return mixed[:, :, :3] / (mixed[:, :, 3:4] + 1e-4), mixed[:, :, 4:7] / (mixed[:, :, 7:] + 1e-4)


def _on_colour(pixels: Bytes, alpha: Bytes, background: Any) -> Bytes:
    colours = own_colours(pixels, alpha)
    red, green, blue, ground = (*background, 255)[:4]
    colour = np.array([red, green, blue], np.float32)
    result = np.empty((*alpha.shape, 4), np.uint8)
    for band in bands(alpha.shape[0]):
        top = to_floats(alpha[band])[:, :, None]
        below = (1 - top) * (ground / 255)
        total = top + below
        mixed = (colours[band] * top + colour * below) / np.maximum(total, 1e-6)
        result[band, :, :3] = np.where(total > 0, mixed + 0.5, colour)
        result[band, :, 3:] = total * 255 + 0.5
    return result


def _without_specks(alpha: Floats) -> Floats:
    """Drops pieces that are small beside the largest one, and closes pinholes."""
    solid = alpha > 0.3
    keep = _large_pieces(solid, _SPECK)
    near = blurred(keep.astype(np.float32)[:, :, None], 2)[:, :, 0] > 0.02  # the soft rim of what stays
    alpha = np.where(near, alpha, np.float32(0))
    open_ground = _large_pieces(alpha < 0.7, _HOLE, of_picture=True)
    pinhole = (alpha < 0.7) & ~open_ground
    return np.where(pinhole, np.float32(1), alpha)


def _large_pieces(solid: Flags, share: float, *, of_picture: bool = False) -> Flags:
    labels = to_array(from_array(solid.astype(np.uint8) * 255).labelregions())[:, :, 0]
    sizes = np.bincount(labels.ravel(), weights=solid.ravel().astype(np.float64))
    whole = solid.size if of_picture else max(sizes.max(), 1)
    return np.logical_and((sizes > share * whole)[labels], solid)
