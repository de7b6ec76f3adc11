"""Repeatable randomness, and the noises that materials are made of: all tile without a seam."""

import zlib

import numpy as np
import pyvips

from app.providers.adapters.local.pictures import Floats, blurred, from_array


def generator(seed: int, label: str) -> np.random.Generator:
    """Independent for each part of a picture, so that changing one leaves the others as they were."""
    return np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFFFFFF, zlib.crc32(label.encode())]))


def fractal(
    random: np.random.Generator,
    side: int,
    cells: int,
    *,
    octaves: int = 5,
    gain: float = 0.5,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Smooth noise at several scales, about -1..1; `stretch` multiplies the cells down and across."""
    total = np.zeros((side, side), np.float32)
    strength, power = 1.0, 0.0
    for octave in range(octaves):
        down, across = (max(int(cells * factor * 2**octave), 1) for factor in stretch)
        if min(down, across) > side:
            break
        total += strength * _enlarged(random, min(down, side), min(across, side), side)
        power += strength * strength
        strength *= gain
    return total * np.float32(0.5 / max(power, 1e-6) ** 0.5)


def _enlarged(random: np.random.Generator, down: int, across: int, side: int) -> Floats:
    grid = random.standard_normal((down, across), dtype=np.float32)
    around = from_array(np.pad(grid, 3, mode="wrap"))
    vertical, horizontal = side / down, side / across
    large = around.resize(horizontal, vscale=vertical, kernel="cubic")
    top, left = int(3 * vertical), int(3 * horizontal)
    result: Floats = large.crop(left, top, side, side).numpy()
    return result


def cells(random: np.random.Generator, side: int, count: int) -> tuple[Floats, Floats, np.ndarray]:
    """Distance to the nearest and second nearest of scattered points (in cells), and the nearest one's number."""
    points = random.random((count, count, 2), dtype=np.float32)
    axis = (np.arange(side, dtype=np.float32) + 0.5) * count / side
    home = axis.astype(np.int32)
    inner = axis - home
    first = np.full((side, side), 9, np.float32)
    second = first.copy()
    owner = np.zeros((side, side), np.int32)
    for down in (-1, 0, 1):
        rows = (home + down) % count
        for across in (-1, 0, 1):
            columns = (home + across) % count
            place = points[rows[:, None], columns[None, :]]
            distance = np.hypot(place[:, :, 0] + down - inner[:, None], place[:, :, 1] + across - inner[None, :])
            nearer = distance < first
            second = np.where(nearer, first, np.minimum(second, distance))
            owner = np.where(nearer, rows[:, None] * count + columns[None, :], owner)
            first = np.where(nearer, distance, first)
    return first, second, owner


def shifted(field: Floats, down: Floats, across: Floats) -> Floats:
    """The field looked up elsewhere, in pixels, going round at the borders."""
    axis = np.arange(field.shape[0], dtype=np.float32)
    return viewed(field[:, :, None], axis[:, None] + down, axis[None, :] + across)


def relief(height: Floats, strength: float) -> Floats:
    """Light on a bumpy surface from the upper left: about 1, more on slopes facing it."""
    slope = (np.roll(height, 1, 0) - np.roll(height, -1, 0)) + (np.roll(height, 1, 1) - np.roll(height, -1, 1))
    return 1 - strength * slope


def between(value: Floats, low: float, high: float) -> Floats:
    """0 below low, 1 above high, smooth in between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    result: Floats = share * share * (3 - 2 * share)
    return result


def mixed(low: Floats, high: Floats, share: Floats) -> Floats:
    """From one colour (or picture) to the other, by the share of each pixel."""
    result: Floats = low + (high - low) * share[:, :, None].astype(np.float32, copy=False)
    return result


def viewed(texture: Floats, down: Floats, across: Floats) -> Floats:
    """The texture seen through a map of texture coordinates in pixels, bilinear, repeating."""
    side = texture.shape[0]
    padded = from_array(np.pad(texture, ((0, 1), (0, 1), (0, 0)), mode="wrap"))
    index = pyvips.Image.new_from_array(np.dstack([across % side, down % side]).astype(np.float32))
    result: Floats = padded.mapim(index, interpolate=pyvips.Interpolate.new("bilinear"), extend="copy").numpy()
    return result.astype(np.float32, copy=False)


def softened(picture: Floats, sigma: float) -> Floats:
    """Blurred around the borders' wrap, for tiles."""
    pad = int(3 * sigma) + 1
    return blurred(np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="wrap"), sigma)[pad:-pad, pad:-pad]
