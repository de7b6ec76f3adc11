"""Each operation of each vendor once: ordered over HTTP, made by a server that checks what it is asked, looked at."""

from collections.abc import Mapping
from typing import Any

import pytest
from PIL import Image

from app.providers import model_rows
from app.providers.base import Offer
from tests.vendors.pictures import INK
from tests.vendors.roster import VENDORS
from tests.vendors.studio import Studio

GREY = (90, 90, 90)
PHOTO = (320, 256)
HOLE = (80, 64, 240, 192)
"""Of the mask: what is to be painted anew."""
WORDS: dict[str, Any] = {"prompt": "a red bicycle on a beach", "width": 768, "height": 512}
INPUTS: Mapping[str, dict[str, Any]] = {
    "text_to_image": WORDS,
    "image_to_image": {"prompt": "the same in winter"},
    "inpaint": {"prompt": "a vase"},
    "outpaint": {"prompt": "more of the meadow", "left": 64, "right": 128, "top": 64},
    "edit_image": {"prompt": "make it snow"},
    "remove_background": {},
    "replace_background": {"prompt": "on a marble table"},
    "upscale": {"scale": 2},
}
SCALES = {"stability": 4}
"""Of those that know no other."""

SOLD = [
    pytest.param(vendor, offer, id=f"{vendor}-{offer.operation}-{offer.model}")
    for vendor in VENDORS
    for offer in {
        offer.operation: offer for offer in reversed(model_rows.offers_of(vendor, model_rows.ROWS / vendor))
    }.values()
]
"""The first model of each."""


async def given(backlot: Studio, vendor: str, offer: Offer) -> dict[str, Any]:
    operation = offer.operation
    values = INPUTS[operation] | ({"seed": 7} if offer.parameters and "seed" in offer.parameters else {})
    if operation != "text_to_image":
        values["image"] = await backlot.upload(Image.new("RGB", PHOTO, GREY))
    if operation == "inpaint":
        mask = Image.new("L", PHOTO, 0)
        mask.paste(255, HOLE)
        values["mask"] = await backlot.upload(mask)
    if operation == "upscale":
        values["scale"] = SCALES.get(vendor, 2)
    return values


@pytest.mark.parametrize(("vendor", "offer"), SOLD)
async def test_it_is_made_bought_once_and_charged_once(backlot: Studio, vendor: str, offer: Offer) -> None:
    values = await given(backlot, vendor, offer)
    task = await backlot.do(offer.operation, values, provider=vendor, model=offer.model)
    assert (task["status"], task["error"]) == ("succeeded", None)
    assert [attempt["provider"] for attempt in task["attempts"]] == [vendor]
    assert len(backlot.peers[vendor].orders) == 1
    assert (task["credits"]["charged"], await backlot.spent()) == (1, (1, 0))
    [picture] = await backlot.pictures(task)
    look(picture, offer.operation, values)


def look(picture: Image.Image, operation: str, values: Mapping[str, Any]) -> None:
    """Whether it is what was ordered, to the pixel."""
    wide, high = PHOTO
    sizes = {
        "text_to_image": (768, 512),
        "outpaint": (wide + 192, high + 64),
        "upscale": (wide * values.get("scale", 1), high * values.get("scale", 1)),
    }
    assert picture.size == sizes.get(operation, PHOTO)
    match operation:
        case "text_to_image":
            assert near(picture.convert("RGB").getpixel((5, 5)), INK)
        case "remove_background":
            alpha = picture.convert("RGBA").getchannel("A")
            assert (alpha.getpixel((2, 2)), alpha.getpixel((wide // 2, high // 2))) == (0, 255)
        case "inpaint":
            whole = picture.convert("RGB")
            assert near(whole.getpixel((160, 128)), INK), "what is white in the mask is painted anew"
            assert near(whole.getpixel((20, 20)), GREY), "what is black is kept"
        case "outpaint":
            whole = picture.convert("RGB")
            assert near(whole.getpixel((30, 200)), INK)
            assert near(whole.getpixel((64 + 160, 64 + 128)), GREY)


def near(one: Any, other: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))
