"""Puts a cut-out subject onto a new background so that it belongs there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvips

from app.providers.adapters.local import shadows, stance
from app.providers.adapters.local.cutout import own_colours
from app.providers.adapters.local.pictures import (
    Bytes,
    Floats,
    bands,
    blurred,
    encode,
    from_array,
    open_mask,
    open_rgb,
    scaled,
    to_bytes,
    to_floats,
)
from app.providers.adapters.local.scene import Scene, resolve
from app.providers.adapters.local.stance import Outline, Stance

WORK_SIDE = 1024
_TINT = 0.16  # how far the subject's colours follow the light of the set
_WRAP = 0.22  # how much of the set's light creeps over the subject's edge


def composite(params: Mapping[str, Any], files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The subject of `image` within `mask`, where it was in its own frame, on `background`."""
    photo = open_rgb(files["image"])
    alpha = open_mask(files["mask"], photo.shape[1], photo.shape[0])
    backdrop = _sized(open_rgb(files["background"], "background"), params.get("width"), params.get("height"))
    outline = stance.read(alpha)
    colours = own_colours(photo, alpha)
    colours, alpha = _placed(colours, alpha, outline, backdrop.shape[1], backdrop.shape[0])
    outline = stance.read(alpha)
    scene = _scene(params)
    backdrop = _framed(backdrop, scene, outline)
    gloss = scene.ground.gloss if scene and not scene.is_sweep else 0.0
    light = _Light.of(backdrop, colours, alpha)
    wants_shadow = params.get("shadow") is not False
    maps = _maps(backdrop, colours, alpha, outline, light.side, gloss if wants_shadow else 0.0, wants_shadow)
    picture = from_array(_merged(backdrop, colours, alpha, maps, light))
    output = encode(picture, params)
    return [{**output, "seed": params["seed"]} if params.get("seed") is not None else output]


@dataclass(frozen=True)
class _Light:
    """What the set's light asks of the subject, and the side it comes from: -1 left, 1 right."""

    gain: Floats
    side: float

    @classmethod
    def of(cls, backdrop: Bytes, colours: Bytes, alpha: Bytes) -> "_Light":
        small = to_floats(scaled(backdrop, 32, 32))
        mean = small.mean((0, 1))
        luma = float(mean @ np.array([0.2126, 0.7152, 0.0722], np.float32)) + 1e-3
        tint = np.clip(mean / luma, 0.6, 1.5)
        exposure = float(np.clip((luma / 0.55) ** 0.10, 0.86, 1.04))
        gain = (1 + np.float32(_TINT) * (tint - 1)) * np.float32(exposure)
        side = 1.0 if small[:, 16:].mean() > small[:, :16].mean() else -1.0
        return cls(gain.astype(np.float32), side)


def _sized(backdrop: Bytes, width: int | None, height: int | None) -> Bytes:
    """The middle of it at the size wanted: models give the size they can."""
    if not width or not height or backdrop.shape[:2] == (height, width):
        return backdrop
    whole = from_array(backdrop)
    return np.ascontiguousarray(whole.thumbnail_image(width, height=height, size="both", crop="centre").numpy())


def _placed(colours: Bytes, alpha: Bytes, outline: Outline, width: int, height: int) -> tuple[Bytes, Bytes]:
    """The photograph's frame fitted into the new one; a side that cuts the subject stays at the frame."""
    rows, columns = alpha.shape
    if (columns, rows) == (width, height):
        return colours, alpha
    scale = min(width / columns, height / rows)
    if {"left", "right"} <= outline.cut:
        scale = width / columns
    wide, high = max(round(columns * scale), 1), max(round(rows * scale), 1)
    left = 0 if "left" in outline.cut else width - wide if "right" in outline.cut else (width - wide) // 2
    top = height - high if "bottom" in outline.cut or high > height else (height - high) // 2
    both = from_array(colours).bandjoin(from_array(alpha))
    both = both.thumbnail_image(wide, height=high, size="force").embed(left, top, width, height)
    pixels: Bytes = both.numpy()
    return np.ascontiguousarray(pixels[:, :, :3]), np.ascontiguousarray(pixels[:, :, 3])


