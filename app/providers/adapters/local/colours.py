"""Colours as three floats, and their names in English and Vietnamese."""

import re
from collections.abc import Sequence

import numpy as np

from app.providers.adapters.local.pictures import Floats

Colour = Sequence[float]

NAMES = {
    "white": "#f6f5f2",
    "trắng": "#f6f5f2",
    "ivory": "#f3ecd9",
    "ngà": "#f3ecd9",
    "cream": "#f4e8d2",
    "kem": "#f4e8d2",
    "champagne": "#e6d2b3",
    "sâm panh": "#e6d2b3",
    "beige": "#e3d3b8",
    "be": "#e3d3b8",
    "black": "#17171a",
    "đen": "#17171a",
    "grey": "#8e9093",
    "gray": "#8e9093",
    "xám": "#8e9093",
    "charcoal": "#35373b",
    "silver": "#c3c6ca",
    "bạc": "#c3c6ca",
    "red": "#b3202a",
    "đỏ": "#b3202a",
    "burgundy": "#6a1728",
    "đỏ đô": "#6a1728",
    "pink": "#f0b6bf",
    "hồng": "#f0b6bf",
    "peach": "#f6c4a4",
    "đào": "#f6c4a4",
    "coral": "#ee8068",
    "san hô": "#ee8068",
    "orange": "#e58a35",
    "cam": "#e58a35",
    "terracotta": "#b9613f",
    "đất nung": "#b9613f",
    "brown": "#6f4a30",
    "nâu": "#6f4a30",
    "yellow": "#efc94c",
    "vàng": "#e9c257",
    "gold": "#c99a3f",
    "golden": "#c99a3f",
    "vàng kim": "#c99a3f",
    "green": "#5d8a58",
    "xanh lá": "#5d8a58",
    "xanh lục": "#5d8a58",
    "emerald": "#1f6b4f",
    "ngọc lục bảo": "#1f6b4f",
    "olive": "#77783f",
    "sage": "#aab69a",
    "mint": "#b6dccb",
    "bạc hà": "#b6dccb",
    "teal": "#2f7d7e",
    "turquoise": "#57b8b5",
    "ngọc": "#57b8b5",
    "blue": "#4474b0",
    "xanh": "#4474b0",
    "xanh dương": "#4474b0",
    "xanh lam": "#4474b0",
    "sky blue": "#a9cfe8",
    "xanh da trời": "#a9cfe8",
    "xanh nhạt": "#a9cfe8",
    "navy": "#1d2c4e",
    "xanh navy": "#1d2c4e",
    "purple": "#7a5aa0",
    "tím": "#7a5aa0",
    "lavender": "#c9bbe2",
    "oải hương": "#c9bbe2",
}
_HEX = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b", re.IGNORECASE)
PATTERN = re.compile(
    _HEX.pattern + "|" + r"\b(?:" + "|".join(sorted(map(re.escape, NAMES), key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)


def parse(text: str) -> Floats:
    """`#rgb`, `#rrggbb` or a name."""
    code = NAMES.get(text.lower(), text).lstrip("#")
    if len(code) == 3:
        code = "".join(digit * 2 for digit in code)
    return np.array([int(code[place : place + 2], 16) for place in (0, 2, 4)], np.float32) / np.float32(255)


def shaded(colour: Floats, by: float) -> Floats:
    """Darker for a negative share, lighter for a positive one."""
    goal = np.float32(1 if by > 0 else 0)
    return colour + (goal - colour) * np.float32(abs(by))


def light_of(colour: Floats) -> float:
    return float(colour @ np.array([0.2126, 0.7152, 0.0722], np.float32))
