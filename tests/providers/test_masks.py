"""Masks in the form vendors want."""

import numpy as np

from app.providers import masks
from tests.providers.pictures import Pixels, decoded, loader_of, png


def grey(*values: int) -> Pixels:
    return np.array([values], np.uint8)


def test_white_becomes_transparent_and_black_opaque() -> None:
    content = masks.to_alpha(png(grey(255, 0, 255)))
    assert loader_of(content) == "png"
    assert decoded(content).tolist() == [[[0, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 0]]]


def test_nothing_is_half_transparent() -> None:
    assert decoded(masks.to_alpha(png(grey(1, 127, 128, 254))))[0, :, 3].tolist() == [255, 255, 0, 0]


def test_the_size_stays() -> None:
    assert decoded(masks.to_alpha(png(np.zeros((30, 50), np.uint8)))).shape == (30, 50, 4)
