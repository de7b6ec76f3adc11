"""Light on a set: where the lamp or the window stands, what falls between, and the lens it is seen through."""

import numpy as np

from app.providers.adapters.local.foliage import leaf_shadow
from app.providers.adapters.local.noise import between
from app.providers.adapters.local.pictures import Bytes, Floats, bands, blurred, from_array, to_bytes
from app.providers.adapters.local.scene import Light

Random = np.random.Generator


def side_of(random: Random, light: Light) -> float:
    """-1 from the left, 1 from the right; the seed chooses where the recipe does not."""
    return light.side if light.side else float(random.choice([-1.0, 1.0]))


def illumination(random: Random, rows: int, columns: int, light: Light, horizon: float) -> Floats:
    """What the colours are multiplied by."""
    side = side_of(random, light)
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    y, x = random.uniform(0.22, 0.42), side * random.uniform(0.35, 0.6)
    distance = np.sqrt(((across - x) / 1.5) ** 2 + ((down - y) / 1.05) ** 2)
    falloff = between(distance, 0.05, 1.15)
    shade = 1 + 0.35 * light.contrast * (1 - falloff) - light.contrast * falloff
    match light.pattern:
        case "window":
            shade = shade * (0.90 + 0.24 * _window(random, down, across, side, horizon))
        case "leaves":
            shade = shade * (1.05 - 0.33 * leaf_shadow(random, rows, columns, side))
        case "spot":
            pool = np.exp(-((across / 0.75) ** 2 + ((down - 0.6) / 0.5) ** 2))
            shade = shade * (0.42 + 0.62 * pool)
    warmth = np.float32(light.warmth)
    lit = 1 + np.float32(0.16) * warmth * np.array([1.0, 0.15, -1.1], np.float32)
    shaded = 1 + np.float32(0.03) * np.array([-1.0, 0.0, 1.0], np.float32)
    share = between(shade, 0.65, 1.1)[:, :, None]
    tinted: Floats = (shaded + (lit - shaded) * share) * (shade * np.float32(light.level))[:, :, None]
    return tinted.astype(np.float32, copy=False)


def _window(random: Random, down: Floats, across: Floats, side: float, horizon: float) -> Floats:
    """Sun through panes: a slanted grid on the wall that bends where the ground begins."""
    bend = np.where(down < horizon, 0.55, 1.25).astype(np.float32)
    slant = across + side * bend * (down - horizon) + side * random.uniform(0.05, 0.25)
    height = np.where(down < horizon, (down - horizon) * 1.0, (down - horizon) * 0.62)
    soft = 0.035 + 0.05 * np.clip(down - horizon, 0, 1)
    light = np.zeros(np.broadcast_shapes(slant.shape, height.shape), np.float32)
    width, tall = random.uniform(0.34, 0.42), random.uniform(0.30, 0.36)
    start = random.uniform(-0.06, 0.06)
    for column in (-1.0, 0.0):
        for row in (-1.15, -0.1, 0.95):
            left, top = start + column * (width + 0.05), row * (tall + 0.035) * 0.9
            inside = between(slant - left, -soft, soft) * between(left + width - slant, -soft, soft)
            inside = inside * between(height - top, -0.03, 0.03) * between(top + tall - height, -0.03, 0.03)
            light = np.maximum(light, inside)
    return light


def through_lens(random: Random, picture: Floats, width: int, height: int, vignette: float) -> Bytes:
    """Highlights that bloom and roll off, darker corners, and grain, which also hides banding; at the wanted size."""
    rows, columns = picture.shape[:2]
    picture = picture + 0.5 * blurred(np.maximum(picture - 0.88, 0), columns * 0.02)
    large = from_array(picture.astype(np.float32, copy=False))
    if (columns, rows) != (width, height):
        large = large.resize(width / columns, vscale=height / rows, kernel="cubic")
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    result = np.empty((height, width, 3), np.uint8)
    for band in bands(height):
        part = large.crop(0, band.start, width, band.stop - band.start).numpy()
        part = np.where(part > 0.88, 0.88 + 0.12 * np.tanh((part - 0.88) / 0.12), part)
        down = (np.arange(band.start, band.stop, dtype=np.float32)[:, None] + 0.5) * 2 / height - 1
        corner = between(np.hypot(down, across) / np.float32(2**0.5), 0.35, 1.15)
        part = part * (1 - vignette * corner)[:, :, None]
        grain = random.standard_normal((*part.shape[:2], 1), dtype=np.float32)
        result[band] = to_bytes(part + grain * (0.0055 + 0.004 * (1 - part)))
    return result
