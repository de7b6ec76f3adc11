"""Each adjustment of transform_image does what it says."""

from typing import Any

import numpy as np
import pytest

from app.core.process_child import WorkRefused
from app.providers.adapters.local.transform import transform_image
from tests.providers import pictures
from tests.providers.pictures import Pixels, halves, loader_of, photo, png


def transformed(source: bytes | Pixels, **params: Any) -> Pixels:
    content = source if isinstance(source, bytes) else png(source)
    return pictures.output(transform_image(params, {"image": content}))


def test_nothing_asked_changes_nothing() -> None:
    assert np.array_equal(transformed(halves()), halves())


def test_a_crop_is_in_pixels_from_the_top_left() -> None:
    source = halves()
    result = transformed(source, crop={"left": 15, "top": 3, "width": 10, "height": 8})

    assert np.array_equal(result, source[3:11, 15:25])


@pytest.mark.parametrize(
    "crop",
    [
        {"left": 35, "top": 0, "width": 10, "height": 5},
        {"left": 0, "top": 19, "width": 5, "height": 2},
        {"left": -1, "top": 0, "width": 5, "height": 5},
        {"left": 0, "top": 0, "width": 0, "height": 5},
    ],
)
def test_a_crop_outside_is_refused_and_names_the_size(crop: dict[str, int]) -> None:
    with pytest.raises(WorkRefused, match="40x20"):
        transformed(halves(), crop=crop)


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({"width": 20}, (20, 10)),
        ({"height": 40}, (80, 40)),
        ({"width": 30, "height": 30}, (30, 15)),
        ({"width": 30, "height": 30, "fit": "inside"}, (30, 15)),
        ({"width": 30, "height": 30, "fit": "contain"}, (30, 30)),
        ({"width": 30, "height": 30, "fit": "cover"}, (30, 30)),
        ({"width": 30, "height": 30, "fit": "fill"}, (30, 30)),
    ],
)
def test_sizes(params: dict[str, Any], size: tuple[int, int]) -> None:
    result = transformed(halves(), **params)

    assert (result.shape[1], result.shape[0]) == size


def test_contain_fills_with_the_background() -> None:
    result = transformed(halves(), width=40, height=40, fit="contain", background_color=[9, 8, 7, 255])

    assert result.shape == (40, 40, 3)
    assert tuple(result[2, 2]) == (9, 8, 7)


def test_contain_is_transparent_by_default() -> None:
    assert tuple(transformed(halves(), width=40, height=40, fit="contain")[2, 2]) == (255, 255, 255, 0)


def test_cover_cuts_and_fill_stretches() -> None:
    covered = transformed(halves(), width=20, height=20, fit="cover")
    stretched = transformed(halves(), width=20, height=20, fit="fill")

    assert covered[10, 2, 0] > 200
    assert covered[10, 17, 2] > 200
    assert np.abs(stretched[10].astype(int) - transformed(halves(), width=20)[5]).max() < 12


def test_rotation_is_clockwise() -> None:
    source = halves()

    assert np.array_equal(transformed(source, rotate=90), np.rot90(source, -1))
    assert np.array_equal(transformed(source, rotate=180), np.rot90(source, 2))
    assert np.array_equal(transformed(source, rotate=-90), np.rot90(source, 1))
    assert np.array_equal(transformed(source, rotate=720), source)


def test_a_slant_grows_the_picture_and_fills_its_corners() -> None:
    opaque = transformed(halves(200, 100), rotate=30, background_color=[1, 250, 3, 255])
    clear = transformed(halves(200, 100), rotate=30)

    assert abs(opaque.shape[1] - (200 * 0.866 + 100 * 0.5)) < 3
    assert tuple(opaque[0, 0]) == (1, 250, 3)
    assert opaque.shape[2] == 3
    assert clear[0, 0, 3] == 0
    assert clear[clear.shape[0] // 2, clear.shape[1] // 2, 3] == 255


def test_flips() -> None:
    source = halves()

    assert np.array_equal(transformed(source, flip="horizontal"), source[:, ::-1])
    assert np.array_equal(transformed(source, flip="vertical"), source[::-1])
    assert np.array_equal(transformed(source, flip="both"), source[::-1, ::-1])


def test_colours() -> None:
    source = pictures.flat(4, 4, (100, 60, 20))

    assert tuple(transformed(source, brightness=2.0)[0, 0]) == (200, 120, 40)
    assert tuple(transformed(source, brightness=0)[0, 0]) == (0, 0, 0)
    assert tuple(transformed(source, contrast=0)[0, 0]) == (128, 128, 128)
    assert transformed(source, contrast=2.0)[0, 0, 0] < 100
    assert len(set(transformed(source, saturation=0)[0, 0])) == 1
    assert np.ptp(transformed(source, saturation=2.0)[0, 0].astype(int)) > 80
    assert tuple(transformed(source, grayscale=True)[0, 0]) == tuple(transformed(source, saturation=0)[0, 0])


def test_blur_and_sharpen_act_on_edges() -> None:
    source = halves(60, 30)

    def steps(pixels: Pixels) -> int:
        return int(np.abs(np.diff(pixels[15, :, 0].astype(int))).max())

    blurred = transformed(source, blur=3)
    assert steps(blurred) < 60
    assert steps(transformed(blurred, sharpen=4)) > steps(blurred)
    assert steps(transformed(source, blur=100)) < 10


def test_the_order_is_crop_resize_rotate() -> None:
    result = transformed(halves(), rotate=90, width=20, crop={"left": 0, "top": 0, "width": 20, "height": 10})

    assert result.shape[:2] == (20, 10)
    assert result[10, 9, 1] > result[10, 0, 1]  # the green line, once on top, is now on the right


def test_transparency_survives_and_hidden_colours_do_not_bleed() -> None:
    source = np.zeros((20, 20, 4), np.uint8)
    source[:, :, 1] = 255
    source[5:15, 5:15] = (200, 0, 0, 255)
    result = transformed(source, blur=1.5, rotate=10, brightness=1.1, sharpen=1, flip="both")
    seen = result[result[:, :, 3] > 30]

    assert result.shape[2] == 4
    assert seen[:, 1].max() < 60


@pytest.mark.parametrize(
    ("params", "wanted"), [({}, "jpeg"), ({"output_format": "webp"}, "webp"), ({"output_format": "png"}, "png")]
)
def test_the_format_is_the_asked_one_or_that_of_the_input(params: dict[str, Any], wanted: str) -> None:
    [found] = transform_image(params, {"image": photo("chelsea")})

    assert loader_of(found["content"]) == wanted
    assert found["content_type"] == f"image/{wanted}"


def test_quality_matters() -> None:
    sizes = [
        len(transform_image({"output_quality": quality}, {"image": photo("chelsea")})[0]["content"])
        for quality in (20, 95)
    ]

    assert sizes[0] * 2 < sizes[1]


def test_a_grey_picture_is_served() -> None:
    assert transformed(np.full((8, 8), 90, np.uint8), brightness=2)[0, 0, 0] == 180


def test_a_truncated_file_is_refused() -> None:
    with pytest.raises(WorkRefused):
        transformed(png(halves(300, 300))[:-400])
