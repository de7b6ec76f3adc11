"""Materials as square tiles of colour, seen straight from above."""

from collections.abc import Callable

import numpy as np

from app.providers.adapters.local.colours import light_of, shaded
from app.providers.adapters.local.noise import between, cells, fractal, mixed, relief, shifted, softened
from app.providers.adapters.local.pictures import Floats

Random = np.random.Generator
Material = Callable[[Random, int, Floats, Floats], Floats]
"""From randomness, side in pixels, main and second colour to a tile."""


def _plain(side: int, colour: Floats) -> Floats:
    return np.broadcast_to(colour.astype(np.float32), (side, side, 3)).copy()


def smooth(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    """Paper, paint, acrylic: a breath of unevenness."""
    return _plain(side, colour) * (1 + 0.012 * fractal(random, side, 4, octaves=6))[:, :, None]


def marble(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    clouds = fractal(random, side, 3, octaves=6, gain=0.55)
    bend, lean = fractal(random, side, 3, octaves=4), fractal(random, side, 3, octaves=4)
    reach = side * 0.09
    field = shifted(fractal(random, side, 3, octaves=5, gain=0.5), bend * reach, lean * reach)
    fine = shifted(fractal(random, side, 4, octaves=4, gain=0.5), lean * reach, bend * reach)
    presence = between(fractal(random, side, 3, octaves=3), -0.25, 0.6)
    veins = np.exp(-np.abs(field) / 0.018) * (0.25 + 0.75 * presence)
    haze = np.exp(-np.abs(field) / 0.12) * presence
    hair = np.exp(-np.abs(fine) / 0.010) * between(clouds, -0.2, 0.7)
    ground = mixed(_plain(side, colour), _plain(side, second), 0.10 * between(clouds, -0.9, 1.1) + 0.22 * haze)
    return mixed(ground, _plain(side, shaded(second, -0.12)), np.clip(0.62 * veins + 0.30 * hair, 0, 0.85))


def wood(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    """Boards from left to right, each cut from another place of the tree."""
    boards = 5
    across = fractal(random, side, 2, octaves=3, stretch=(3, 1))
    rows = np.arange(side, dtype=np.float32)[:, None] / side
    rings = np.sin(2 * np.pi * (rows * 17 + 1.7 * across))
    grain = fractal(random, side, 4, octaves=5, gain=0.62, stretch=(9, 0.6))
    fibre = fractal(random, side, 24, octaves=3, gain=0.7, stretch=(10, 0.5))
    pores = between(fractal(random, side, 40, octaves=2, stretch=(5, 0.35)), 0.45, 0.9)
    tone = 0.48 + 0.13 * rings + 0.22 * grain + 0.10 * fibre
    height = side // boards + 1
    edges = []
    for board in range(boards):
        band = slice(board * height, min((board + 1) * height, side))
        tone[band] = np.roll(tone[band], int(random.integers(side)), 1) + random.uniform(-0.10, 0.10)
        edges.append(board * height)
    tone = np.clip(tone - 0.25 * pores, 0, 1)
    place = np.arange(side)
    gap = np.min([np.minimum(np.abs(place - edge), side - np.abs(place - edge)) for edge in edges], axis=0)
    seam = np.exp(-((gap / (side / 620)) ** 2))[:, None]
    tile = mixed(_plain(side, second), _plain(side, colour), tone)
    result: Floats = tile * (1 - 0.62 * seam)[:, :, None]
    return result


def concrete(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    broad = fractal(random, side, 3, octaves=7, gain=0.6)
    speckle = random.standard_normal((side, side), dtype=np.float32)
    pits = between(fractal(random, side, side // 14, octaves=2), 1.0, 1.35)
    shade = 1 + 0.10 * broad + 0.012 * speckle - 0.22 * pits
    result: Floats = (
        mixed(_plain(side, colour), _plain(side, second), 0.3 * between(broad, -0.3, 1.2)) * shade[:, :, None]
    )
    return result


def terrazzo(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    ground = _plain(side, colour) * (1 + 0.02 * fractal(random, side, 8, octaves=5))[:, :, None]
    accents = np.stack(
        [second, shaded(second, 0.45), shaded(second, -0.35), shaded(colour, -0.35), np.array([0.86, 0.72, 0.58])]
    ).astype(np.float32)
    for count, least, share in ((46, 0.16, 0.55), (17, 0.22, 0.5)):
        first, next_one, owner = cells(random, side, count)
        kept = random.random(count * count) < share
        size = random.uniform(least, least + 0.3, count * count).astype(np.float32)
        chip = between(next_one - first - size[owner], 0, 0.06) * kept[owner]
        colours = accents[random.integers(len(accents), size=count * count)]
        colours = colours * random.uniform(0.9, 1.08, (count * count, 1)).astype(np.float32)
        ground = mixed(ground, colours[owner], chip)
    return ground


def linen(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    threads = side // 5
    axis = np.arange(side, dtype=np.float32) * threads / side
    wobble_x = 0.35 * fractal(random, side, 12, octaves=3, stretch=(1, 4))
    wobble_y = 0.35 * fractal(random, side, 12, octaves=3, stretch=(4, 1))
    across, down = axis[None, :] + wobble_x, axis[:, None] + wobble_y
    over = (np.floor(across) + np.floor(down)) % 2
    warp, weft = np.abs(np.sin(np.pi * across)) ** 0.7, np.abs(np.sin(np.pi * down)) ** 0.7
    slub = 1 + 0.10 * fractal(random, side, 60, octaves=2, stretch=(0.1, 1))
    slub += 0.10 * fractal(random, side, 60, octaves=2, stretch=(1, 0.1))
    weave = np.where(over > 0, warp * (0.55 + 0.45 * weft), weft * (0.55 + 0.45 * warp)) * slub
    folds = relief(fractal(random, side, 2, octaves=3, gain=0.35), 9.0 * side / 1024)
    shade = (0.80 + 0.24 * weave) * np.clip(folds, 0.75, 1.2)
    result: Floats = _plain(side, colour) * shade[:, :, None]
    return result


def velvet(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    """Heavy cloth in folds, with the sheen at a slant that makes it velvet, or silk with a lighter second colour."""
    sway = fractal(random, side, 2, octaves=2, gain=0.4)
    axis = np.arange(side, dtype=np.float32) / side
    fold = np.sin(2 * np.pi * (2 * axis[:, None] + axis[None, :] + 0.55 * sway))
    fold += 0.4 * np.sin(2 * np.pi * (3 * axis[:, None] - 2 * axis[None, :] + 0.8 * sway))
    sheen = between(fold, 0.1, 1.4) ** 1.6
    nap = 1 + 0.03 * random.standard_normal((side, side), dtype=np.float32)
    tile = mixed(_plain(side, shaded(colour, -0.45)), _plain(side, colour), between(fold, -1.4, 0.6))
    return mixed(tile, _plain(side, second), 0.75 * sheen) * nap[:, :, None]


def sand(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    sway = fractal(random, side, 3, octaves=4)
    axis = np.arange(side, dtype=np.float32)[:, None] / side
    ripple = np.sin(2 * np.pi * (13 * axis + 1.1 * sway)) * between(fractal(random, side, 2, octaves=3), -0.5, 0.8)
    shade = 1 + 0.075 * ripple + 0.05 * fractal(random, side, 5, octaves=6)
    grains = random.standard_normal((side, side), dtype=np.float32)
    grains = 0.6 * grains + 0.9 * softened(grains[:, :, None], 0.8)[:, :, 0]
    dark = between(random.random((side, side), dtype=np.float32), 0.992, 0.997)
    tile = mixed(_plain(side, colour), _plain(side, second), 0.4 * between(-ripple, -0.4, 1.2))
    result: Floats = tile * (shade + 0.055 * grains - 0.16 * dark)[:, :, None]
    return result


def grass(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    blades = fractal(random, side, 60, octaves=4, gain=0.8, stretch=(0.35, 1.6))
    tufts = fractal(random, side, 7, octaves=5, gain=0.6)
    tile = mixed(_plain(side, shaded(colour, -0.55)), _plain(side, colour), between(blades + 0.4 * tufts, -0.9, 0.5))
    return mixed(tile, _plain(side, second), 0.7 * between(blades + 0.3 * tufts, 0.35, 1.2))


def water(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    sway, tilt = fractal(random, side, 3, octaves=3), fractal(random, side, 3, octaves=3)
    net = np.zeros((side, side), np.float32)
    for count, reach in ((7, 0.16), (11, -0.12)):
        near, far, _ = cells(random, side, count)
        lines = np.exp(-(far - near) / 0.16).astype(np.float32)
        net += shifted(lines, sway * side * reach, tilt * side * reach)
    net = softened((0.9 * net**1.6)[:, :, None], side / 300)[:, :, 0]
    depth = between(fractal(random, side, 2, octaves=3), -0.8, 0.8)
    tile = mixed(_plain(side, colour), _plain(side, shaded(colour, -0.3)), depth)
    return mixed(tile, _plain(side, second), np.clip(0.5 * net, 0, 0.6))


def snow(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    drifts = relief(fractal(random, side, 3, octaves=5, gain=0.42), 6.0 * side / 1024)
    glitter = between(random.random((side, side), dtype=np.float32), 0.9985, 0.9995)
    tile = mixed(_plain(side, second), _plain(side, colour), between(drifts, 0.85, 1.08))
    powder = softened(random.standard_normal((side, side, 1), dtype=np.float32), 1.2)[:, :, 0]
    return tile * (1 + 0.05 * powder + 0.1 * glitter)[:, :, None]


def metal(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    brushed = fractal(random, side, 90, octaves=3, gain=0.8, stretch=(2, 0.02))
    return _plain(side, colour) * (1 + 0.06 * brushed + 0.05 * fractal(random, side, 2, octaves=3))[:, :, None]


def brick(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    return _laid(random, side, colour, second, rows=14, columns=5, joint=0.075, spread=0.16, rough=0.14)


def tile(random: Random, side: int, colour: Floats, second: Floats) -> Floats:
    return _laid(random, side, colour, second, rows=10, columns=5, joint=0.035, spread=0.03, rough=0.01)


def _laid(
    random: Random,
    side: int,
    colour: Floats,
    second: Floats,
    *,
    rows: int,
    columns: int,
    joint: float,
    spread: float,
    rough: float,
) -> Floats:
    """Bricks or tiles in running bond; the second colour is the joint's."""
    ragged = 0.02 * fractal(random, side, 30, octaves=3) * (rough > 0.05)
    down = np.arange(side, dtype=np.float32)[:, None] * rows / side + ragged
    course = np.floor(down).astype(np.int32) % rows
    across = np.arange(side, dtype=np.float32)[None, :] * columns / side + 0.5 * (course % 2) + ragged
    stone = np.floor(across).astype(np.int32) % columns
    ratio = rows / columns
    edge = np.minimum(np.minimum(down % 1, 1 - down % 1), np.minimum(across % 1, 1 - across % 1) * ratio).astype(
        np.float32
    )
    face = between(edge, joint * 0.6, joint * 1.5)
    tones = random.uniform(1 - spread, 1 + spread, (rows, columns)).astype(np.float32)[course, stone]
    texture = tones * (1 + rough * fractal(random, side, 24, octaves=5, gain=0.65))
    surface = mixed(_plain(side, second), _plain(side, colour) * texture[:, :, None], face)
    return surface * np.clip(relief(softened(face[:, :, None], 1.2)[:, :, 0], 0.22), 0.7, 1.2)[:, :, None]


MATERIALS: dict[str, Material] = {
    "smooth": smooth,
    "marble": marble,
    "wood": wood,
    "concrete": concrete,
    "terrazzo": terrazzo,
    "linen": linen,
    "velvet": velvet,
    "sand": sand,
    "grass": grass,
    "water": water,
    "snow": snow,
    "metal": metal,
    "brick": brick,
    "tile": tile,
}

# Main colour, second colour, gloss.
LOOKS: dict[str, tuple[str, str, float]] = {
    "smooth": ("#f2f1ee", "#e0dfdc", 0.10),
    "marble": ("#f0efec", "#8b8d92", 0.30),
    "wood": ("#b58a5e", "#6d4526", 0.12),
    "concrete": ("#a9a8a5", "#8a8987", 0.05),
    "terrazzo": ("#efece6", "#b98a78", 0.22),
    "linen": ("#e7dfd0", "#cfc4b0", 0.0),
    "velvet": ("#5b1f33", "#a8566e", 0.0),
    "sand": ("#e6cfa6", "#c9a877", 0.0),
    "grass": ("#6f9a45", "#b4cf6a", 0.0),
    "water": ("#6fc3cf", "#e9fbfb", 0.35),
    "snow": ("#f5f8fc", "#c9d8ea", 0.0),
    "metal": ("#b9bcc1", "#8b8e93", 0.45),
    "brick": ("#a05a44", "#c4b8aa", 0.0),
    "tile": ("#f1f1ee", "#cfcfca", 0.35),
}


def second_for(material: str, colour: Floats) -> Floats:
    """What goes with a main colour that was asked for by name."""
    dark = light_of(colour) < 0.25
    match material:
        case "marble":
            return shaded(colour, 0.75 if dark else -0.45)
        case "velvet" | "water" | "grass":
            return shaded(colour, 0.45)
        case "brick" | "tile":
            return shaded(colour, 0.5 if dark else -0.18)
        case "wood":
            return shaded(colour, -0.45)
    return shaded(colour, 0.25 if dark else -0.25)
