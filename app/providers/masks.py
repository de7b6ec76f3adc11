"""Masks as vendors want them. Ours are grey pictures: white is painted anew, black stays."""

from app.providers.base import ErrorCode, Rejected


def to_alpha(mask: bytes) -> bytes:
    """The mask as a PNG that is transparent where it was white, and opaque elsewhere.

    With nothing between: vendors repaint only what is wholly transparent. Takes a moment for a large mask, so call it
    in a thread. Raises Rejected.
    """
    import pyvips  # heavy, and seldom needed

    try:
        light = pyvips.Image.new_from_buffer(mask, "", access="sequential", fail_on="error").colourspace("b-w")[0]
        alpha = light < 128
        colours = pyvips.Image.black(light.width, light.height, bands=3).copy(interpretation="srgb")
        content: bytes = colours.bandjoin(alpha).pngsave_buffer(keep="none")
    except pyvips.Error:
        raise Rejected(ErrorCode.INVALID_IMAGE, "The mask cannot be read.") from None
    return content
