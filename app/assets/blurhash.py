"""A picture in some thirty characters, to show while the real one loads: https://blurha.sh."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def encode(pixels: NDArray[Any], across: int = 4, down: int = 3) -> str:
    """The hash of an sRGB picture (height, width, 3), 0 to 255."""
    height, width, _ = pixels.shape
    factors = _waves(height, down) @ _linear(pixels).transpose(2, 0, 1) @ _waves(width, across).T
    factors *= np.array([[1 if x == y == 0 else 2 for x in range(across)] for y in range(down)]) / (width * height)
    colours = factors.transpose(1, 2, 0).reshape(-1, 3)
    first, others = colours[0], colours[1:]
    peak = int(np.clip(np.floor(np.abs(others).max() * 166 - 0.5), 0, 82))
    levels = np.clip(np.floor(_signed_root(others / ((peak + 1) / 166)) * 9 + 9.5), 0, 18).astype(int)
    return (
        _digits((across - 1) + (down - 1) * 9, 1)
        + _digits(peak, 1)
        + _digits(int.from_bytes(_srgb(first).tobytes(), "big"), 4)
        + "".join(_digits(int(r) * 361 + int(g) * 19 + int(b), 2) for r, g, b in levels)
    )


def _waves(length: int, count: int) -> NDArray[np.float64]:
    return np.cos(np.pi * np.outer(np.arange(count), np.arange(length)) / length)


def _linear(pixels: NDArray[Any]) -> NDArray[np.float64]:
    value = pixels / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _srgb(linear: NDArray[np.float64]) -> NDArray[np.uint8]:
    value = np.clip(linear, 0, 1)
    curved = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = (curved * 255 + 0.5).astype(np.uint8)
    return rounded


def _signed_root(value: NDArray[np.float64]) -> Any:
    return np.sign(value) * np.sqrt(np.abs(value))


def _digits(value: int, count: int) -> str:
    return "".join(_DIGITS[value // 83**place % 83] for place in reversed(range(count)))
