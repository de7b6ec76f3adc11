"""From untrusted bytes to clean pictures, with libvips. Runs in a child process, never in the service itself."""

from functools import lru_cache
from typing import Any

import pyvips
from numpy.typing import NDArray

from app.assets import blurhash, shaping, structure
from app.assets.imaging import MAX_OUTPUT_SIDE, Form, ImageType, Rendition, describe, sniff
from app.core.process_child import WorkRefused

MEDIUM_SIDE = 1024
THUMBNAIL_SIDE = 256
# What may be in a file that is kept as it is. Anything else is metadata.
_CLEAN = ("exif-data", "xmp-data", "iptc-data", "icc-profile-data", "photoshop-data", "orientation")
_NAMES = {ImageType.JPEG: "JPEG", ImageType.PNG: "PNG", ImageType.WEBP: "WebP"}


def make(content: bytes, *, max_side: int, keeps_clean: bool, form: Form | None = None) -> dict[str, Any]:
    """A `content` of None: as it was."""
    kind = _kind(content)
    is_lossless, is_whole = _check_container(kind, content)
    loaded = _open(kind, content, max_side)
    fits = form is None or form.fits(kind, loaded.width, loaded.height)
    is_kept = keeps_clean and is_whole and fits and _is_clean(loaded)
    try:
        is_as_wanted = is_kept and loaded.interpretation == "srgb"
        picture = (loaded if is_as_wanted else _upright_srgb(loaded)).copy_memory()
    except pyvips.Error as fault:
        raise structure.damaged(_NAMES[kind]) from fault
    if form is None:
        full = None if is_kept else _encode(picture, kind, is_lossless)
    elif is_kept:
        is_settled = form.is_quality_given or is_lossless
        full = None if is_settled else _smaller(picture, form, len(content))
    else:
        kind, picture = form.content_type, shaping.shaped(picture, form)
        full = _encode(picture, kind, is_lossless=False, quality=form.quality)
    pictures = [_file(Rendition.FULL, picture, kind, full)]
    side = max(picture.width, picture.height) if is_kept or form else MAX_OUTPUT_SIDE
    for rendition, most, quality in ((Rendition.MEDIUM, MEDIUM_SIDE, 90), (Rendition.THUMBNAIL, THUMBNAIL_SIDE, 80)):
        if side > most:  # else the file that is kept is that rendition
            picture = _fit(picture, most)
            pictures.append(_file(rendition, picture, ImageType.WEBP, _webp(picture, quality)))
    return {"pictures": pictures, "placeholder": _placeholder(picture)}


def mask(content: bytes, *, max_side: int) -> bytes:
    """A grey PNG of one band."""
    kind = _kind(content)
    _check_container(kind, content)
    image = _open(kind, content, max_side)
    try:
        return shaping.to_mask(_upright_srgb(image))
    except pyvips.Error as fault:
        raise structure.damaged(_NAMES[kind]) from fault


def _kind(content: bytes) -> ImageType:
    kind = sniff(content)
    if kind is None:
        raise WorkRefused(
            "unsupported_media_type", f"This looks like {describe(content)}. Send a JPEG, PNG or WebP image."
        )
    return kind


@lru_cache(1)
def _lock_down() -> None:
    """Leave libvips the three loaders we use, and keep nothing of one customer's picture for the next."""
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in ("VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp"):
        pyvips.operation_block_set(loader, False)
    pyvips.cache_set_max(0)


def _check_container(kind: ImageType, content: bytes) -> tuple[bool, bool]:
    """Whether it was kept without loss, and whether nothing follows the picture."""
    match kind:
        case ImageType.PNG:
            return True, structure.check_png(content)
        case ImageType.WEBP:
            return structure.check_webp(content)
        case ImageType.JPEG:
            return False, content.endswith(b"\xff\xd9")


