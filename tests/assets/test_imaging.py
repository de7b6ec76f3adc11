"""Every kind of file a stranger may send, and what is left of the good ones."""

import random
import time
import zlib

import numpy as np
import pytest
import pyvips

from app.assets import imaging
from app.assets.imaging import ImageType, Prepared, Rendition
from app.core.processes import ProcessDied, ProcessFailed, ProcessPool, ProcessTimedOut, WorkRefused
from tests.assets import pictures


def prepare(content: bytes, *, max_side: int = 4096, keeps_clean: bool = False) -> Prepared:
    return Prepared.from_child(imaging.prepare(content, max_side, keeps_clean), content)


def refusal(content: bytes) -> WorkRefused:
    with pytest.raises(WorkRefused) as caught:
        imaging.prepare(content, 4096, False)
    return caught.value


def opened(content: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(content, "")


def difference(one: pyvips.Image, other: pyvips.Image) -> float:
    assert (one.width, one.height, one.bands) == (other.width, other.height, other.bands)
    return float((one.cast("short") - other.cast("short")).abs().avg())


@pytest.mark.parametrize("content", pictures.UNSUPPORTED.values(), ids=pictures.UNSUPPORTED)
def test_other_formats_are_refused_by_their_bytes(content: bytes) -> None:
    error = refusal(content)
    assert error.code == "unsupported_media_type"
    assert "JPEG, PNG or WebP" in error.detail


@pytest.mark.parametrize("content", pictures.INVALID.values(), ids=pictures.INVALID)
def test_broken_and_moving_pictures_are_refused(content: bytes) -> None:
    assert refusal(content).code == "invalid_image"


@pytest.mark.parametrize("content", pictures.TOO_LARGE.values(), ids=pictures.TOO_LARGE)
def test_too_many_pixels_are_refused_before_decoding(content: bytes) -> None:
    started = time.monotonic()
    error = refusal(content)
    assert error.code in ("image_too_large", "invalid_image")  # some claims no header can hold
    assert time.monotonic() - started < 2


def test_the_bomb_is_told_its_size() -> None:
    assert len(pictures.png_bomb()) < 100_000
    assert "20000 × 20000" in refusal(pictures.png_bomb()).detail


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_bomb_in_a_side_chunk_does_no_harm(kind: bytes) -> None:
    packed = zlib.compress(bytes(100_000_000), 9)
    head = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind]
    started = time.monotonic()
    made = prepare(pictures.png_with(pictures.chunk(kind, head + packed)))
    assert time.monotonic() - started < 2
    assert len(made.full.content) < 50_000


def test_three_renditions_and_a_placeholder() -> None:
    made = prepare(pictures.jpeg(pictures.gradient(2000, 1000)))
    assert [(p.rendition, p.content_type, p.width, p.height) for p in made.pictures] == [
        (Rendition.FULL, ImageType.JPEG, 2000, 1000),
        (Rendition.MEDIUM, ImageType.WEBP, 1024, 512),
        (Rendition.THUMBNAIL, ImageType.WEBP, 256, 128),
    ]
    for picture in made.pictures:
        image = opened(picture.content)
        assert (image.width, image.height) == (picture.width, picture.height)
    assert len(made.placeholder) == 28


def test_a_small_picture_is_not_blown_up() -> None:
    made = prepare(pictures.png(pictures.gradient(1, 1)))
    assert {(p.width, p.height) for p in made.pictures} == {(1, 1)}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("write", [pictures.jpeg, pictures.png, pictures.webp])
def test_orientation_is_applied_and_all_metadata_taken_out(orientation: int, write: object) -> None:
    turned = pictures.with_exif(orientation)
    content = write(turned)  # type: ignore[operator]
    assert b"SecretCamera" in content
    made = prepare(content)
    for picture in made.pictures:
        assert b"SecretCamera" not in picture.content
        fields = opened(picture.content).get_fields()
        assert not [name for name in fields if name.startswith(("exif", "xmp", "iptc", "icc", "orientation"))]
    assert difference(opened(made.full.content), turned.autorot()) < 3


def test_what_is_hidden_behind_a_picture_does_not_survive() -> None:
    payload = b"PK\x03\x04<?php system($_GET[0]); ?><script>"
    for content in (pictures.jpeg(), pictures.png(), pictures.webp()):
        for keeps_clean in (False, True):
            made = prepare(content + payload, keeps_clean=keeps_clean)
            assert not any(b"<?php" in picture.content for picture in made.pictures)


