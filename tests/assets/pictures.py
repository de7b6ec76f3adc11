"""Pictures for the tests: honest ones and every kind of dishonest one."""

import struct
import zlib
from typing import Any

import pyvips


def gradient(width: int = 64, height: int = 48) -> pyvips.Image:
    """Red grows to the right, green downwards; blue is constant."""
    position = pyvips.Image.xyz(width, height)
    red = position[0] * (255 / max(width - 1, 1))
    green = position[1] * (255 / max(height - 1, 1))
    return red.bandjoin([green, (green * 0) + 90]).cast("uchar").copy(interpretation="srgb").copy_memory()


def translucent(width: int = 64, height: int = 48) -> pyvips.Image:
    image = gradient(width, height)
    return image.bandjoin(image[0]).copy(interpretation="srgb").copy_memory()


def jpeg(image: pyvips.Image | None = None, **options: Any) -> bytes:
    return bytes((image if image is not None else gradient()).jpegsave_buffer(**{"Q": 95, **options}))


def png(image: pyvips.Image | None = None, **options: Any) -> bytes:
    return bytes((image if image is not None else gradient()).pngsave_buffer(**options))


def webp(image: pyvips.Image | None = None, **options: Any) -> bytes:
    return bytes((image if image is not None else gradient()).webpsave_buffer(**options))


def with_exif(orientation: int, image: pyvips.Image | None = None) -> pyvips.Image:
    marked = (image if image is not None else gradient()).copy()
    marked.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    for name, value in (
        ("exif-ifd0-Orientation", f"{orientation}"),
        ("exif-ifd0-Make", "SecretCamera"),
        ("exif-ifd3-GPSLatitude", "52/1 31/1 12/1"),
    ):
        marked.set_type(pyvips.GValue.gstr_type, name, value)
    return marked


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def ihdr(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
IEND = chunk(b"IEND", b"")


def png_with(*extra: bytes) -> bytes:
    """A good PNG with chunks put in after its header."""
    content = png()
    return content[:33] + b"".join(extra) + content[33:]


def png_bomb(side: int = 20_000) -> bytes:
    """50 MB of zeros in about 50 kB; each row says it is fine."""
    rows = bytes((1 + side // 8) * side)
    return PNG_MAGIC + ihdr(side, side, 1, 0) + chunk(b"IDAT", zlib.compress(rows, 9)) + IEND


def animated_png() -> bytes:
    return png_with(chunk(b"acTL", struct.pack(">II", 2, 0)))


def animated_webp() -> bytes:
    frames = gradient().join(gradient().invert(), "vertical")
    frames.set_type(pyvips.GValue.gint_type, "page-height", 48)
    return webp(frames)


def huge_jpeg_header() -> bytes:
    content = bytearray(jpeg())
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(content)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


ANIMATED_GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    + b"!\xf9\x04\x04\x0a\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00" * 2
    + b";"
)

SVG = b"""<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y SYSTEM "http://169.254.169.254/">]>
<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;&y;</text>
<image href="file:///etc/passwd"/></svg>"""

UNSUPPORTED = {
    "a text file": b"Dear sir or madam, this is not a picture.\n" * 20,
    "an animated gif": ANIMATED_GIF,
    "an svg with external entities": SVG,
    "an svg after a byte order mark": b"\xef\xbb\xbf \n<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a pdf": b"%PDF-1.7\n1 0 obj<<>>endobj\n" + jpeg(),
    "a web page": b"<!DOCTYPE html><script>alert(1)</script>" + png(),
    "a zip": b"PK\x03\x04" + bytes(100),
    "an avif": b"\x00\x00\x00\x1cftypavif" + bytes(100),
    "a bmp": b"BM" + bytes(100),
    "a tiff": b"II*\x00" + bytes(100),
    "ppm": b"P6 1 1 255 abc",
    "vips": b"\xb6\xa6\xf2\x08" + bytes(100),
    "noise": bytes(range(256)) * 4,
    "one byte": b"\xff",
    "a gif that is a script": b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
}

INVALID = {
    "a truncated jpeg": jpeg(gradient(400, 300))[:-2000],
    "a jpeg header alone": jpeg()[:200],
    "three bytes of jpeg": b"\xff\xd8\xff",
    "a truncated png": png(gradient(400, 300))[:-2000],
    "a png without its end": png()[:-12],
    "a png magic alone": PNG_MAGIC,
    "a png without pixels": PNG_MAGIC + ihdr(8, 8) + IEND,
    "a png with too few pixels": PNG_MAGIC + ihdr(64, 64) + chunk(b"IDAT", zlib.compress(bytes(99))) + IEND,
    "a png of zero pixels": PNG_MAGIC + ihdr(0, 8) + chunk(b"IDAT", zlib.compress(b"")) + IEND,
    "a png with a chunk as long as the sea": PNG_MAGIC + ihdr(8, 8) + b"\xff\xff\xff\xffIDAT" + bytes(50),
    "a truncated webp": webp(gradient(400, 300))[:-1000],
    "a webp header alone": b"RIFF\x00\x00\x00\x00WEBP",
    "a webp without picture": riff((b"EXIF", b"hello")),
    "an animated png": animated_png(),
    "an animated webp": animated_webp(),
    "a png with a flood of chunks": png_with(chunk(b"tEXt", b"a\0b") * 20_000),
    "a webp with a flood of chunks": riff(*[(b"JUNK", b"")] * 50_000),
}

TOO_LARGE = {
    "a png bomb": png_bomb(),
    "a png one pixel too wide": png(pyvips.Image.black(4097, 1)),
    "a jpeg that claims 65500 pixels": huge_jpeg_header(),
    "a png that claims two thousand million pixels a side": PNG_MAGIC
    + ihdr(2_000_000_000, 2_000_000_000)
    + chunk(b"IDAT", b"x")
    + IEND,
    "a webp one pixel too high": webp(pyvips.Image.black(1, 4097)),
}