def _open(kind: ImageType, content: bytes, max_side: int) -> pyvips.Image:
    """Read the header only."""
    _lock_down()
    load = {
        ImageType.JPEG: pyvips.Image.jpegload_buffer,
        ImageType.PNG: pyvips.Image.pngload_buffer,
        ImageType.WEBP: pyvips.Image.webpload_buffer,
    }[kind]
    try:
        image = load(content, fail_on="truncated")
    except pyvips.Error as fault:
        raise structure.damaged(_NAMES[kind]) from fault
    if max(image.width, image.height) > max_side:
        raise WorkRefused(
            "image_too_large",
            f"The image has {image.width} × {image.height} pixels; at most {max_side} a side are accepted.",
        )
    if "n-pages" in image.get_fields() and image.get("n-pages") > 1:
        raise structure.animated(_NAMES[kind])
    return image


def _is_clean(image: pyvips.Image) -> bool:
    """Whether it is 8-bit sRGB or grey, upright, and says nothing beside its pixels."""
    fields = image.get_fields()
    return (
        image.format == "uchar"
        and image.interpretation in ("srgb", "b-w")
        and not any(name in fields for name in _CLEAN)
        and not any(name.startswith("png-comment") for name in fields)
    )


def _upright_srgb(image: pyvips.Image) -> pyvips.Image:
    image = image.autorot()
    if image.get_typeof("icc-profile-data") or image.interpretation == "cmyk":
        try:
            image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=8)
        except pyvips.Error:
            image = image.colourspace("srgb")  # the profile is not one of this kind of image
    else:
        image = image.colourspace("srgb")
    return image.cast("uchar")


def _fit(image: pyvips.Image, side: int) -> pyvips.Image:
    return image.thumbnail_image(side, height=side, size="down").copy_memory()


def _smaller(image: pyvips.Image, form: Form, size: int) -> bytes | None:
    """The file in the ordered quality; None where that makes it larger, as nothing is won by it then."""
    content = _encode(image, form.content_type, is_lossless=False, quality=form.quality)
    return content if len(content) < size else None


def _encode(image: pyvips.Image, kind: ImageType, is_lossless: bool, quality: int = 90) -> bytes:
    content: bytes
    match kind:
        case ImageType.JPEG:
            content = image.jpegsave_buffer(Q=quality, keep="none")
        case ImageType.PNG:
            content = image.pngsave_buffer(compression=4, filter="up", keep="none")
        case ImageType.WEBP if is_lossless:
            content = image.webpsave_buffer(lossless=True, effort=0, keep="none")
        case ImageType.WEBP:
            content = _webp(image, quality)
    return content


def _webp(image: pyvips.Image, quality: int) -> bytes:
    content: bytes = image.webpsave_buffer(Q=quality, effort=2, keep="none")
    return content


def _file(rendition: Rendition, image: pyvips.Image, kind: ImageType, content: bytes | None) -> dict[str, Any]:
    return {
        "rendition": rendition.value,
        "content": content,
        "content_type": kind.value,
        "width": image.width,
        "height": image.height,
    }


def _placeholder(image: pyvips.Image) -> str:
    """Of a thumbnail: shrunk by numpy, which for so few pixels costs a tenth of libvips."""
    pixels = image.numpy()
    if image.hasalpha():
        alpha = pixels[..., 3:] / 255.0
        pixels = pixels[..., :3] * alpha + 255 * (1 - alpha)
    return blurhash.encode(_mean(pixels, 32))


def _mean(pixels: NDArray[Any], side: int) -> NDArray[Any]:
    """The picture made of the means of squares, up to twice `side` pixels a side; what is left of a square is cut."""
    height, width, bands = pixels.shape
    step = max(1, max(height, width) // side)
    down, across = min(step, height), min(step, width)
    height, width = height // down, width // across
    squares = pixels[: height * down, : width * across].reshape(height, down, width, across, bands)
    means: NDArray[Any] = squares.mean(axis=1, dtype="float32").mean(axis=2)
    return means