def test_png_and_lossless_webp_keep_every_pixel() -> None:
    image = pictures.translucent(300, 200)
    for content, kind in (
        (pictures.png(image), ImageType.PNG),
        (pictures.webp(image, lossless=True, exact=True), ImageType.WEBP),
    ):
        made = prepare(content)
        assert made.full.content_type is kind
        visible = image[3] > 0
        assert difference(opened(made.full.content) * visible, image * visible) == 0


def test_lossy_webp_stays_webp_and_alpha_stays_in_every_rendition() -> None:
    made = prepare(pictures.webp(pictures.translucent(1500, 900)))
    assert made.full.content_type is ImageType.WEBP
    assert all(opened(picture.content).hasalpha() for picture in made.pictures)


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    made = prepare(pictures.jpeg(pictures.gradient().icc_transform("cmyk", input_profile="srgb"), keep="none"))
    image = opened(made.full.content)
    assert (image.bands, image.interpretation) == (3, "srgb")
    assert difference(image, pictures.gradient()) < 40


def test_sixteen_bits_grey_and_palettes_become_eight_bit_rgb() -> None:
    gradient = pictures.gradient()
    deep = (gradient.cast("ushort") * 257).copy(interpretation="rgb16")
    grey = gradient.colourspace("b-w")
    for image, options, bands, green in (
        (deep, {"bitdepth": 16}, 3, gradient[1]),
        (grey, {}, 3, grey),
        (grey.bandjoin(255), {}, 4, grey),
        (pictures.translucent(), {"palette": True}, 4, gradient[1]),
        (gradient, {"interlace": True}, 3, gradient[1]),
    ):
        result = opened(prepare(pictures.png(image, **options)).full.content)
        assert (result.format, result.bands, result.interpretation) == ("uchar", bands, "srgb")
        assert difference(result[1], green) < 12


def test_a_colour_profile_is_applied_then_taken_out() -> None:
    wide = pictures.gradient().icc_transform("p3", input_profile="srgb")
    assert difference(wide, pictures.gradient()) > 3
    image = opened(prepare(pictures.png(wide)).full.content)
    assert not image.get_typeof("icc-profile-data")
    assert difference(image, pictures.gradient()) < 1.5


def test_a_false_colour_profile_does_no_harm() -> None:
    image = pictures.gradient().copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", b"not a profile" * 20)
    assert prepare(pictures.jpeg(image)).full.width == 64


def test_a_clean_output_is_kept_byte_for_byte() -> None:
    for content in (pictures.jpeg(keep="none"), pictures.png(keep="none"), pictures.webp(keep="none")):
        assert prepare(content, keeps_clean=True).full.content == content
        assert prepare(content).full.width == 64
    content = pictures.jpeg(pictures.with_exif(6))
    assert prepare(content, keeps_clean=True).full.content != content


def test_the_largest_picture_is_ready_in_time() -> None:
    noise = pyvips.Image.gaussnoise(4096, 4096, mean=128, sigma=20)
    content = pictures.jpeg(noise.bandjoin([noise, noise]).cast("uchar").copy(interpretation="srgb"), Q=80)
    started = time.monotonic()
    assert prepare(content).full.width == 4096
    assert time.monotonic() - started < 15


async def test_mutations_end_as_a_picture_or_a_refusal() -> None:
    """In a child with the limits of production, which must not die of them either."""
    pool = ProcessPool(size=1, memory_bytes=1 << 30, idle_seconds=5)
    chance = random.Random(7)
    seeds = [pictures.jpeg(), pictures.png(), pictures.webp(), pictures.webp(lossless=True)]
    ends = {"kept": 0, "refused": 0}
    try:
        for turn in range(240):
            content = bytearray(seeds[turn % len(seeds)])
            for _ in range(chance.choice([1, 2, 8])):
                content[chance.randrange(12, len(content))] = chance.randrange(256)
            try:
                await pool.run(imaging.prepare, bytes(content), 4096, False, timeout=10)
                ends["kept"] += 1
            except WorkRefused:
                ends["refused"] += 1
            except (ProcessDied, ProcessFailed, ProcessTimedOut) as fault:
                pytest.fail(f"turn {turn}: {fault!r}")
    finally:
        await pool.close()
    assert min(ends.values()) > 20


def test_the_blurhash_is_the_one_of_the_reference() -> None:
    from app.assets import blurhash

    y, x = np.mgrid[0:24, 0:32]
    pixels = np.stack([x * 8, y * 10, np.full_like(x, 90)], axis=-1).astype(np.uint8)
    assert blurhash.encode(pixels) == "LxH2782rwxX7mGWWjtf7gJfjfQfj"
    assert blurhash.encode(np.zeros((1, 1, 3), np.uint8)) == "L00000fQfQfQfQfQfQfQfQfQfQfQ"
