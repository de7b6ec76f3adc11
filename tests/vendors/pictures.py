"""Pictures as a vendor's peer reads and makes them."""

import io
from base64 import b64decode
from binascii import Error as NotBase64
from functools import cache
from typing import Any

from PIL import Image

INK = (200, 30, 60)
"""What a peer paints with."""


class NoPicture(Exception):
    """It cannot be read."""


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@cache
def drawn(width: int, height: int) -> bytes:
    """From words: INK."""
    return png(Image.new("RGB", (width, height), INK))


def read(content: bytes) -> Image.Image:
    """Decoded to the last pixel. Raises NoPicture."""
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except (OSError, SyntaxError, ValueError) as fault:
        raise NoPicture from fault
    return image


def from_uri(text: Any) -> Image.Image:
    """Of a data URI. Raises NoPicture."""
    if not isinstance(text, str) or not text.startswith("data:image/"):
        raise NoPicture
    try:
        return read(b64decode(text.partition(";base64,")[2], validate=True))
    except (NotBase64, ValueError) as fault:
        raise NoPicture from fault


def resized(image: Image.Image, width: int, height: int) -> bytes:
    return png(image.convert("RGB").resize((width, height)))


def repainted(image: Image.Image, where: Image.Image) -> bytes:
    """INK where the mask is white."""
    whole = image.convert("RGB")
    return png(Image.composite(Image.new("RGB", whole.size, INK), whole, where.convert("L")))


def cut_out(image: Image.Image) -> bytes:
    """The middle of it, on nothing."""
    alpha = Image.new("L", image.size, 0)
    width, height = image.size
    alpha.paste(255, (width // 4, height // 4, width - width // 4, height - height // 4))
    whole = image.convert("RGB")
    whole.putalpha(alpha)
    return png(whole)


def extended(image: Image.Image, left: int, top: int, right: int, bottom: int) -> bytes:
    wide, high = image.width + left + right, image.height + top + bottom
    whole = Image.new("RGB", (wide, high), INK)
    whole.paste(image.convert("RGB"), (left, top))
    return png(whole)


def of_ratio(ratio: str, pixels: int = 1024 * 1024) -> tuple[int, int]:
    """A size of that shape of about so many pixels."""
    wide, high = (int(part) for part in ratio.split(":"))
    side = (pixels / (wide * high)) ** 0.5
    return round(wide * side), round(high * side)
