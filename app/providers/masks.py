"""Masks as vendors want them. Ours, as `Call` has them, are grey PNGs: white is painted anew, black stays."""


def to_alpha(mask: bytes) -> bytes:
    """The mask as a PNG that is transparent where it was white, and opaque elsewhere.

    With nothing between: vendors repaint only what is wholly transparent. Takes a moment for a large mask, so call it
    in a thread.
    """
    import pyvips  # heavy, and seldom needed

    light = pyvips.Image.new_from_buffer(mask, "", access="sequential")[0]
    colours = pyvips.Image.black(light.width, light.height, bands=3).copy(interpretation="srgb")
    content: bytes = colours.bandjoin(light < 128).pngsave_buffer(keep="none")
    return content
