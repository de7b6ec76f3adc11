"""What can be behind a product: walls, skies, lights out of focus. Each fills a picture of its own."""

from collections.abc import Callable

import numpy as np

from app.providers.adapters.local.colours import shaded
from app.providers.adapters.local.foliage import blossoms, leaves
from app.providers.adapters.local.noise import between, fractal, mixed, viewed
from app.providers.adapters.local.pictures import Floats, blurred, scaled
from app.providers.adapters.local.scene import Backdrop
from app.providers.adapters.local.textures import MATERIALS

Random = np.random.Generator
Painter = Callable[[Random, int, int, Backdrop], Floats]


def paint(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """The backdrop, rows x columns, out of focus as far as its recipe says."""
    painter = _PAINTERS.get(look.kind, _surface)
    picture = painter(random, rows, columns, look)
    return blurred(picture.astype(np.float32, copy=False), look.blur * columns)


def _axes(rows: int, columns: int) -> tuple[Floats, Floats]:
    """Down 0..1 and across in the same unit, 0 in the middle."""
    down = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / rows
    across = (np.arange(columns, dtype=np.float32)[None, :] + 0.5 - columns / 2) / rows
    return np.broadcast_to(down, (rows, columns)), np.broadcast_to(across, (rows, columns))


def _noise(random: Random, rows: int, columns: int, count: int, octaves: int = 4) -> Floats:
    """Fractal noise for large soft shapes, made small and enlarged."""
    side = 256
    field = fractal(random, side, count, octaves=octaves)
    longest = max(rows, columns)
    large = scaled(field[:, :, None], longest, longest)[:, :, 0]
    return large[:rows, :columns]


def _wash(rows: int, columns: int, below: Floats, above: Floats) -> Floats:
    down, _ = _axes(rows, columns)
    return mixed(np.broadcast_to(above, (rows, columns, 3)), np.broadcast_to(below, (rows, columns, 3)), down)


def _painted(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    picture = _wash(rows, columns, look.colour, look.second)
    return picture * (1 + 0.014 * _noise(random, rows, columns, 5, 6))[:, :, None]


def _surface(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """A wall of one of the materials."""
    side = 1024 if columns > 700 else 768
    tile = MATERIALS[look.kind](random, side, look.colour, look.second)
    step = side / columns * 0.9 / look.scale
    down = np.arange(rows, dtype=np.float32)[:, None] * step + np.zeros((1, columns), np.float32)
    across = np.arange(columns, dtype=np.float32)[None, :] * step + np.zeros((rows, 1), np.float32)
    return viewed(tile, down + float(random.integers(side)), across + float(random.integers(side)))


def _gradient(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """Colours that run into each other at a slant, with a soft glow."""
    down, across = _axes(rows, columns)
    slant = random.uniform(0.35, 0.9) * random.choice([-1, 1])
    share = down + slant * across + 0.10 * _noise(random, rows, columns, 2, 2)
    share = between((share - share.min()) / np.ptp(share), 0.05, 0.95)
    picture = mixed(
        np.broadcast_to(look.second, (rows, columns, 3)), np.broadcast_to(look.colour, (rows, columns, 3)), share
    )
    for accent in look.accents[:2]:
        y, x = random.uniform(0.1, 0.75), random.uniform(-0.6, 0.6)
        glow = np.exp(-((down - y) ** 2 + (across - x) ** 2) / 0.12)
        picture = mixed(picture, np.broadcast_to(accent, (rows, columns, 3)), 0.7 * glow)
    return picture


def _bokeh(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """Points of light out of focus before a dark room."""
    picture = _wash(rows, columns, look.colour, look.second)
    down, across = _axes(rows, columns)
    glow = np.exp(-(((down - 0.75) / 0.5) ** 2 + (across / 0.9) ** 2))
    picture = mixed(picture, np.broadcast_to(shaded(look.colour, 0.35), picture.shape), 0.55 * glow)
    return discs(random, picture, look.accents, count=46, smallest=0.018, largest=0.062)


def discs(
    random: Random, picture: Floats, colours: tuple[Floats, ...], *, count: int, smallest: float, largest: float
) -> Floats:
    """Adds lights as a lens draws them out of focus: flat discs with a brighter rim."""
    rows, columns = picture.shape[:2]
    picture = np.ascontiguousarray(picture)
    for _ in range(count):
        radius = columns * random.uniform(smallest, largest) * random.choice([0.6, 1.0, 1.0])
        y, x = rows * random.beta(1.6, 1.5), columns * random.random()
        strength = random.uniform(0.06, 0.42)
        top, left = max(int(y - radius - 3), 0), max(int(x - radius - 3), 0)
        bottom, right = min(int(y + radius + 4), rows), min(int(x + radius + 4), columns)
        if top >= bottom or left >= right:
            continue
        distance = np.hypot(
            np.arange(top, bottom, dtype=np.float32)[:, None] - y, np.arange(left, right, dtype=np.float32)[None] - x
        )
        disc = np.clip((radius - distance) / 1.6 + 0.5, 0, 1)
        disc *= 0.72 + 0.28 * between(distance / radius, 0.55, 1.0)
        colour = colours[int(random.integers(len(colours)))]
        spot = picture[top:bottom, left:right]
        light = (strength * disc)[:, :, None].astype(np.float32) * colour
        picture[top:bottom, left:right] = spot + light * (1 - 0.6 * spot)
    return picture


def _blossom(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """A red wall with gold lights and branches in flower at its upper corners: the lunar new year."""
    picture = _wash(rows, columns, look.colour, look.second)
    down, across = _axes(rows, columns)
    glow = np.exp(-(((down - 0.6) / 0.6) ** 2 + (across / 0.9) ** 2))
    picture = mixed(picture, np.broadcast_to(shaded(look.colour, 0.18), picture.shape), 0.6 * glow)
    picture = discs(random, picture, look.accents[:1], count=26, smallest=0.012, largest=0.045)
    return blossoms(random, picture, look.accents[1:] or look.accents)


def _foliage(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """Greenery far out of focus, sun between the leaves."""
    picture = _wash(rows, columns, look.colour, look.second)
    dark = look.accents[-1] if look.accents else shaded(look.colour, -0.5)
    picture = mixed(
        picture, np.broadcast_to(dark, picture.shape), 0.75 * between(_noise(random, rows, columns, 4), -0.1, 0.7)
    )
    for count, colour in zip((7, 10), look.accents[:2], strict=False):
        share = between(_noise(random, rows, columns, count), 0.05, 0.75)
        picture = mixed(picture, np.broadcast_to(colour, picture.shape), 0.6 * share)
    picture = blurred(picture.astype(np.float32), columns * 0.008)
    return discs(random, picture, (look.second, *look.accents[:1]), count=34, smallest=0.02, largest=0.06)


def _sky(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    down, across = _axes(rows, columns)
    share = between(down, -0.1, 1.0)
    picture = mixed(
        np.broadcast_to(look.second, (rows, columns, 3)), np.broadcast_to(look.colour, (rows, columns, 3)), share
    )
    field = _noise(random, rows, columns, 3, 6) + 0.35 * _noise(random, rows, columns, 2, 3)
    clouds = between(field + 0.3 * down, 0.15, 1.0)
    light = shaded(look.colour, 0.7) if not look.accents else look.accents[0]
    picture = mixed(picture, np.broadcast_to(light, picture.shape), 0.75 * clouds)
    if look.kind == "sunset":
        sun = np.exp(-(((down - 0.92) / 0.35) ** 2 + ((across - random.uniform(-0.4, 0.4)) / 0.5) ** 2))
        picture = mixed(picture, np.broadcast_to(np.array([1.0, 0.93, 0.76], np.float32), picture.shape), 0.85 * sun)
    return picture


def _sea(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """Sky, a strip of sea, and its foam on the shore."""
    deep, shallow = (*look.accents, look.colour, look.colour)[:2]
    above = Backdrop("sky", look.colour, look.second)
    line = int(rows * 0.60)
    picture = np.empty((rows, columns, 3), np.float32)
    picture[:line] = _sky(random, line, columns, above)
    depth = rows - line
    share = np.linspace(0, 1, depth, dtype=np.float32)[:, None] + np.zeros((1, columns), np.float32)
    sea = mixed(np.broadcast_to(deep, (depth, columns, 3)), np.broadcast_to(shallow, (depth, columns, 3)), share)
    waves = fractal(random, 512, 10, octaves=4, gain=0.7, stretch=(5, 0.5))
    waves = scaled(waves[:, :, None], columns, max(depth, 2))[:depth, :, 0]
    sea = sea * (1 + 0.16 * waves * (0.35 + share))[:, :, None]
    edge = 0.86 + 0.05 * _noise(random, 8, columns, 2, 3)[4][None, :]
    foam = np.exp(-(((share - edge) / 0.05) ** 2)) + 0.5 * np.exp(-(((share - edge + 0.2) / 0.02) ** 2))
    sea = mixed(sea, np.ones_like(sea), np.clip(0.8 * foam * (1 + 0.5 * waves), 0, 0.9))
    picture[line:] = sea
    haze = np.exp(-((np.arange(rows, dtype=np.float32)[:, None] - line) ** 2) / (0.04 * rows) ** 2)
    return mixed(picture, np.broadcast_to(shaded(look.colour, 0.3), picture.shape), 0.5 * haze + 0 * picture[:, :, 0])


def _city(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    picture = _wash(rows, columns, look.colour, look.second)
    for accent in look.accents:
        glow = between(_noise(random, rows, columns, 2, 2), 0.1, 1.0)
        picture = mixed(picture, np.broadcast_to(accent, picture.shape), 0.22 * glow)
    return discs(random, picture, look.accents, count=70, smallest=0.012, largest=0.05)


def _neon(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """A dark wall, a glowing ring on it, and the spill of coloured lamps from both sides."""
    down, across = _axes(rows, columns)
    picture = _painted(random, rows, columns, look)
    first, second = (*look.accents, look.colour, look.colour)[:2]
    half = columns / rows / 2
    for colour, centre in ((first, -half), (second, half)):
        spill = np.exp(-(((across - centre) / (0.75 * half)) ** 2 + ((down - 0.65) / 0.9) ** 2))
        picture = picture + (0.62 * spill)[:, :, None] * colour
    middle = random.uniform(-0.12, 0.12)
    distance = np.abs(np.hypot(across - middle, (down - 0.62)) - 0.52)
    share = between(across - middle, -0.35, 0.35)
    tint = mixed(np.broadcast_to(first, picture.shape), np.broadcast_to(second, picture.shape), share)
    halo = 0.5 * np.exp(-distance / 0.10) + 0.6 * np.exp(-((distance / 0.022) ** 2))
    core = np.exp(-((distance / 0.009) ** 2))
    result: Floats = picture + halo[:, :, None] * tint + (0.75 * core)[:, :, None]
    return result


def _kitchen(random: Random, rows: int, columns: int, look: Backdrop) -> Floats:
    """A bright room far out of focus: a window, shelves, jars, something green."""
    picture = np.ascontiguousarray(_wash(rows, columns, look.colour, look.second)).astype(np.float32)
    bright, timber, green = (*look.accents, look.colour, look.colour, look.colour)[:3]
    is_left = random.random() < 0.5
    left = 0.04 if is_left else 0.60
    _block(picture, 0.0, 0.72, left, left + 0.34, shaded(bright, 0.9) * 1.12)
    _block(picture, 0.0, 0.72, left + 0.165, left + 0.18, timber * 0.95)
    _block(picture, 0.36, 0.385, left, left + 0.34, timber * 0.95)
    shelf = 0.46 if is_left else 0.06
    for height in (0.34, 0.66):
        _block(picture, height, height + 0.03, shelf, shelf + 0.46, timber)
        place = shelf + 0.02
        while place < shelf + 0.42:
            width, tall = random.uniform(0.025, 0.06), random.uniform(0.08, 0.2)
            tone = (timber, green, shaded(timber, -0.35), shaded(look.colour, -0.15))[int(random.integers(4))]
            _block(picture, height - tall, height, place, place + width, tone * random.uniform(0.8, 1.05))
            place += width + random.uniform(0.012, 0.05)
    _block(picture, 0.84, 1.0, 0.0, 1.0, shaded(timber, 0.25))
    return leaves(random, blurred(picture, columns * 0.006), green, at=(0.8, left + 0.17), size=0.16)


def _block(picture: Floats, top: float, bottom: float, left: float, right: float, colour: Floats) -> None:
    rows, columns = picture.shape[:2]
    picture[int(max(top, 0) * rows) : int(bottom * rows), int(left * columns) : int(right * columns)] = colour


_PAINTERS: dict[str, Painter] = {
    "paint": _painted,
    "gradient": _gradient,
    "bokeh": _bokeh,
    "festive": _bokeh,
    "blossom": _blossom,
    "foliage": _foliage,
    "sky": _sky,
    "sunset": _sky,
    "sea": _sea,
    "sunset sea": _sea,
    "city": _city,
    "neon": _neon,
    "kitchen": _kitchen,
}
