"""What is known of providers from their files and from their adapters."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.settings import Settings
from app.providers import model_rows
from app.providers.adapters.stability import Stability
from app.providers.base import Offer
from app.providers.catalog import IN_HOUSE, Catalog
from app.providers.limits import Traffic
from app.providers.overrides import Changes
from tests.generation.scripted import Scripted


def test_a_file_tells_how_much_a_vendor_takes() -> None:
    catalog = Catalog({"stability": Stability(Settings()), "scripted": Scripted()}, ["stability", "scripted"])
    assert catalog.traffic("stability") == Traffic(requests_per_minute=900)
    assert catalog.traffic("scripted") == catalog.traffic("nobody") == Traffic()


@pytest.mark.parametrize("line", ["jobs_at_once = 0", "requests_per_second = 3"])
def test_limits_that_make_no_sense_are_refused(line: str, tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(f"models = []\n[traffic]\n{line}\n")
    with pytest.raises(ValidationError, match=rf"traffic\.{line.split()[0]}"):
        model_rows.traffic_of("acme", tmp_path / "acme.py")


WORDS = Offer("text_to_image", "words", "Words", parameters={"prompt": "p"})
HOUSE = [
    Offer("replace_background", "studio", "Studio", steps=("remove_background", "background", "composite")),
    Offer("transform_image", "vips", "Turn"),
]


def named(catalog: Catalog, operation: str, **asked: Any) -> list[tuple[str, str]]:
    return [(route.provider, route.offer.model) for route in catalog.routes(operation, mode="live", **asked)]


def test_a_background_is_made_in_one_call_where_the_provider_does_that_else_by_several() -> None:
    native = Scripted("native", sells=[WORDS, Offer("replace_background", "relight", "Relight")])
    others = {"native": native, "plain": Scripted("plain", sells=[WORDS]), IN_HOUSE: Scripted(IN_HOUSE, sells=HOUSE)}
    catalog = Catalog(others, ["native", "plain"])
    assert named(catalog, "replace_background") == [("native", "relight"), ("plain", "words")]
    assert named(Catalog({"plain": others["plain"]}, ["plain"]), "replace_background") == []


def test_what_is_never_bought_is_done_here_whoever_is_enabled() -> None:
    there = {"plain": Scripted("plain", sells=[WORDS]), IN_HOUSE: Scripted(IN_HOUSE, sells=HOUSE)}
    catalog = Catalog(there, ["plain"])
    assert named(catalog, "transform_image", is_in_house=True) == [(IN_HOUSE, "vips")]
    catalog.change(Changes(closed=frozenset({IN_HOUSE})))
    assert named(catalog, "transform_image", is_in_house=True) == []
