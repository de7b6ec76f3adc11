"""Which ways fit an order, and in what order."""

from dataclasses import replace
from importlib.metadata import entry_points
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
from app.providers.values import Between, OneOf
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


OURS = ("local", "sandbox")


def catalog(*offers: Offer) -> Catalog:
    return Catalog({"scripted": Scripted(sells=list(offers))}, ["scripted"])


def choose(known: Catalog, *, model: str = "auto", routing_: Any = None, **given: Any) -> list[Route]:
    return choose_for("text_to_image", known, model=model, routing_=routing_, **{"prompt": "a cat", **given})


def choose_for(name: str, known: Catalog, *, model: str = "auto", routing_: Any = None, **given: Any) -> list[Route]:
    operation = OPERATIONS[name]
    fields: dict[str, Any] = {"operation": operation.name, "input": given, "model": model}
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
    with pytest.raises(UnsupportedParameter, match="plain does not honour steps; these do: fine") as caught:
        choose(catalog(PLAIN, FINE), model="plain", steps=30)
    assert [error.pointer for error in caught.value.errors] == ["/input/steps"]
    assert caught.value.facts["models"] == ["fine"]
    with pytest.raises(UnsupportedParameter) as caught:
        choose(catalog(PLAIN, FINE, QUICK), steps=30, negative_prompt="dogs")
    assert caught.value.facts["models"] in (["fine"], ["quick"])
    with pytest.raises(UnsupportedParameter, match="no model here does"):
        choose(catalog(PLAIN), scheduler="Euler")


def test_an_order_goes_only_where_its_values_are_taken() -> None:
    brief = replace(FINE, model="brief", values={"steps": Between(1, 12), "width": OneOf((1024,))})
    known = catalog(brief, FINE)
    assert models(choose(known, steps=12)) == ["brief", "fine"]
    assert models(choose(known, steps=13)) == ["fine"]
    assert models(choose(known)) == ["brief", "fine"], "a range is for those who give a value"
    assert models(choose(known, width=640)) == ["fine"]


def test_a_value_is_minded_where_it_is_the_default() -> None:
    four = Offer("upscale", "four", "Four", values={"scale": OneOf((4,))}, microcredits=1)
    two = replace(four, model="two", values={"scale": OneOf((2,))})
    known = catalog(four, two)
    assert models(choose_for("upscale", known, image="a")) == ["two"]
    assert models(choose_for("upscale", known, image="a", scale=4)) == ["four"]
    with pytest.raises(UnsupportedParameter, match="four takes 4 for scale, not 2; these do: two") as caught:
        choose_for("upscale", known, model="four", image="a")
    assert [error.pointer for error in caught.value.errors] == ["/input/scale"]
    assert caught.value.facts["models"] == ["two"]


def test_of_a_text_its_length_is_minded() -> None:
    short = replace(PLAIN, model="short", values={"prompt": Between(most=10)})
    with pytest.raises(UnsupportedParameter, match="takes up to 10 for prompt, not 100 characters; these do: plain"):
        choose(catalog(short, PLAIN), model="short", prompt="x" * 100)


CUTTER = Offer("remove_background", "cutter", "Cutter", parameters={}, microcredits=1)
MATTER = replace(CUTTER, model="matter", parameters={name: name for name in ("alpha_matting", "only_mask")})


@pytest.mark.parametrize(
    "plain", [{}, {"only_mask": False}, {"background_color": [9, 9, 9, 0]}, {"output_quality": 20}], ids=str
)
def test_a_plain_cut_out_is_made_by_every_model(plain: dict[str, Any]) -> None:
    assert models(choose_for("remove_background", catalog(CUTTER, MATTER), image="a", **plain)) == ["cutter", "matter"]


@pytest.mark.parametrize("wish", [{"only_mask": True}, {"alpha_matting": False}, {"alpha_matting": True}], ids=str)
def test_what_a_cut_out_is_to_be_is_honoured(wish: dict[str, Any]) -> None:
    assert models(choose_for("remove_background", catalog(CUTTER, MATTER), image="a", **wish)) == ["matter"]


@pytest.mark.parametrize("name", ["background_color", "erode_size", "foreground_threshold", "post_process_mask"])
def test_what_nobody_honours_is_refused(name: str) -> None:
    wish = {"background_color": [255, 0, 0, 255], "post_process_mask": False}.get(name, 30)
    with pytest.raises(UnsupportedParameter, match=f"does not honour {name}; no model here does"):
        choose_for("remove_background", catalog(CUTTER, MATTER), image="a", **{name: wish})


def test_rows_tell_only_of_fields_there_are() -> None:
    """Else the router would not see that a value is not taken."""
    settings = Settings(_env_file=None)
    vendors = [entry.load()(settings) for entry in entry_points(group="backlot.providers") if entry.name not in OURS]
    assert len(vendors) > 5
    for vendor in vendors:
        for row in {(offer.model, tuple(offer.values)) for offer in vendor.offers}:
            sold = [offer.operation for offer in vendor.offers if (offer.model, tuple(offer.values)) == row]
            fields = {field for name in sold for field in OPERATIONS[name].input.model_fields}
            assert set(row[1]) <= fields, (vendor.name, row)


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


def test_a_style_is_given_to_those_who_can_take_it() -> None:
    plain = Offer("image_to_image", "plain", "Plain", parameters={"prompt": "p"}, microcredits=1)
    words = {"reference": {"style": "New: {prompt}. In the style of the picture."}}
    fine = replace(plain, model="fine", words=words)
    order: dict[str, Any] = {"image": "asset_01jcqzm4x8e3v9tk5h2w7d6n0p", "prompt": "a cat"}

    def offered(**given: Any) -> list[str]:
        return models(choose_for("image_to_image", catalog(plain, fine), **order, **given))

    assert offered() == offered(reference="content") == ["plain", "fine"]
    assert offered(reference="style") == ["fine"]
    with pytest.raises(UnsupportedParameter, match="plain does not honour reference; these do: fine"):
        offered(model="plain", reference="style")


def test_what_a_vendor_has_no_parameter_for_is_told_in_words() -> None:
    words = {"reference": {"style": "New: {prompt}. In the style of the picture."}}
    offer = Offer("image_to_image", "fine", "Fine", parameters={"prompt": "p"}, words=words)
    params = {"prompt": "a {cat}", "reference": "style"}
    assert offer.body(offer.told(params)) == {"p": "New: a {cat}. In the style of the picture."}
    assert offer.told(params | {"reference": "content"})["prompt"] == "a {cat}"


def test_a_scale_of_the_vendors_is_its_own() -> None:
    offer = Offer("x", "x", "X", parameters={"strength": "ratio"}, scales={"strength": (15, 50)})
    assert [offer.body({"strength": value})["ratio"] for value in (0, 0.2, 1)] == [15, 22, 50]