def _scene(params: Mapping[str, Any]) -> Scene | None:
    """The set that the background shows, if it was made from a recipe or a prompt."""
    recipe, prompt = params.get("scene"), params.get("prompt") or ""
    return resolve(recipe, prompt, params.get("negative_prompt") or "") if recipe or prompt else None


def _framed(backdrop: Bytes, scene: Scene | None, outline: Outline) -> Bytes:
    """The part of the set that fits the subject's point of view.

    Seen from above there is only ground; behind a subject cut by the frame the horizon is low and out of focus; below
    a standing one the ground has to reach behind its base.
    """
    if scene is None or scene.is_sweep or not 0 < scene.horizon < 1:
        return backdrop
    horizon = scene.horizon
    rows, columns = backdrop.shape[:2]
    zoom, is_from_top = 1.0, False
    match outline.stance:
        case Stance.FROM_ABOVE:
            zoom = 1 / (1 - horizon) * 1.04
        case Stance.CUT:
            zoom, is_from_top = min(max(0.66 / horizon, 1.0), 1.8), True
        case Stance.STANDING:
            wanted = max(outline.bottom - 0.16, 0.12)
            zoom = max((1 - wanted) / (1 - horizon), 1.0) if horizon > wanted else 1.0
    if zoom > 1.0:
        zoom = min(zoom, 2.2)
        wide, high = round(columns / zoom), round(rows / zoom)
        top = 0 if is_from_top else rows - high
        left = (columns - wide) // 2
        backdrop = scaled(np.ascontiguousarray(backdrop[top : top + high, left : left + wide]), columns, rows)
    if outline.stance is Stance.CUT:
        soft = from_array(backdrop).gaussblur(columns * 0.005, precision="integer")
        backdrop = soft.numpy()
    return backdrop


def _maps(
    backdrop: Bytes,
    colours: Bytes,
    alpha: Bytes,
    outline: Outline,
    side: float,
    gloss: float,
    wants_shadow: bool,
) -> pyvips.Image:
    """Everything soft, worked out small and enlarged: shadow, reflection (4), light over the edge (3), cover."""
    rows, columns = alpha.shape
    scale = min(1.0, WORK_SIDE / max(rows, columns))
    width, height = max(round(columns * scale), 8), max(round(rows * scale), 8)
    cover = to_floats(scaled(alpha, width, height))
    dark = shadows.shadow(cover, outline, side) if wants_shadow else np.zeros_like(cover)
    premultiplied = np.dstack([to_floats(scaled(colours, width, height)) * cover[:, :, None], cover])
    mirror = shadows.reflection(premultiplied, outline, min(0.75 * gloss, 0.5))
    set_small = to_floats(scaled(backdrop, width, height))
    wrap = blurred(set_small, 0.02 * width)
    soft = blurred(cover[:, :, None], max(0.004 * width, 1.0))
    maps = from_array(np.dstack([dark, mirror, wrap, soft]).astype(np.float32))
    if (width, height) == (columns, rows):
        return maps
    return maps.resize(columns / width, vscale=rows / height, kernel="linear")


def _merged(backdrop: Bytes, colours: Bytes, alpha: Bytes, maps: pyvips.Image, light: _Light) -> Bytes:
    rows, columns = alpha.shape
    result = np.empty_like(backdrop)
    for band in bands(rows):
        part = maps.crop(0, band.start, columns, band.stop - band.start).numpy()
        ground = to_floats(backdrop[band]) * (1 - part[:, :, :1])
        ground = ground * (1 - part[:, :, 4:5]) + part[:, :, 1:4]
        cover = to_floats(alpha[band])[:, :, None]
        subject = to_floats(colours[band]) * light.gain
        rim = np.clip(1 - part[:, :, 8:9], 0, 1) * cover * _WRAP
        subject = subject + (part[:, :, 5:8] - subject) * rim
        result[band] = to_bytes(ground + (subject - ground) * cover)
    return result
