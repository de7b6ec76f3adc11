"""Leaves and flowers, drawn as soft shapes: shadows on a wall, plants in a corner, branches of the new year."""

import numpy as np

from app.providers.adapters.local.noise import between
from app.providers.adapters.local.pictures import Floats, blurred, scaled

Random = np.random.Generator


def _petal(mask: Floats, y: float, x: float, angle: float, length: float, width: float, strength: float = 1.0) -> None:
    """A pointed ellipse from (y, x) outwards, drawn into the mask by the greater value."""
    rows, columns = mask.shape
    reach = int(length + 3)
    top, bottom = max(int(y) - reach, 0), min(int(y) + reach, rows)
    left, right = max(int(x) - reach, 0), min(int(x) + reach, columns)
    if top >= bottom or left >= right:
        return
    down = np.arange(top, bottom, dtype=np.float32)[:, None] - y
    across = np.arange(left, right, dtype=np.float32)[None, :] - x
    along = (across * np.cos(angle) + down * np.sin(angle)) / length
    aside = np.abs(-across * np.sin(angle) + down * np.cos(angle))
    half = width * np.sqrt(np.clip(along, 0, 1)) * np.clip(1 - along, 0, 1) ** 0.7 * 1.8
    shape = np.clip(half - aside + 0.5, 0, 1) * ((along > 0) & (along < 1))
    part = mask[top:bottom, left:right]
    np.maximum(part, strength * shape, out=part)


def leaf_shadow(random: Random, rows: int, columns: int, side: float) -> Floats:
    """How much of the light a plant beside the window takes away, 0..1."""
    scale = min(1.0, 480 / max(rows, columns))
    mask = np.zeros((max(int(rows * scale), 8), max(int(columns * scale), 8)), np.float32)
    high, wide = mask.shape
    for frond in range(3):
        x = wide * random.uniform(-0.12, -0.02)
        y = high * (0.42 * frond - 0.28 + random.uniform(-0.08, 0.08))
        heading = 0.62 - 0.28 * frond + random.uniform(-0.15, 0.15)
        reach = wide * random.uniform(0.55, 0.75)
        droop = random.uniform(0.008, 0.020)
        for step in np.linspace(0.16, 1.0, 22):
            heading += droop
            x, y = x + np.cos(heading) * reach / 22, y + np.sin(heading) * reach / 22
            length = wide * 0.155 * (1.0 - 0.72 * step**1.5)
            for turn in (-1, 1):
                _petal(mask, y, x, heading + turn * (0.95 - 0.5 * step), length, length * 0.05)
    if side > 0:
        mask = mask[:, ::-1].copy()
    soft = blurred(mask[:, :, None], wide * 0.0065)[:, :, 0]
    result: Floats = np.clip(scaled(soft[:, :, None], columns, rows)[:, :, 0], 0, 1)
    return result


def leaves(random: Random, picture: Floats, colour: Floats, *, at: tuple[float, float], size: float) -> Floats:
    """A potted plant out of focus."""
    rows, columns = picture.shape[:2]
    mask = np.zeros((rows, columns), np.float32)
    for _ in range(16):
        angle = -np.pi / 2 + random.uniform(-1.2, 1.2)
        length = size * columns * random.uniform(0.5, 1.0)
        _petal(mask, at[0] * rows, at[1] * columns, angle, length, length * 0.13, random.uniform(0.6, 0.95))
    share = blurred(mask[:, :, None], columns * 0.006)
    return picture + (colour * np.float32(0.8) - picture) * share


def blossoms(random: Random, picture: Floats, colours: tuple[Floats, ...]) -> Floats:
    """Branches in flower reaching in from the upper corners."""
    rows, columns = picture.shape[:2]
    unit = columns * 0.017
    branch, flowers, hearts = (np.zeros((rows, columns), np.float32) for _ in range(3))
    tint = np.empty_like(picture)
    tint[:] = colours[0]
    for corner in (0, 1):
        for _ in range(3):
            x = columns * (random.uniform(-0.02, 0.05) if corner == 0 else random.uniform(0.95, 1.02))
            y = rows * random.uniform(-0.02, 0.25)
            heading = random.uniform(0.1, 0.7) if corner == 0 else np.pi - random.uniform(0.1, 0.7)
            steps = int(random.integers(9, 15))
            for step in range(steps):
                heading += random.uniform(-0.22, 0.22)
                thickness = unit * 0.22 * (1.2 - step / steps)
                _petal(branch, y, x, heading, unit * 2.4, max(thickness, 1.0))
                x, y = x + np.cos(heading) * unit * 1.6, y + np.sin(heading) * unit * 1.6
                for _ in range(int(random.integers(0, 3))):
                    fy, fx = y + random.normal(0, unit * 0.8), x + random.normal(0, unit * 0.8)
                    _flower(random, flowers, hearts, tint, (fy, fx), unit * random.uniform(0.7, 1.15), colours)
    focus = columns * 0.0022
    for mask, colour, strength in (
        (branch, np.array([0.20, 0.10, 0.07], np.float32), 0.9),
        (flowers, tint, 0.95),
        (hearts, np.array([0.93, 0.68, 0.22], np.float32), 0.9),
    ):
        share = blurred(mask[:, :, None], focus) * np.float32(strength)
        picture = picture + (colour - picture) * share
    return picture


def _flower(
    random: Random,
    flowers: Floats,
    hearts: Floats,
    tint: Floats,
    place: tuple[float, float],
    size: float,
    colours: tuple[Floats, ...],
) -> None:
    y, x = place
    colour = colours[int(random.integers(len(colours)))] * np.float32(random.uniform(0.85, 1.05))
    reach = int(size * 1.6)
    window = (
        slice(max(int(y) - reach, 0), max(int(y) + reach, 0)),
        slice(max(int(x) - reach, 0), max(int(x) + reach, 0)),
    )
    tint[window] = colour
    start = random.uniform(0, 2 * np.pi)
    for petal in range(5):
        _petal(flowers, y, x, start + petal * 2 * np.pi / 5, size * 1.25, size * 0.42, random.uniform(0.82, 1.0))
    part = hearts[window]
    if part.size:
        down = np.arange(window[0].start, window[0].start + part.shape[0], dtype=np.float32)[:, None] - y
        across = np.arange(window[1].start, window[1].start + part.shape[1], dtype=np.float32)[None, :] - x
        np.maximum(part, 1 - between(np.hypot(down, across), size * 0.12, size * 0.32), out=part)
