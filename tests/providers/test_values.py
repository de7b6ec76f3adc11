"""Which values a model takes, as its row says it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.providers import model_rows
from app.providers.base import Offer
from app.providers.values import Between, OneOf, Values

ROW = """
[[models]]
name = "acme"
title = "Acme"
path = "acme"
operations = ["upscale"]
values = {{ {} }}
"""


def read(folder: Path, values: str) -> Offer:
    file = folder / "acme.toml"
    file.write_text(ROW.format(values))
    [offer] = model_rows.read(file)
    return offer


@pytest.mark.parametrize(
    ("values", "taken", "refused", "said"),
    [
        (OneOf((2, 4)), (2, 4), (1, 3), "2 or 4"),
        (OneOf((False,)), (False,), (True,), "false"),
        (OneOf(("DDIM", "PNDM")), ("DDIM",), ("ddim", ""), "DDIM or PNDM"),
        (Between(10, 60), (10, 60), (9, 61), "10 to 60"),
        (Between(least=0.1), (0.1, 9), (0.09,), "0.1 and more"),
        (Between(most=3), (-1, 3, "abc"), (3.5, "abcd"), "up to 3"),
        (Between(most=512, multiple=64), (0, 64, 512), (65, 576), "up to 512, multiples of 64"),
    ],
    ids=str,
)
def test_a_value_is_taken_or_not(values: Values, taken: tuple[Any, ...], refused: tuple[Any, ...], said: str) -> None:
    assert all(values.take(value) for value in taken)
    assert not any(values.take(value) for value in refused)
    assert str(values) == said


def test_a_row_says_them_as_a_list_or_a_range(tmp_path: Path) -> None:
    offer = read(
        tmp_path, "scale = [4], only_mask = [false], steps = { least = 1, most = 50 }, top = { multiple = 64 }"
    )
    assert offer.values == {
        "scale": OneOf((4,)),
        "only_mask": OneOf((False,)),
        "steps": Between(1, 50),
        "top": Between(multiple=64),
    }
    assert offer.takes("scale", 4)
    assert not offer.takes("scale", 2)
    assert offer.takes("steps", None), "left to the model"
    assert offer.takes("prompt", "anything")


@pytest.mark.parametrize(
    "wrong",
    [
        "scale = []",
        "scale = 4",
        "scale = [[4]]",
        "steps = {}",
        "steps = { least = 9, most = 1 }",
        "steps = { least = '1' }",
        "steps = { most = nan }",
        "steps = { multiple = 0 }",
        "steps = { lest = 1 }",
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ValidationError, match=rf"models\.0\.values\.{wrong.split()[0]}"):
        read(tmp_path, wrong)
