"""Renders an empty studio set: a ground in perspective, a backdrop, light on both."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.providers.adapters.local import backdrops, lighting
from app.providers.adapters.local.noise import between, generator, mixed, softened, viewed
from app.providers.adapters.local.pictures import Bytes, Floats, blurred, encode, from_array, require_size
from app.providers.adapters.local.scene import Ground, Scene, resolve
from app.providers.adapters.local.textures import MATERIALS

RENDER_SIDE = 1536
_DEPTH = 3.0  # how much farther the back edge of the ground is than its front


def background(params: Mapping[str, Any], files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """One set per wanted image; each has its own seed, counted up from the given one."""
    scene = resolve(params.get("scene"), params.get("prompt") or "", params.get("negative_prompt") or "")
    width, height = int(params["width"]), int(params["height"])
    require_size(width, height, "background")
    first = int(params.get("seed") or 0)
    outputs = []
    for seed in range(first, first + int(params.get("num_images") or 1)):
        picture = from_array(render(scene, seed, width, height))
        outputs.append({**encode(picture, params), "seed": seed})
    return outputs


def render(scene: Scene, seed: int, width: int, height: int) -> Bytes:
    """The empty set; a large one is rendered smaller and enlarged before the grain is added."""
    scale = min(1.0, RENDER_SIDE / max(width, height))
    columns, rows = max(round(width * scale), 16), max(round(height * scale), 16)
    draw = _sweep if scene.is_sweep else _room
    picture = draw(scene, seed, rows, columns)
    picture = picture * lighting.illumination(generator(seed, "light"), rows, columns, scene.light, scene.horizon)
    return lighting.through_lens(generator(seed, "lens"), picture, width, height, scene.vignette)


def _sweep(scene: Scene, seed: int, rows: int, columns: int) -> Floats:
    """Seamless paper: the ground rises into the backdrop."""
    wall = backdrops.paint(generator(seed, "wall"), rows, columns, scene.backdrop)
    ground = _ground(scene.ground, seed, rows, columns, 0)
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None] + np.zeros((1, columns), np.float32)
    share = between(down, scene.horizon - 0.12, scene.horizon + 0.34)
    curve = np.exp(-(((down - scene.horizon - 0.08) / 0.11) ** 2))
    result: Floats = mixed(wall, ground, share) * (1 - 0.05 * curve)[:, :, None]
    return result


def _room(scene: Scene, seed: int, rows: int, columns: int) -> Floats:
    """A table or floor with an edge, and what is behind it."""
    edge = round(rows * scene.horizon)
    wall = backdrops.paint(generator(seed, "wall"), max(edge, 8), columns, scene.backdrop)
    below = rows - edge
    ground = _ground(scene.ground, seed, below, columns, edge)
    down = np.linspace(0, 1, below, dtype=np.float32)[:, None] + np.zeros((1, columns), np.float32)
    if scene.ground.gloss > 0:
        mirror = blurred(_mirrored(wall, below), columns * (0.012 + 0.02 * (1 - scene.ground.gloss)))
        share = scene.ground.gloss * (0.25 + 0.75 * np.exp(-down / 0.28))
        ground = mixed(ground, mirror, share)
    ground = ground * (1 - 0.16 * np.exp(-down / 0.03) - 0.08 * np.exp(-down / 0.15))[:, :, None]
    picture = np.empty((rows, columns, 3), np.float32)
    picture[:edge], picture[edge:] = wall[:edge], ground
    return _softened_edge(_far_out_of_focus(picture, edge), edge)


def _ground(ground: Ground, seed: int, rows: int, columns: int, edge: int) -> Floats:
    """The material in perspective, finer detail fading with the distance."""
    side = next((side for side in (512, 768, 1024) if side >= columns * 1.1), 1280)
    tile = MATERIALS[ground.material](generator(seed, "ground"), side, ground.colour, ground.second)
    tile = tile.astype(np.float32, copy=False)
    near = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    distance = 1 / (1 / _DEPTH + near * (1 - 1 / _DEPTH))
    step = side / columns * 0.85 / ground.scale  # texture pixels per picture pixel at the front
    middle = np.arange(columns, dtype=np.float32)[None, :] - columns / 2
    across = middle * distance * step
    down = -distance * step * rows * 1.5 / (1 - 1 / _DEPTH) + np.zeros_like(middle)
    picture = viewed(tile, down, across)
    footprint = step * distance**1.5 * 1.2
    for sigma, low, high in ((1.6, 1.2, 2.4), (4.5, 2.6, 5.5)):
        coarse = viewed(softened(tile, sigma), down, across)
        picture = mixed(picture, coarse, between(footprint, low, high) + 0 * middle)
    return picture


def _mirrored(wall: Floats, rows: int) -> Floats:
    mirror = wall[::-1]
    missing = max(rows - mirror.shape[0], 0)
    return np.ascontiguousarray(np.pad(mirror, ((0, missing), (0, 0), (0, 0)), mode="edge")[:rows])


def _far_out_of_focus(picture: Floats, edge: int) -> Floats:
    """The back of the ground lies behind the plane of focus."""
    rows, columns = picture.shape[:2]
    reach = (rows - edge) * 0.55
    stop = min(int(edge + reach) + 2, rows)
    soft = blurred(np.ascontiguousarray(picture[edge:stop]), columns * 0.0035)
    near = np.clip((np.arange(edge, stop, dtype=np.float32) - edge) / reach, 0, 1)[:, None]
    share = (1 - between(near, 0.0, 1.0)) + np.zeros((1, columns), np.float32)
    picture[edge:stop] = mixed(picture[edge:stop], soft, share)
    return picture


def _softened_edge(picture: Floats, edge: int) -> Floats:
    """Where ground and backdrop meet, neither is a hard line."""
    columns = picture.shape[1]
    sigma = columns * 0.0028
    reach = int(4 * sigma) + 2
    strip = slice(max(edge - reach, 0), min(edge + reach, picture.shape[0]))
    soft = blurred(np.ascontiguousarray(picture[strip]), sigma)
    place = (np.arange(strip.start, strip.stop, dtype=np.float32) - edge)[:, None] / reach
    share = np.exp(-((place / 0.5) ** 2)) + np.zeros((1, columns), np.float32)
    picture[strip] = mixed(picture[strip], soft, share)
    return picture
