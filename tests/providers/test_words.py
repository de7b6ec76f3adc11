"""What the words of a prompt do to a set."""

from typing import Any

import pytest

from app.providers.adapters.local.words import Wishes, read


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("on a marble table, soft morning light", {"material": "marble", "pattern": "window", "contrast": 0.16}),
        ("black marble countertop, dark moody", {"material": "marble", "ground_colour": "black"}),
        ("trên bàn đá cẩm thạch trắng, ánh nắng buổi sáng", {"material": "marble", "ground_colour": "trắng"}),
        ("wooden table with a brick wall", {"material": "wood", "kind": "brick"}),
        ("tường bê tông xám, sàn gỗ", {"material": "wood", "kind": "concrete", "wall_colour": "xám"}),
        (
            "#FFCC00 backdrop with blue velvet",
            {"wall_colour": "#ffcc00", "material": "velvet", "ground_colour": "blue"},
        ),
        ("nền hồng", {"wall_colour": "hồng"}),
        ("phong cách Tết đỏ vàng", {"kind": "blossom", "colour": "đỏ", "more_colours": ("vàng",)}),
        ("bãi cát bên bờ biển", {"material": "sand", "kind": "sea"}),
        ("vải lanh", {"material": "linen"}),
        ("fresh snow, cold light", {"material": "snow"}),
        ("neon city at night", {"kind": "neon"}),
        ("light from the left", {"side": -1.0}),
        ("palm shadows", {"pattern": "leaves"}),
    ],
)
def test_what_is_asked_for(text: str, wanted: dict[str, Any]) -> None:
    wishes = read(text)

    assert {name: getattr(wishes, name) for name in wanted} == wanted


def test_light_words_change_the_light() -> None:
    assert read("warm").warmth > 0 > read("lạnh").warmth
    assert read("dark").level < 1 < read("tươi sáng").level


@pytest.mark.parametrize("text", ["", "   ", "a nice product", "stare at candid woodpeckers"])
def test_other_words_ask_for_nothing(text: str) -> None:
    assert read(text) == Wishes()


def test_a_colour_of_two_words_is_not_read_as_a_thing() -> None:
    """`xanh lá` is green, though `lá` alone is a leaf."""
    assert read("terrazzo xanh lá").kind is None
