"""What a vendor returns, brought into the format and size that were ordered; and masks as adapters get them."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import pyvips

from app.assets import imaging
from app.assets.imaging import Form, ImageType, Prepared
from app.core.processes import WorkRefused
from tests.assets import pictures

PNG, JPEG, WEBP = ImageType.PNG, ImageType.JPEG, ImageType.WEBP
WRITERS = {PNG: pictures.png, JPEG: pictures.jpeg, WEBP: pictures.webp}


def shaped(content: bytes, kind: ImageType, size: tuple[int, int] | None = None, **about: Any) -> Prepared:
    form = Form(kind, **{"quality": 95, "size": size, **about})
    return Prepared.from_child(imaging.prepare(content, imaging.MAX_OUTPUT_SIDE, True, asdict(form)), content)


def opened(content: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(content, "")


def colour(image: pyvips.Image, x: int, y: int) -> list[int]:
    return [round(band) for band in image.getpoint(x, y)]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("size", [None, (64, 48)], ids=str)
def test_what_is_right_stays_byte_for_byte(kind: ImageType, size: tuple[int, int] | None) -> None:
    content = WRITERS[kind](keep="none")
    assert shaped(content, kind, size).full.content == content


@pytest.mark.parametrize("wanted", WRITERS)
@pytest.mark.parametrize("made", WRITERS)
def test_it_has_the_format_and_the_size_that_were_ordered(made: ImageType, wanted: ImageType) -> None:
    full = shaped(WRITERS[made](), wanted, (128, 96)).full
    image = opened(full.content)
    assert (full.content_type, full.width, full.height) == (wanted, 128, 96)
    assert (imaging.sniff(full.content), image.width, image.height) == (wanted, 128, 96)
    assert not any(name in image.get_fields() for name in ("exif-data", "icc-profile-data", "xmp-data"))
    left, right = colour(image, 2, 48), colour(image, 125, 48)
    assert left[0] < 30 < 225 < right[0], "red grows to the right, as it did"


@pytest.mark.parametrize(("size", "kept"), [((48, 48), (8, 56)), ((24, 48), (20, 44))], ids=str)
def test_of_another_shape_the_middle_is_kept(size: tuple[int, int], kept: tuple[int, int]) -> None:
    """The gradient is 64 wide: its red tells where a column comes from."""
    image = opened(shaped(pictures.png(), PNG, size).full.content)
    assert (image.width, image.height) == size
    reds = [colour(image, x, 24)[0] * 63 / 255 for x in (0, size[0] - 1)]
    assert abs(reds[0] - kept[0]) < 1.5
    assert abs(reds[1] - (kept[1] - 1)) < 1.5


def test_a_rounding_error_is_no_other_shape() -> None:
    """341 of 1024 by 768 is 255.75 high: all of the picture stays."""
    image = opened(shaped(pictures.png(pictures.gradient(1024, 768)), PNG, (341, 256)).full.content)
    assert (image.width, image.height) == (341, 256)
    assert colour(image, 0, 128)[0] <= 1
    assert colour(image, 340, 128)[0] >= 254


def test_alpha_stays_where_the_format_has_it() -> None:
    image = opened(shaped(pictures.png(pictures.translucent()), WEBP, (128, 96)).full.content)
    assert image.hasalpha()
    assert colour(image, 2, 48)[3] < 30


def test_a_jpeg_shows_white_where_there_was_nothing() -> None:
    image = opened(shaped(pictures.png(pictures.translucent()), JPEG).full.content)
    assert not image.hasalpha()
    assert min(colour(image, 0, 10)) > 245


def test_a_grey_picture_may_be_ordered_in_any_format() -> None:
    grey = pictures.gradient()[0].bandjoin(pictures.gradient()[1]).copy(interpretation="b-w")
    for kind in WRITERS:
        full = shaped(pictures.png(grey), kind, (32, 24)).full
        assert (imaging.sniff(full.content), opened(full.content).width) == (kind, 32)


def test_sixteen_bits_become_eight() -> None:
    deep = (pictures.gradient().cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    image = opened(shaped(pictures.png(deep), PNG).full.content)
    assert image.format == "uchar"
    assert min(colour(image, 63, 47)[:2]) >= 254


def test_the_ordered_quality_is_that_of_the_file() -> None:
    content = pictures.png(pictures.gradient(400, 300))
    low, high = (len(shaped(content, JPEG, quality=quality).full.content) for quality in (20, 95))
    assert low < high / 1.5


def test_a_file_whose_maker_was_not_told_the_quality_is_made_smaller_and_never_larger() -> None:
    content = pictures.jpeg(pictures.gradient(400, 300), Q=80, keep="none")
    assert shaped(content, JPEG, quality=30).full.content == content, "its maker was told"
    low = shaped(content, JPEG, quality=30, is_quality_given=False).full
    assert len(low.content) < len(content)
    assert low.content_type == JPEG
    assert shaped(content, JPEG, quality=95, is_quality_given=False).full.content == content


def test_what_stands_beside_the_pixels_is_taken_out_in_the_ordered_quality() -> None:
    content = pictures.jpeg(pictures.with_exif(6, pictures.gradient(400, 300)))
    low, high = (shaped(content, JPEG, quality=quality).full for quality in (20, 95))
    assert (high.width, high.height) == (300, 400)
    assert b"SecretCamera" not in high.content
    assert len(low.content) < len(high.content)


@pytest.mark.parametrize(
    "content",
    [*pictures.INVALID.values(), *pictures.UNSUPPORTED.values()],
    ids=[*pictures.INVALID, *pictures.UNSUPPORTED],
)
def test_no_form_is_given_to_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(WorkRefused):
        shaped(content, PNG, (64, 64))


def test_the_renditions_are_those_of_the_new_picture() -> None:
    made = shaped(pictures.png(pictures.gradient(300, 300)), JPEG, (2000, 1000)).pictures
    assert [(part.width, part.height) for part in made] == [(2000, 1000), (1024, 512), (256, 128)]


# --- masks


def mask(content: bytes) -> np.ndarray[Any, Any]:
    made = imaging.to_mask(content, 8192)
    assert imaging.is_mask(made)
    image = opened(made)
    assert (image.bands, image.format, image.interpretation) == (1, "uchar", "b-w")
    pixels: np.ndarray[Any, Any] = image.numpy()
    return pixels.reshape(image.height, image.width)


STEPS = np.arange(256, dtype=np.uint8).reshape(1, 256).repeat(4, axis=0)
GREY = pyvips.Image.new_from_array(STEPS).copy(interpretation="b-w")
RGB = GREY.bandjoin([GREY, GREY]).copy(interpretation="srgb")
OPAQUE, CLEAR = GREY * 0 + 255, GREY * 0


@pytest.mark.parametrize(
    "image",
    [
        GREY,
        RGB,
        GREY.bandjoin(OPAQUE).cast("uchar").copy(interpretation="b-w"),
        RGB.bandjoin(OPAQUE).cast("uchar").copy(interpretation="srgb"),
        (GREY.cast("ushort") * 257).cast("ushort").copy(interpretation="grey16"),
        (RGB.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16"),
    ],
    ids=["grey", "rgb", "grey with alpha", "rgb with alpha", "16 bit grey", "16 bit rgb"],
)
def test_a_mask_of_any_kind_is_read_by_its_light(image: pyvips.Image) -> None:
    assert np.abs(mask(image.pngsave_buffer()).astype(int) - STEPS).max() <= 1


def test_a_palette_is_looked_up() -> None:
    two = (GREY >= 128).ifthenelse(255, 0).cast("uchar")
    content = two.bandjoin([two, two]).copy(interpretation="srgb").pngsave_buffer(palette=True, bitdepth=1)
    assert not imaging.is_mask(content)
    assert mask(content)[0, [0, 127, 128, 255]].tolist() == [0, 0, 255, 255]


def test_where_a_mask_is_transparent_it_is_black() -> None:
    white = RGB * 0 + 255
    content = white.bandjoin(GREY).cast("uchar").copy(interpretation="srgb").pngsave_buffer()
    assert np.abs(mask(content).astype(int) - STEPS).max() <= 1
    assert not mask(white.bandjoin(CLEAR).cast("uchar").copy(interpretation="srgb").pngsave_buffer()).any()


@pytest.mark.parametrize("write", [pictures.jpeg, pictures.webp])
def test_a_mask_need_not_be_png(write: Any) -> None:
    black, white = mask(write(RGB))[0, [0, 255]].tolist()
    assert black <= 3
    assert white >= 252


def test_only_a_grey_png_is_a_mask_as_it_is() -> None:
    grey = GREY.pngsave_buffer(keep="none")
    assert imaging.is_mask(grey)
    clear = grey[:33] + pictures.chunk(b"tRNS", b"\0\0") + grey[33:]
    for other in (clear, RGB.pngsave_buffer(), pictures.jpeg(GREY), GREY.pngsave_buffer(bitdepth=1), b"", b"GIF89a"):
        assert not imaging.is_mask(other)
    assert mask(clear)[0, 0] == 0


@pytest.mark.parametrize("content", pictures.INVALID.values(), ids=pictures.INVALID)
def test_a_broken_mask_is_refused(content: bytes) -> None:
    with pytest.raises(WorkRefused):
        imaging.to_mask(content, 8192)
