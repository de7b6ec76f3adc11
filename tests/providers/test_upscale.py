"""Enlarged pictures: their size, their look, their transparency."""

import numpy as np
import pytest

from app.core.process_child import WorkRefused
from app.providers.adapters.local import models, upscale
from tests.providers import pictures
from tests.providers.pictures import Pixels, disc, loader_of, photo, png

pytestmark = pytest.mark.skipif(models.realesrgan(2) is None, reason="no Real-ESRGAN wheel for this platform")


def small_photo() -> Pixels:
    return np.ascontiguousarray(pictures.decoded(photo("chelsea"))[60:140, 120:230])


def enlarged(source: Pixels, scale: int) -> Pixels:
    return pictures.output(upscale.upscale({"scale": scale, "output_format": "png"}, {"image": png(source)}))


def sharpness(pixels: Pixels) -> float:
    grey = pixels.astype(float).mean(2)
    return float(
        np.abs(grey[1:-1, 1:-1] * 4 - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]).mean()
    )


@pytest.mark.parametrize("scale", [2, 4])
def test_the_result_is_larger_and_still_the_same_picture(scale: int) -> None:
    source = small_photo()
    result = enlarged(source, scale)
    back = result.reshape(80, scale, 110, scale, 3).mean((1, 3))

    assert result.shape == (80 * scale, 110 * scale, 3)
    assert np.abs(back - source).mean() < 6


def test_the_network_is_sharper_than_plain_enlarging() -> None:
    source = small_photo()
    plain = pictures.from_pixels(source).resize(4, kernel="cubic").numpy()

    assert sharpness(enlarged(source, 4)) > 1.3 * sharpness(plain)


def test_tiles_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = enlarged(small_photo(), 2)
    monkeypatch.setattr(upscale, "_TILE", 48)

    assert np.abs(enlarged(small_photo(), 2).astype(int) - whole.astype(int)).max() <= 8


def test_transparency_is_kept() -> None:
    source = np.dstack([small_photo(), disc(110, 80, centre=(40, 50), radius=30)])
    result = enlarged(source, 2)

    assert result.shape == (160, 220, 4)
    assert result[80, 100, 3] == 255
    assert result[5, 5, 3] == 0


def test_large_pictures_are_enlarged_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upscale, "NETWORK_PIXELS", 1000)
    monkeypatch.setattr(upscale, "_by_network", None)

    assert enlarged(small_photo(), 2).shape == (160, 220, 3)


def test_without_weights_it_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "realesrgan", lambda scale: None)

    assert enlarged(small_photo(), 4).shape == (320, 440, 3)


def test_a_result_beyond_the_limit_is_refused() -> None:
    with pytest.raises(WorkRefused, match="8192"):
        enlarged(np.zeros((4, 2049, 3), np.uint8), 4)


def test_other_scales_are_refused() -> None:
    with pytest.raises(WorkRefused, match="2 or 4"):
        enlarged(small_photo(), 3)


def test_the_format_is_that_of_the_input_by_default() -> None:
    tiny = pictures.from_pixels(small_photo()[:20, :20]).webpsave_buffer()
    [found] = upscale.upscale({"scale": 2}, {"image": tiny})

    assert loader_of(found["content"]) == "webp"
