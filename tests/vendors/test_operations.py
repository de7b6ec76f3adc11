"""Each operation of each vendor once: ordered over HTTP, made by a server that checks what it is asked, looked at."""

from collections.abc import Mapping
from typing import Any

import pytest
from PIL import Image

from app.providers import model_rows
from tests.vendors.pictures import INK
from tests.vendors.roster import VENDORS
from tests.vendors.studio import Studio

GREY = (90, 90, 90)
PHOTO = (320, 256)
HOLE = (80, 64, 240, 192)
"""Of the mask: what is to be painted anew."""
WORDS: dict[str, Any] = {"prompt": "a red bicycle on a beach", "width": 768, "height": 512, "seed": 7}
INPUTS: Mapping[str, dict[str, Any]] = {
    "text_to_image": WORDS,
    "image_to_image": {"prompt": "the same in winter", "seed": 7},
    "inpaint": {"prompt": "a vase", "seed": 7},
    "outpaint": {"prompt": "more of the meadow", "left": 64, "right": 128, "top": 64, "seed": 7},
    "edit_image": {"prompt": "make it snow", "seed": 7},
    "remove_background": {},
    "replace_background": {"prompt": "on a marble table"},
    "upscale": {"scale": 2},
}
SCALES = {"stability": 4}
"""Of those that know no other."""

SOLD = [
    (vendor, operation, next(offer.model for offer in model_rows.offers_of(vendor) if offer.operation == operation))
    for vendor in VENDORS
    for operation in dict.fromkeys(offer.operation for offer in model_rows.offers_of(vendor))
]


async def given(backlot: Studio, vendor: str, operation: str) -> dict[str, Any]:
    values = dict(INPUTS[operation])
    if operation != "text_to_image":
        values["image"] = await backlot.upload(Image.new("RGB", PHOTO, GREY))
    if operation == "inpaint":
        mask = Image.new("L", PHOTO, 0)
        mask.paste(255, HOLE)
        values["mask"] = await backlot.upload(mask)
    if operation == "upscale":
        values["scale"] = SCALES.get(vendor, 2)
    return values


@pytest.mark.parametrize(("vendor", "operation", "model"), SOLD, ids=lambda part: str(part))
async def test_it_is_made_bought_once_and_charged_once(
    backlot: Studio, vendor: str, operation: str, model: str
) -> None:
    values = await given(backlot, vendor, operation)
    task = await backlot.do(operation, values, provider=vendor, model=model)
    assert (task["status"], task["error"]) == ("succeeded", None)
    assert [attempt["provider"] for attempt in task["attempts"]] == [vendor]
    assert len(backlot.peers[vendor].orders) == 1
    assert (task["credits"]["charged"], await backlot.spent()) == (1, (1, 0))
    [picture] = await backlot.pictures(task)
    look(picture, vendor, operation, values)


def look(picture: Image.Image, vendor: str, operation: str, values: Mapping[str, Any]) -> None:
    """Whether it is what was ordered, as near as the vendor makes it."""
    wide, high = PHOTO
    match operation:
        case "text_to_image":
            assert about(picture.width / picture.height, 768 / 512), picture.size
            assert near(picture.convert("RGB").getpixel((5, 5)), INK)
        case "remove_background":
            alpha = picture.convert("RGBA").getchannel("A")
            assert picture.size == PHOTO
            assert (alpha.getpixel((2, 2)), alpha.getpixel((wide // 2, high // 2))) == (0, 255)
        case "upscale":
            assert picture.size == (wide * values["scale"], high * values["scale"])
        case "inpaint":
            whole = picture.convert("RGB").resize(PHOTO)
            assert near(whole.getpixel((160, 128)), INK), "what is white in the mask is painted anew"
            assert near(whole.getpixel((20, 20)), GREY), "what is black is kept"
        case "outpaint":
            whole = picture.convert("RGB").resize((wide + 192, high + 64))
            assert near(whole.getpixel((30, 200)), INK)
            assert near(whole.getpixel((64 + 160, 64 + 128)), GREY)
        case _:
            assert about(picture.width / picture.height, wide / high)


def about(one: float, other: float, share: float = 0.1) -> bool:
    return abs(one - other) <= share * other


def near(one: Any, other: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))
