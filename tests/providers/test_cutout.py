"""Cut-outs follow the outline of the subject."""

from typing import Any

import numpy as np
import pytest

from app.core.process_child import WorkRefused
from app.providers.adapters.local.cutout import remove_background
from tests.providers import pictures
from tests.providers.pictures import Pixels, photo

_PHOTOS = ("coffee", "chelsea", "astronaut")
_masks: dict[str, Pixels] = {}


def mask_of(name: str, **params: Any) -> Pixels:
    if params:
        return pictures.output(remove_background({"only_mask": True, **params}, {"image": photo(name)}))
    if name not in _masks:
        _masks[name] = mask_of(name, post_process_mask=True)
    return _masks[name]


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize("name", _PHOTOS)
def test_the_mask_follows_the_object_and_no_simple_shape(name: str) -> None:
    solid = mask_of(name) > 127
    down, across = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    box = np.zeros_like(solid)
    box[down[0] : down[-1] + 1, across[0] : across[-1] + 1] = True
    y, x = np.mgrid[0 : solid.shape[0], 0 : solid.shape[1]]
    middle, half = (down[0] + down[-1]) / 2, (down[-1] - down[0]) / 2
    centre, wide = (across[0] + across[-1]) / 2, (across[-1] - across[0]) / 2
    ellipse = ((y - middle) / half) ** 2 + ((x - centre) / wide) ** 2 <= 1

    assert 0.3 < solid.mean() < 0.85
    assert overlap(solid, box) < 0.93
    assert overlap(solid, ellipse) < 0.95


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("coffee", [(250, 130), (100, 260), (300, 380), (410, 90)], [(20, 560), (390, 20), (10, 60), (380, 580)]),
        ("chelsea", [(100, 170), (240, 40), (140, 330)], [(150, 430), (20, 10)]),
        ("astronaut", [(60, 220), (350, 150), (420, 390), (430, 60)], [(100, 30), (100, 420), (250, 480), (30, 30)]),
    ],
)
def test_known_places_are_inside_or_outside(
    name: str, inside: list[tuple[int, int]], outside: list[tuple[int, int]]
) -> None:
    mask = mask_of(name)

    assert [mask[y, x] > 220 for y, x in inside if y < mask.shape[0]].count(False) == 0
    assert [mask[y, x] < 30 for y, x in outside].count(False) == 0


@pytest.mark.parametrize("name", _PHOTOS)
def test_edges_are_soft_but_areas_are_decided(name: str) -> None:
    mask = mask_of(name)
    soft = ((mask > 20) & (mask < 235)).mean()

    assert 0.002 < soft < 0.06


def test_without_matting_the_outline_is_the_networks_own() -> None:
    plain = mask_of_bytes(photo("chelsea"), alpha_matting=False)
    fitted = mask_of_bytes(photo("chelsea"), alpha_matting=True)

    assert plain.shape == fitted.shape
    assert np.abs(plain.astype(int) - fitted).mean() > 0.5


def test_a_cut_out_keeps_the_photograph_inside() -> None:
    cut = pictures.output(remove_background({}, {"image": photo("coffee")}))
    original = pictures.decoded(photo("coffee"))
    solid = cut[:, :, 3] == 255

    assert cut.shape == (400, 600, 4)
    assert (cut[solid][:, :3] == original[solid]).all()


def test_edge_colours_lose_the_old_background() -> None:
    """A dark disc photographed on bright green, its edge half and half, must not keep a green rim."""
    cover = pictures.disc(200, 200, centre=(100, 100), radius=60).astype(np.float32)[:, :, None] / 255
    cover = (cover + np.roll(cover, 1, 0) + np.roll(cover, 1, 1) + np.roll(cover, (1, 1), (0, 1))) / 4
    dark, green = np.array([40, 30, 60]), np.array([40, 230, 60])
    picture = (dark * cover + green * (1 - cover)).astype(np.uint8)
    cut = pictures.output(remove_background({}, {"image": pictures.png(picture)}))
    rim = (cut[:, :, 3] > 40) & (cut[:, :, 3] < 215)

    assert rim.any()
    assert cut[rim][:, 1].mean() < picture[rim][:, 1].mean() - 40


def test_small_specks_can_be_removed() -> None:
    picture = np.full((300, 300, 3), 235, np.uint8)
    picture[90:230, 80:200] = (170, 30, 30)
    picture[20:34, 250:264] = (170, 30, 30)
    mask = mask_of_bytes(pictures.png(picture), post_process_mask=True)

    assert mask[160, 140] > 220
    assert mask[15:40, 245:270].max() < 20


def mask_of_bytes(content: bytes, **params: Any) -> Pixels:
    return pictures.output(remove_background({"only_mask": True, **params}, {"image": content}))


def test_the_mask_is_one_grey_channel_of_the_same_size() -> None:
    mask = mask_of("chelsea")

    assert mask.dtype == np.uint8
    assert mask.shape == (300, 451)


def test_a_background_colour_is_laid_below() -> None:
    params = {"background_color": [10, 200, 30, 255], "output_format": "jpeg", "output_quality": 95}
    [found] = remove_background(params, {"image": photo("coffee")})
    pixels = pictures.decoded(found["content"])

    assert found["content_type"] == "image/jpeg"
    assert np.abs(pixels[5, 595].astype(int) - [10, 200, 30]).max() < 6


def test_matting_thresholds_are_heeded() -> None:
    wide = mask_of("chelsea", alpha_matting=True, foreground_threshold=250, background_threshold=5, erode_size=30)

    assert not np.array_equal(wide, mask_of("chelsea", alpha_matting=True))


def test_thresholds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(WorkRefused, match="foreground_threshold"):
        mask_of("coffee", alpha_matting=True, foreground_threshold=10, background_threshold=20)


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(WorkRefused):
        remove_background({}, {"image": b"not a picture"})


def test_a_few_pixels_are_refused() -> None:
    with pytest.raises(WorkRefused, match="3x200"):
        remove_background({}, {"image": pictures.flat(3, 200)})


def test_the_same_photo_gives_the_same_bytes() -> None:
    first = remove_background({}, {"image": photo("chelsea")})

    assert first == remove_background({}, {"image": photo("chelsea")})
