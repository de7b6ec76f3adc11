"""The size to ask for: as near as there is, and never another shape where the shape is free."""

import pytest

from app.providers.limits import Limits, Size


@pytest.mark.parametrize(
    ("asked", "fitted"),
    [
        ((768, 512), (768, 512)),
        ((320, 256), (640, 512)),
        ((256, 320), (512, 640)),
        ((4096, 2048), (2048, 1024)),
        ((1000, 700), (1024, 704)),
        ((256, 4096), (512, 2048)),
    ],
)
def test_a_picture_keeps_its_shape_as_far_as_there_are_such_sizes(asked: Size, fitted: Size) -> None:
    assert Limits(least=512, most=2048, multiple=64).fit(*asked) == fitted


def test_the_most_pixels_count_too() -> None:
    width, height = Limits(least=256, most=1440, multiple=32, most_pixels=1048576).fit(1440, 1440)
    assert (width, height) == (1024, 1024)
