"""What bytes claim to be, and the calls that turn untrusted images into clean files.

Only `prepare` and `to_mask` decode, and they run in a child process: this module stays light for its parent.
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
class Form:
    """What a picture is to be, whatever it is now. `quality` is of JPEG and WebP, `size` width and height.

    `is_quality_given` when whoever made the picture was told the quality: a file of the right format has it then.
    """

    content_type: ImageType
    quality: int
    size: tuple[int, int] | None = None
    is_quality_given: bool = True

    def fits(self, kind: ImageType, width: int, height: int) -> bool:
        return kind == self.content_type and self.size in (None, (width, height))


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
    def from_child(cls, answer: dict[str, Any], sent: bytes) -> Self:
        """A picture that is kept as it was `sent` does not come back."""
        pictures = tuple(
            Picture(
                Rendition(part["rendition"]),
                sent if part["content"] is None else part["content"],
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


def prepare(content: bytes, max_side: int, keeps_clean: bool, form: dict[str, Any] | None = None) -> dict[str, Any]:
    """For a child process: decode the image, or raise WorkRefused with the code of a problem.

    `keeps_clean` leaves a file as it is when there is nothing to take out of it, instead of encoding it again; with a
    `form` (the fields of a Form), when it has that form besides, and else gives it that form.
    """
    from app.assets import renditions  # libvips is for the child only

    wanted = None
    if form is not None:
        size = tuple(form["size"]) if form["size"] else None
        wanted = Form(ImageType(form["content_type"]), form["quality"], size, form["is_quality_given"])
    return renditions.make(content, max_side=max_side, keeps_clean=keeps_clean, form=wanted)


def is_mask(content: bytes) -> bool:
    """Whether it is a PNG of one band of 8 bits, by its header; what tells of opacity stands before IDAT."""
    return (
        sniff(content) is ImageType.PNG
        and content[24:26] == b"\x08\x00"
        and b"tRNS" not in content.partition(b"IDAT")[0]
    )


def to_mask(content: bytes, max_side: int) -> bytes:
    """For a child process: the light of the picture, as such a PNG; where it is transparent it is black."""
    from app.assets import renditions

    return renditions.mask(content, max_side=max_side)
