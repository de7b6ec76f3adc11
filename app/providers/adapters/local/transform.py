"""Cropping, sizing, turning and toning a picture with libvips.

Always in the order crop, resize, rotate, flip, colour, blur, sharpen, whatever the order of the parameters.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyvips

from app.core.process_child import WorkRefused
from app.providers.adapters.local.pictures import MAX_PIXELS, encode, kind_of, open_image

_LUMA = (0.2126, 0.7152, 0.0722)


def transform_image(params: Mapping[str, Any], files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    image = open_image(files["image"])
    image = _with_three_bands(image)
    image = _cropped(image, params.get("crop"))
    image = _resized(image, params)
    # Turned once and for all: libvips would turn each pixel again for every neighbour that a blur looks at.
    image = _rotated(image, float(params.get("rotate") or 0), _background(params)).copy_memory()
    image = _flipped(image, params.get("flip"))
    image = _toned(image, params)
    if sigma := float(params.get("blur") or 0):
        image = _on_premultiplied(image, lambda flat: flat.gaussblur(sigma, precision="integer")).copy_memory()
    if amount := float(params.get("sharpen") or 0):
        image = _sharpened(image, amount)
    return [encode(image, params, default=kind_of(files["image"]))]


def _with_three_bands(image: pyvips.Image) -> pyvips.Image:
    return image if image.bands > 2 else image.colourspace("srgb")


def _background(params: Mapping[str, Any]) -> tuple[int, int, int, int]:
    red, green, blue, alpha = (*(params.get("background_color") or (255, 255, 255, 0)), 255)[:4]
    return int(red), int(green), int(blue), int(alpha)


def _cropped(image: pyvips.Image, crop: Mapping[str, int] | None) -> pyvips.Image:
    if not crop:
        return image
    left, top, width, height = (int(crop[edge]) for edge in ("left", "top", "width", "height"))
    is_inside = left >= 0 and top >= 0 and left + width <= image.width and top + height <= image.height
    if not is_inside or width < 1 or height < 1:
        raise WorkRefused(
            "bad_crop",
            f"The crop of {width}x{height} at {left},{top} reaches outside the image,"
            f" which has {image.width}x{image.height} pixels.",
        )
    return image.crop(left, top, width, height)


def _resized(image: pyvips.Image, params: Mapping[str, Any]) -> pyvips.Image:
    """`inside` keeps the shape within the size; `contain` fills up to it, `cover` cuts, `fill` stretches."""
    width, height, fit = params.get("width"), params.get("height"), params.get("fit") or "inside"
    if not width and not height:
        return image
    across, down = (width or 0) / image.width, (height or 0) / image.height
    if not width or not height or fit == "cover":
        across = down = max(across, down)
    elif fit != "fill":
        across = down = min(across, down)
    wide, high = max(round(image.width * across), 1), max(round(image.height * down), 1)
    if wide * high > MAX_PIXELS:
        raise WorkRefused("too_large", f"The result would have {wide}x{high} pixels, too many.")
    image = image.thumbnail_image(wide, height=high, size="force")
    if width and height and fit == "cover":
        return image.crop((wide - width) // 2, (high - height) // 2, width, height)
    if width and height and fit == "contain" and (wide, high) != (width, height):
        ground = _background(params)
        image = _fit_for(image, ground)
        return image.gravity("centre", width, height, extend="background", background=_bands(image, ground))
    return image


def _rotated(image: pyvips.Image, degrees: float, ground: tuple[int, int, int, int]) -> pyvips.Image:
    """Clockwise; the picture grows to hold its corners."""
    degrees %= 360
    match degrees:
        case 0:
            return image
        case 90:
            return image.rot90()
        case 180:
            return image.rot180()
        case 270:
            return image.rot270()
    image = _fit_for(image, ground)
    interpolate = pyvips.Interpolate.new("bicubic")
    if not image.hasalpha():
        # The picture's own edge is softened too, so it is turned as a cut-out and laid on the colour.
        turned = image.addalpha().rotate(degrees, interpolate=interpolate, background=[*ground[:3], 0])
        return turned.flatten(background=list(ground[:3]))
    corner = [colour * ground[3] / 255 for colour in ground[:3]]
    turned = image.premultiply().rotate(degrees, interpolate=interpolate, background=[*corner, ground[3]])
    return turned.unpremultiply().cast("uchar")


def _fit_for(image: pyvips.Image, ground: Sequence[int]) -> pyvips.Image:
    """With an alpha channel if the ground is to shine through."""
    return image.addalpha() if ground[3] < 255 and not image.hasalpha() else image


def _bands(image: pyvips.Image, ground: Sequence[int]) -> list[int]:
    return list(ground[: image.bands])


def _flipped(image: pyvips.Image, flip: str | None) -> pyvips.Image:
    if flip in ("horizontal", "both"):
        image = image.fliphor()
    if flip in ("vertical", "both"):
        image = image.flipver()
    return image


def _toned(image: pyvips.Image, params: Mapping[str, Any]) -> pyvips.Image:
    """Brightness multiplies, contrast turns about middle grey, saturation about each pixel's own lightness."""
    brightness, contrast, saturation = (
        1.0 if params.get(name) is None else float(params[name]) for name in ("brightness", "contrast", "saturation")
    )
    if params.get("grayscale"):
        saturation = 0.0
    if (brightness, contrast, saturation) == (1, 1, 1):
        return image
    colours = image[:3].linear(brightness * contrast, 127.5 * (1 - contrast))
    if saturation != 1:
        matrix = [
            [(1 - saturation) * weight + (saturation if row == column else 0) for column, weight in enumerate(_LUMA)]
            for row in range(3)
        ]
        colours = colours.recomb(matrix)
    colours = colours.rint().cast("uchar").copy(interpretation="srgb")
    return colours.bandjoin(image[3]) if image.hasalpha() else colours


def _sharpened(image: pyvips.Image, amount: float) -> pyvips.Image:
    colours = image[:3]
    soft = colours.gaussblur(1.0, precision="float")
    crisp = (colours + (colours - soft) * amount).rint().cast("uchar").copy(interpretation="srgb")
    return crisp.bandjoin(image[3]) if image.hasalpha() else crisp


def _on_premultiplied(image: pyvips.Image, work: Any) -> pyvips.Image:
    """Do it so that colours hidden under transparency do not bleed out."""
    if not image.hasalpha():
        return work(image)
    return work(image.premultiply()).unpremultiply().cast("uchar").copy(interpretation="srgb")
