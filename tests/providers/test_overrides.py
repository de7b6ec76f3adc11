"""What an operator says of a model, merged with what its provider's own rows say."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from app.providers import model_rows, overrides
from app.providers.base import Offer
from app.providers.catalog import Catalog
from app.providers.overrides import Changes, Override
from tests.generation.scripted import Scripted

FAL = model_rows.offers_of("fal", model_rows.ROWS / "fal.py")
NEW = {"title": "New", "path": "acme/new", "operations": ["text_to_image"], "parameters": {"prompt": "prompt"}}


def of(name: str, *said: Override, own: Any = FAL) -> list[Offer]:
    return overrides.offers_of(own, name, said)


@pytest.mark.parametrize("provider", ["fal", "gemini", "leonardo", "openai", "replicate", "runware", "stability"])
def test_nothing_said_changes_nothing(provider: str) -> None:
    own = model_rows.offers_of(provider, model_rows.ROWS / f"{provider}.py")
    for name in {offer.model for offer in own}:
        assert of(name, Override(name), own=own) == [offer for offer in own if offer.model == name]
    made, faults = overrides.apply(own, [Override(offer.model) for offer in own], own)
    assert (sorted(made, key=repr), faults) == (sorted(own, key=repr), {})


def test_a_row_says_all_that_rows_can_say() -> None:
    full = replace(FAL[0], cost_microusd=1, microcredits=1)
    assert {*overrides.row_of(full), "operations"} == set(model_rows.ModelRow.model_fields)


def test_what_is_said_is_merged_and_null_takes_away() -> None:
    row = {"cost_usd": 0.05, "limits": {"most": 2048}, "parameters": {"seed": None, "prompt": "text"}}
    [offer] = of("flux-1.1-pro", Override("flux-1.1-pro", row=row))
    [own] = [one for one in FAL if one.model == "flux-1.1-pro"]
    assert offer.cost_microusd == 50_000
    assert offer.limits == replace(own.limits, most=2048)
    assert offer.parameters is not None
    assert own.parameters is not None
    assert offer.parameters == {**{k: v for k, v in own.parameters.items() if k != "seed"}, "prompt": "text"}
    [free] = of("flux-1.1-pro", Override("flux-1.1-pro", row={"cost_usd": None}))
    assert free.cost_microusd is None


def test_one_operation_of_a_name_that_has_two_models_behind_it() -> None:
    said = (Override("flux-dev", row={"quality": 5}), Override("flux-dev", "image_to_image", {"cost_usd": 0.03}))
    made = {offer.operation: offer for offer in of("flux-dev", *said)}
    assert {name: offer.cost_microusd for name, offer in made.items()} == {
        "text_to_image": 25_000,
        "image_to_image": 30_000,
    }
    assert made["image_to_image"].path == "fal-ai/flux/dev/image-to-image"
    assert {offer.quality for offer in made.values()} == {5}


def test_operations_are_added_and_taken_away() -> None:
    [only] = of("flux-dev", Override("flux-dev", row={"operations": ["image_to_image"]}))
    assert only.path == "fal-ai/flux/dev/image-to-image"
    more = of("birefnet", Override("birefnet", "upscale", {"path": "fal-ai/x"}))
    assert [(offer.operation, offer.path) for offer in more] == [
        ("remove_background", "fal-ai/birefnet"),
        ("upscale", "fal-ai/x"),
    ]


def test_a_model_nobody_knew_comes_last() -> None:
    made, faults = overrides.apply(FAL, [Override("new", row=NEW)], FAL)
    assert (faults, made[:-1]) == ({}, list(FAL))
    assert (made[-1].model, made[-1].path, made[-1].microcredits) == ("new", "acme/new", 1_000_000)


def test_offers_written_in_code_keep_what_rows_cannot_say() -> None:
    own = [Offer("replace_background", "studio", "Studio", steps=("remove_background", "composite"))]
    [offer] = of("studio", Override("studio", row={"quality": 1}), own=own)
    assert offer == replace(own[0], quality=1)
    assert offer.parameters is None
    assert offer.microcredits is None


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"quality": 9}, "quality"),
        ({"qualty": 3}, "qualty"),
        ({"credits": "many"}, "credits"),
        ({"cost_usd": -1}, "cost_usd"),
        ({"credits": 1e300}, "credits"),
        ({"operations": []}, "operations"),
        ({"operations": "upscale"}, "operations"),
        ({"operations": [["upscale"]]}, "operations"),
        ({"title": None}, "title"),
        ({"limits": {"sizes": ["1024x0"]}}, "limits"),
        ({"limits": {"sizes": ["wide"]}}, "limits"),
        ({"limits": {"least": 9000}}, "limits"),
        ({"limits": 3}, "limits"),
        ({"parameters": ["prompt"]}, "parameters"),
    ],
)
def test_a_row_that_cannot_be_names_its_field_and_the_former_stays(row: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as fault:
        of("flux-schnell", Override("flux-schnell", row=row))
    assert fault.value.errors()[0]["loc"][0] == field
    former = overrides.apply(FAL, [Override("flux-schnell", row={"quality": 1})], FAL)[0]
    made, faults = overrides.apply(FAL, [Override("flux-schnell", row=row), Override("new", row=NEW)], former)
    assert list(faults) == ["flux-schnell"]
    assert [offer.quality for offer in made if offer.model == "flux-schnell"] == [1]
    assert made[-1].model == "new"


def test_what_is_off_is_not_sold_and_still_found() -> None:
    catalog = Catalog({"one": Scripted(), "two": Scripted()}, ["one", "two"])
    off = overrides.withdrawn(catalog.offers("one"), [Override("one", "upscale", is_enabled=False)])
    catalog.change(Changes(withdrawn=frozenset(("one", *which) for which in off)))
    assert [route.provider for route in catalog.routes("upscale", mode="live")] == ["two"]
    assert [route.provider for route in catalog.routes("replace_background", mode="live")] == ["one", "two"]
    assert catalog.find("one", "upscale", "one") is not None
    catalog.change(Changes(closed=frozenset({"one"})))
    assert [route.provider for route in catalog.routes("replace_background", mode="live")] == ["two"]
    assert catalog.find("one", "upscale", "one") is not None
