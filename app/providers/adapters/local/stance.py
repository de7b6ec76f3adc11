"""How a subject stands in its photograph, read off its outline: cut by the frame, on its base, or seen from above."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.providers.adapters.local.pictures import Bytes

_LOOK_DOWN = 0.45  # the flatness of the base's ellipse from which on no horizon is expected in view


class Stance(StrEnum):
    CUT = "cut"
    STANDING = "standing"
    FROM_ABOVE = "from_above"


@dataclass(frozen=True)
class Outline:
    """In shares of the picture. `cut` are the sides of the frame that the subject runs into."""

    stance: Stance
    top: float
    bottom: float
    left: float
    right: float
    cut: frozenset[str]


def read(alpha: Bytes) -> Outline:
    solid = alpha > 127
    rows, columns = solid.shape
    down, across = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not down.size:
        return Outline(Stance.STANDING, 0, 1, 0, 1, frozenset())
    top, bottom, left, right = int(down[0]), int(down[-1]) + 1, int(across[0]), int(across[-1]) + 1
    edges = {"bottom": solid[-2:].any(0), "left": solid[:, :2].any(1), "right": solid[:, -2:].any(1)}
    cut = frozenset(side for side, edge in edges.items() if edge.mean() > 0.04)
    if "bottom" in cut:
        stance = Stance.CUT
    elif _tilt(solid[top:bottom, left:right]) > _LOOK_DOWN:
        stance = Stance.FROM_ABOVE
    else:
        stance = Stance.STANDING
    return Outline(stance, top / rows, bottom / rows, left / columns, right / columns, cut)


def _tilt(solid: np.ndarray) -> float:
    """Height over width of the ellipse that the lower outline would be part of; near 0 for a flat base.

    Taken from two chords, and the flatter answer counts: a tapering foot widens slowly, but starts wide.
    """
    widths = solid[::-1].sum(1).astype(np.float64)
    lower = widths[: max(int(len(widths) * 0.6), 1)]
    widest = float(lower.max())
    half = widest / 2
    to_nearly_widest = float(np.argmax(lower >= 0.9 * widest))
    first = to_nearly_widest / 0.56 / half
    height = max(round(0.04 * widest), 1)
    chord = min(float(lower[min(height, len(lower) - 1)]) / widest, 0.999)
    second = height / (1 - (1 - chord**2) ** 0.5) / half
    result: float = min(first, second)
    return result
