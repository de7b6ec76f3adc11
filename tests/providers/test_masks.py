"""Masks in the form vendors want."""

import numpy as np
import pytest

from app.providers import masks
from app.providers.base import ErrorCode, Rejected
from tests.providers.pictures import Pixels, decoded, flat, from_pixels, loader_of, png


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


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 255, 255, 255), (255, 255, 255, 0)])
def test_a_mask_in_colours_is_read_by_its_light(colour: tuple[int, ...]) -> None:
    assert not decoded(masks.to_alpha(flat(4, 3, colour))).any()


@pytest.mark.parametrize("file_type", [".jpg", ".webp"])
def test_a_mask_need_not_be_png(file_type: str) -> None:
    mask = from_pixels(np.repeat(np.array([[255, 0]], np.uint8), 16, axis=1)).write_to_buffer(file_type)
    assert decoded(masks.to_alpha(mask))[0, [0, 31], 3].tolist() == [0, 255]


@pytest.mark.parametrize("content", [b"", b"no picture", png(np.zeros((64, 64), np.uint8))[:90]])
def test_what_is_no_whole_picture_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        masks.to_alpha(content)
    assert caught.value.code == ErrorCode.INVALID_IMAGE
