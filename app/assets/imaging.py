"""What bytes claim to be, and the call that turns an untrusted image into clean files.

Only `prepare` decodes, and it runs in a child process: this module stays light for its parent.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

MAX_OUTPUT_SIDE = 8192


class ImageType(StrEnum):
    """The formats taken and kept."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"

    @property
    def extension(self) -> str:
        return {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}[self.value]


class Rendition(StrEnum):
    FULL = "full"
    MEDIUM = "medium"
    THUMBNAIL = "thumbnail"


@dataclass(frozen=True, slots=True)
class Picture:
    """One file to keep."""

    rendition: Rendition
    content: bytes
    content_type: ImageType
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """An upload made safe: its renditions, `full` first, and a blurhash."""

    pictures: tuple[Picture, ...]
    placeholder: str

    @classmethod
    def from_child(cls, answer: dict[str, Any]) -> Self:
        pictures = tuple(
            Picture(
                Rendition(part["rendition"]),
                part["content"],
                ImageType(part["content_type"]),
                part["width"],
                part["height"],
            )
            for part in answer["pictures"]
        )
        return cls(pictures, answer["placeholder"])

    @property
    def full(self) -> Picture:
        return self.pictures[0]


_LOOKS = (
    ((b"GIF87a", b"GIF89a"), "a GIF"),
    ((b"%PDF",), "a PDF"),
    ((b"<svg", b"<?xml", b"<!DOCTYPE svg"), "an SVG or XML document"),
    ((b"<!doctype html", b"<!DOCTYPE html", b"<html"), "a web page"),
    ((b"BM",), "a BMP"),
    ((b"II*\x00", b"MM\x00*"), "a TIFF"),
    ((b"PK\x03\x04",), "a ZIP archive"),
    ((b"8BPS",), "a Photoshop document"),
)
_BRANDS = {b"avif": "an AVIF", b"avis": "an AVIF", b"heic": "a HEIC", b"heix": "a HEIC", b"mif1": "a HEIC"}


def sniff(content: bytes) -> ImageType | None:
    """The format by its first bytes; names and declared types are not believed."""
    if content.startswith(b"\xff\xd8\xff"):
        return ImageType.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageType.PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ImageType.WEBP
    return None


def describe(content: bytes) -> str:
    """What a refused file seems to be, for the customer."""
    head = content[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    for starts, name in _LOOKS:
        if head.startswith(starts):
            return name
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "a video")
    if content[:512].isascii():
        return "text"
    return "something else"


def prepare(content: bytes, max_side: int, keeps_clean: bool) -> dict[str, Any]:
    """For a child process: decode the image, or raise WorkRefused with the code of a problem.

    `keeps_clean` leaves a file as it is when there is nothing to take out of it, instead of encoding it again.
    """
    from app.assets import renditions  # libvips is for the child only

    return renditions.make(content, max_side=max_side, keeps_clean=keeps_clean)
