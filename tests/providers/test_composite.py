"""Products in their new settings: shadows, light, edges."""

from typing import Any

import numpy as np
import pytest

from app.providers.adapters.local import stance
from app.providers.adapters.local.composite import composite
from app.providers.adapters.local.stance import Stance
from tests.providers import pictures
from tests.providers.pictures import Pixels, disc, flat, png


def box_mask(top: int, bottom: int, left: int, right: int, width: int = 200, height: int = 150) -> Pixels:
    mask = np.zeros((height, width), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def placed(mask: Pixels, *, ground: tuple[int, ...] = (200, 200, 200), **params: Any) -> Pixels:
    """A red product within the mask, on a flat ground."""
    height, width = mask.shape
    files = {"image": flat(width, height, (180, 20, 20)), "mask": png(mask), "background": flat(width, height, ground)}
    return pictures.output(composite({"scene": None, "seed": 1, **params}, files))


def test_the_product_stays_where_it_was() -> None:
    result = placed(box_mask(40, 120, 70, 130))

    assert result[80, 100, 0] > 140 > 80 > result[80, 100, 1]
    assert np.abs(result[10, 20].astype(int) - 200).max() < 4


def test_a_standing_product_darkens_the_ground_at_its_foot() -> None:
    result = placed(box_mask(40, 120, 70, 130))
    bare = placed(box_mask(40, 120, 70, 130), shadow=False)

    assert result[121, 80:120].mean() < bare[121, 80:120].mean() - 40
    assert np.abs(result[20].astype(int) - bare[20]).max() < 3


def test_a_product_seen_from_above_has_a_shadow_around() -> None:
    mask = disc(200, 150, centre=(75, 100), radius=50)
    result, bare = placed(mask), placed(mask, shadow=False)

    assert result[128, 80:120].mean() < bare[128, 80:120].mean() - 15


def test_a_subject_cut_by_the_frame_has_no_shadow() -> None:
    mask = box_mask(40, 150, 60, 140)

    assert np.array_equal(placed(mask), placed(mask, shadow=False))


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (box_mask(40, 120, 70, 130), Stance.STANDING),
        (box_mask(40, 150, 70, 130), Stance.CUT),
        (disc(200, 150, centre=(75, 100), radius=50), Stance.FROM_ABOVE),
        (np.zeros((20, 20), np.uint8), Stance.STANDING),
    ],
)
def test_stances(mask: Pixels, expected: Stance) -> None:
    assert stance.read(mask).stance is expected


def test_the_horizon_follows_the_point_of_view() -> None:
    """White wall above, black ground below: seen from above there is only ground; behind a portrait mostly wall."""
    set_ = np.zeros((150, 200, 3), np.uint8)
    set_[:60] = 255
    scene = {"horizon": 0.4, "floor": {"gloss": 0}}

    def share_of_wall(mask: Pixels) -> float:
        files = {"image": flat(200, 150), "mask": png(mask), "background": png(set_)}
        result = pictures.output(composite({"scene": scene, "shadow": False}, files))
        return float((result[:, 4] > 127).all(1).mean())

    assert share_of_wall(disc(200, 150, centre=(75, 100), radius=50)) < 0.03
    assert 0.3 < share_of_wall(box_mask(60, 140, 70, 130)) < 0.5
    assert share_of_wall(box_mask(40, 150, 60, 140)) > 0.58


def test_another_shape_of_frame_keeps_the_product_whole() -> None:
    files = {
        "image": flat(200, 150, (180, 20, 20)),
        "mask": png(box_mask(40, 120, 70, 130)),
        "background": flat(300, 400, (200, 200, 200)),
    }
    result = pictures.output(composite({}, files))
    red = result[:, :, 0].astype(int) - result[:, :, 1] > 80

    assert result.shape == (400, 300, 3)
    assert abs(red.sum() - 60 * 80 * 1.5**2) < 500


def test_colours_follow_the_light_gently() -> None:
    warm, cold = (
        placed(box_mask(40, 120, 70, 130), ground=(230, 160, 90)),
        placed(box_mask(40, 120, 70, 130), ground=(90, 160, 230)),
    )
    shift = warm[80, 100].astype(int) - cold[80, 100]

    assert 3 < shift[0] < 45


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_formats(kind: str) -> None:
    mask = box_mask(10, 20, 10, 20, 40, 30)
    files = {"image": flat(40, 30), "mask": png(mask), "background": flat(40, 30)}
    [found] = composite({"output_format": kind, "seed": 3}, files)

    assert pictures.loader_of(found["content"]) == kind
    assert found["seed"] == 3
