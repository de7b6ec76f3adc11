"""Pictures brought into the form that was ordered, and masks into the one that is promised. For a child process."""

import pyvips

from app.assets.imaging import Form, ImageType


def shaped(image: pyvips.Image, form: Form) -> pyvips.Image:
    """Of the form's size, and without alpha where its format has none."""
    if form.content_type is ImageType.JPEG and image.hasalpha():
        image = image.flatten(background=[255])
    if form.size not in (None, (image.width, image.height)):
        image = _sized(image, *form.size)
    return image.copy_memory()


def _sized(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Scaled to cover the size; what reaches beyond it is cut off both ends, unless that is a rounding error."""
    scale = max(width / image.width, height / image.height)
    is_same_shape = image.width * scale - width < 1 and image.height * scale - height < 1
    if is_same_shape:
        return image.thumbnail_image(width, height=height, size="force")
    return image.thumbnail_image(width, height=height, size="both", crop="centre")


def to_mask(image: pyvips.Image) -> bytes:
    if image.hasalpha():
        image = image.flatten(background=[0])
    light = image.colourspace("b-w") if image.bands > 1 else image
    content: bytes = light[0].cast("uchar").pngsave_buffer(compression=4, keep="none")
    return content
