"""Rendered sets: each its own, the same from the same seed."""

from typing import Any

import numpy as np
import pytest

from app.generation.presets import PRESETS, Preset, find
from app.providers.adapters.local.background import background
from tests.providers import pictures
from tests.providers.pictures import Pixels

WIDTH, HEIGHT = 192, 128


def rendered(preset: Preset | None = None, prompt: str = "", seed: int = 5, **params: Any) -> Pixels:
    order = {"width": WIDTH, "height": HEIGHT, "seed": seed, "prompt": prompt, **params}
    return pictures.output(background({**order, "scene": preset.scene if preset else None}, {}))


def difference(first: Pixels, second: Pixels) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def test_every_preset_renders_and_differs_from_all_others() -> None:
    sets = {preset.id: rendered(preset) for preset in PRESETS}

    assert all(picture.shape == (HEIGHT, WIDTH, 3) for picture in sets.values())
    ids = list(sets)
    close = [(a, b) for n, a in enumerate(ids) for b in ids[n + 1 :] if difference(sets[a], sets[b]) < 6]
    assert close == []


@pytest.mark.parametrize("preset_id", ["studio-white", "marble", "tet"])
def test_a_seed_repeats_to_the_byte_and_another_differs(preset_id: str) -> None:
    preset = find(preset_id)
    order = {"width": WIDTH, "height": HEIGHT, "scene": preset.scene if preset else None, "prompt": "soft light"}
    first, again, other = (background({**order, "seed": seed}, {}) for seed in (11, 11, 12))

    assert first == again
    assert difference(pictures.output(first), pictures.output(other)) > 1.0


def test_several_images_count_the_seed_up() -> None:
    order = {"width": 64, "height": 48, "scene": None, "prompt": "wood"}
    outputs = background({**order, "seed": 40, "num_images": 3}, {})

    assert [output["seed"] for output in outputs] == [40, 41, 42]
    assert outputs[2]["content"] == background({**order, "seed": 42}, {})[0]["content"]


def test_without_preset_and_prompt_it_is_a_white_studio() -> None:
    picture = rendered()

    assert picture.mean() > 215
    assert np.ptp(picture.mean((0, 1))) < 8


@pytest.mark.parametrize(
    ("prompt", "channel"),
    [("red backdrop", 0), ("nền đỏ", 0), ("green wall", 1), ("blue background", 2), ("#1030e0", 2)],
)
def test_a_colour_word_is_seen_on_the_wall(prompt: str, channel: int) -> None:
    wall = rendered(find("marble"), prompt)[4:30].reshape(-1, 3).mean(0)

    assert wall.argmax() == channel


def test_words_win_over_the_preset_but_its_own_words_do_not() -> None:
    marble = find("marble")
    assert marble is not None
    plain = rendered(marble)

    assert difference(rendered(marble, marble.prompt), plain) == 0
    assert difference(rendered(marble, f"on dark wood, {marble.prompt}"), plain) > 15


def test_dark_is_darker_and_warm_is_warmer() -> None:
    usual, dark, warm = (rendered(find("concrete"), words).mean((0, 1)) for words in ("", "tối", "warm light"))

    assert dark.mean() < 0.75 * usual.mean()
    assert warm[0] - warm[2] > usual[0] - usual[2] + 5


def test_the_negative_prompt_takes_things_away() -> None:
    pastel = find("pastel")
    with_window, without = rendered(pastel), rendered(pastel, negative_prompt="window light")

    assert difference(with_window, without) > 2


@pytest.mark.parametrize(("width", "height"), [(64, 64), (100, 333), (1700, 90)])
def test_any_shape_is_filled(width: int, height: int) -> None:
    for preset in (find("marble"), find("gradient")):
        assert rendered(preset, width=width, height=height).shape == (height, width, 3)


def test_smooth_sets_have_no_banding() -> None:
    """Grain breaks up the steps of 8 bits: no long runs of one value."""
    row = rendered(find("gradient"), width=512, height=64)[20, :, 0]
    runs = np.diff(np.flatnonzero(np.diff(row.astype(int)) != 0))

    assert runs.max() < 14


def test_presets_are_plain_data_with_unique_ids() -> None:
    assert len({preset.id for preset in PRESETS}) == len(PRESETS) >= 14
    assert all(preset.prompt and preset.negative_prompt and preset.name for preset in PRESETS)
    assert find("no-such") is None
