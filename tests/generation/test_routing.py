"""Which ways fit an order, and in what order."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.ids import new_id
from app.core.settings import Providers, Settings
from app.generation import routing, steps
from app.generation.errors import ProviderNotConfigured, UnknownModel, UnsupportedParameter
from app.generation.operations import OPERATIONS
from app.generation.schemas import TaskCreate
from app.ledger.errors import NotSellable
from app.providers.adapters.runware import Runware
from app.providers.base import Offer
from app.providers.catalog import Catalog, Part, Route
from tests.generation.scripted import Scripted

PLAIN = Offer("text_to_image", "plain", "Plain", seconds=9, quality=2, parameters={"prompt": "p"}, microcredits=1)
FINE = replace(
    PLAIN,
    model="fine",
    seconds=20,
    quality=5,
    parameters={"prompt": "p", "steps": "s"},
    microcredits=5,
    aliases=("art",),
)
QUICK = replace(PLAIN, model="quick", seconds=1, quality=3, parameters={"prompt": "p", "negative_prompt": "n"})


def catalog(*offers: Offer) -> Catalog:
    return Catalog({"scripted": Scripted(sells=list(offers))}, ["scripted"])


def choose(known: Catalog, *, model: str = "auto", routing_: Any = None, **given: Any) -> list[Route]:
    operation = OPERATIONS["text_to_image"]
    fields: dict[str, Any] = {"operation": operation.name, "input": {"prompt": "a cat", **given}, "model": model}
    order = TaskCreate.model_validate(fields | ({"routing": routing_} if routing_ else {}))
    checked = operation.input.model_validate(order.input)
    return routing.choose(known, known.first_prices(), order, operation, checked, "live")[0]


def models(routes: list[Route]) -> list[str]:
    return [route.offer.model for route in routes]


@pytest.mark.parametrize(
    ("model", "prefer", "expected"),
    [
        ("auto", "quality", ["fine", "quick", "plain"]),
        ("auto", "speed", ["quick", "plain", "fine"]),
        ("auto", "cost", ["plain", "quick", "fine"]),
        ("best", "cost", ["fine", "quick", "plain"]),
        ("fast", "quality", ["quick", "plain", "fine"]),
        ("cheap", "quality", ["plain", "quick", "fine"]),
        ("art", "quality", ["fine"]),
        ("plain", "quality", ["plain"]),
    ],
)
def test_what_is_tried_first(model: str, prefer: str, expected: list[str]) -> None:
    assert models(choose(catalog(PLAIN, FINE, QUICK), model=model, routing_={"prefer": prefer})) == expected


def test_without_fallback_there_is_one() -> None:
    assert models(choose(catalog(PLAIN, FINE), routing_={"fallback": False})) == ["fine"]


def test_an_order_goes_only_where_all_it_names_is_honoured() -> None:
    known = catalog(PLAIN, FINE, QUICK)
    assert models(choose(known, steps=30)) == ["fine"]
    assert models(choose(known, negative_prompt="dogs")) == ["quick"]
    assert models(choose(known, negative_prompt=None, scheduler=None)) == ["fine", "quick", "plain"]


def test_what_is_not_honoured_is_named_with_the_models_that_do() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        choose(catalog(PLAIN, FINE), model="plain", steps=30)
    assert [error.pointer for error in caught.value.errors] == ["/input/steps"]
    with pytest.raises(UnsupportedParameter) as caught:
        choose(catalog(PLAIN, FINE, QUICK), steps=30, negative_prompt="dogs")
    assert caught.value.facts["models"] in (["fine"], ["quick"])
    with pytest.raises(UnsupportedParameter, match="no model here does"):
        choose(catalog(PLAIN), scheduler="Euler")


def test_a_model_nobody_has_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownModel, match="auto, best, fast, cheap, plain, fine"):
        choose(catalog(PLAIN, FINE), model="nosuch")


def test_without_price_nothing_is_sold() -> None:
    with pytest.raises(NotSellable):
        choose(catalog(replace(PLAIN, microcredits=None)))


def test_a_provider_without_key_says_what_to_set() -> None:
    bare = Settings(_env_file=None)
    with pytest.raises(ProviderNotConfigured, match="BACKLOT_PROVIDERS_KEYS=runware=<key>"):
        choose(Catalog({"runware": Runware(bare)}, ["runware"]))
    given = Settings(_env_file=None, providers=Providers(keys={"runware": ("abc",)}))
    assert models(choose(Catalog({"runware": Runware(given)}, ["runware"]))) == ["flux-dev", "flux-schnell"]


@pytest.mark.parametrize(
    ("wanted", "most", "shares"),
    [
        (1, 4, [{}]),
        (4, 4, [{}]),
        (3, 1, [{"num_images": 1, "seed": seed} for seed in (7, 8, 9)]),
        (3, 2, [{"num_images": 2, "seed": 7}, {"num_images": 1, "seed": 9}]),
    ],
)
def test_more_outputs_than_one_call_gives_are_several_calls(
    wanted: int, most: int, shares: list[dict[str, int]]
) -> None:
    values = {"prompt": "a cat", "num_images": wanted, "seed": 7}
    part = Part("runware", "plain", "remote", "text_to_image", most)
    calls = steps.calls("text_to_image", "text_to_image", values, {}, (0, 0), {}, [part])
    assert [call.params for call in calls] == [values | share for share in shares]
    assert steps.count("text_to_image", "text_to_image", values, {}, part) == len(calls)


def test_a_background_replaced_in_one_call_has_the_words_of_its_preset() -> None:
    image = new_id()
    values = {"image": "asset", "preset": "wood", "prompt": None, "negative_prompt": None, "num_images": 1, "seed": 7}
    part = Part("stability", "relight", "remote", "replace_background", 1)
    [call] = steps.calls("replace_background", "replace_background", values, {"image": image}, (640, 480), {}, [part])
    assert "wood" in call.params["prompt"]
    assert (call.params["width"], call.params["height"], call.files) == (640, 480, {"image": image})
