"""OpenAI by the conformance kit, and the shape of what it is asked."""

import os
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import orjson
import pytest
import yaml

from app.providers.adapters.openai import OpenAI
from app.providers.base import Busy, Call, Done, ErrorCode, KeyRefused, Rejected, Transient, Unknown
from app.providers.testing import PIXEL, Answer, Stage, VendorConformance, call
from tests.providers.pictures import decoded, png

USAGE = {"input_tokens": 14, "output_tokens": 1056, "total_tokens": 1070}
PICTURE = {"b64_json": b64encode(PIXEL).decode()}
MADE = Answer(json={"created": 1795300000, "data": [PICTURE], "size": "1024x1024", "quality": "medium", "usage": USAGE})


def refusal(code: str | None, status: int = 400, **rest: Any) -> Answer:
    return Answer(status, json={"error": {"message": "…", "type": "…", "param": None, "code": code} | rest})


def drawing(model: str, **params: Any) -> Call:
    given = {"prompt": "an oak floor", "width": 1000, "height": 777, "seed": 3, "num_images": 1}
    return call("text_to_image", model, **given | {"output_format": "png", "output_quality": 95} | params)


EDIT = call(
    "edit_image",
    "gpt-image-2",
    files=("image",),
    prompt="make it snow",
    width=1600,
    height=900,
    seed=3,
    num_images=2,
    output_format="webp",
    output_quality=80,
)
MASK = png(np.array([[255, 0], [0, 255]], np.uint8))
INPAINT = call(
    "inpaint",
    "gpt-image-1.5",
    files=("image", "mask"),
    prompt="a vase",
    width=600,
    height=900,
    mask_margin=32,
    seed=3,
    num_images=1,
    output_format="jpeg",
    output_quality=95,
)
INPAINT = replace(INPAINT, files={"image": PIXEL, "mask": MASK})
CUT_OUT = call(
    "remove_background",
    "gpt-image-1.5-cutout",
    files=("image",),
    only_mask=False,
    alpha_matting=True,
    background_color=[255, 255, 255, 0],
    output_format="png",
    output_quality=95,
)
STYLED = replace(EDIT, operation="image_to_image", params={**EDIT.params, "strength": 0.75, "reference": "style"})
CALLS = (drawing("gpt-image-2"), drawing("dall-e-3"), EDIT, STYLED, INPAINT, CUT_OUT)


class TestOpenAI(VendorConformance):
    vendor = OpenAI
    calls = CALLS
    answers = (MADE,)
    refused = (
        (refusal("moderation_blocked", type="image_generation_user_error"), ErrorCode.CONTENT_REJECTED),
        (refusal("content_policy_violation"), ErrorCode.CONTENT_REJECTED),
        (refusal("invalid_value", param="size"), ErrorCode.PROVIDER_REJECTED),
        (refusal(None), ErrorCode.PROVIDER_REJECTED),
        (Answer(400, json={"error": "no"}), ErrorCode.PROVIDER_REJECTED),
    )
    bad_key = refusal("invalid_api_key", 401)
    broke = refusal("insufficient_quota", 429, type="insufficient_quota")


async def asked(order: Call) -> httpx.Request:
    stage = Stage(OpenAI)
    await stage.submit(order, MADE)
    return stage.requests[0]


async def body(order: Call) -> dict[str, Any]:
    request = await asked(order)
    assert request.url == "https://api.openai.com/v1/images/generations"
    found: dict[str, Any] = orjson.loads(request.content)
    return found


async def form(order: Call) -> dict[str, bytes]:
    """The parts by name; a file as its name, its type and its content in lines."""
    request = await asked(order)
    assert request.url == "https://api.openai.com/v1/images/edits"
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    found = {}
    for part in request.content.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
        named = re.search(rb'name="(\w+)"(?:; filename="(.+)"\r\nContent-Type: (.+))?', head)
        assert named
        name, file, kind = named.groups()
        found[name.decode()] = b"\n".join((file, kind, content)) if file else content
    return found


async def test_a_picture_is_asked_for_in_json() -> None:
    assert await body(drawing("gpt-image-1.5", num_images=3, output_format="jpeg")) == {
        "model": "gpt-image-1.5",
        "prompt": "an oak floor",
        "n": 3,
        "size": "1536x1024",
        "quality": "medium",
        "output_format": "jpeg",
        "output_compression": 95,
    }


async def test_dalle_is_asked_for_no_more_than_it_takes() -> None:
    assert await body(drawing("dall-e-3", width=1024, height=1024)) == {
        "model": "dall-e-3",
        "prompt": "an oak floor",
        "size": "1024x1024",
        "quality": "standard",
        "response_format": "b64_json",
    }


@pytest.mark.parametrize(
    ("output_format", "compression"), [("png", None), ("jpeg", 95), ("webp", 95)], ids=["png", "jpeg", "webp"]
)
async def test_png_has_no_quality(output_format: str, compression: int | None) -> None:
    asked_for = await body(drawing("gpt-image-2", output_format=output_format))
    assert asked_for.get("output_compression") == compression


@pytest.mark.parametrize(
    ("model", "width", "height", "size"),
    [
        ("gpt-image-1.5", 512, 512, "1024x1024"),
        ("gpt-image-1.5", 1600, 900, "1536x1024"),
        ("gpt-image-1-mini", 600, 900, "1024x1536"),
        ("dall-e-3", 1920, 1080, "1792x1024"),
        ("gpt-image-2", 1024, 768, "1024x768"),
        ("gpt-image-2", 1920, 1080, "2048x1152"),
        ("gpt-image-2", 4096, 4096, "2048x2048"),
        ("gpt-image-2", 100, 4000, "512x1536"),
    ],
)
async def test_the_nearest_size_there_is(model: str, width: int, height: int, size: str) -> None:
    assert (await body(drawing(model, width=width, height=height)))["size"] == size


def test_all_sizes_are_such_as_the_vendor_takes() -> None:
    sizes = next(offer.limits.sizes for offer in Stage(OpenAI).provider.offers if offer.path == "gpt-image-2")
    for width, height in sizes:
        assert width % 16 == height % 16 == 0
        assert 1 / 3 <= width / height <= 3
        assert width * height <= 2048 * 2048
        assert (height, width) in sizes


async def test_an_edit_is_asked_for_as_a_form() -> None:
    assert await form(EDIT) == {
        "model": b"gpt-image-2",
        "prompt": b"make it snow",
        "n": b"2",
        "size": b"1536x864",
        "quality": b"medium",
        "output_format": b"webp",
        "output_compression": b"80",
        "image": b"image.png\nimage/png\n" + PIXEL,
    }


async def test_what_we_paint_white_it_gets_transparent() -> None:
    parts = await form(replace(INPAINT, files={"image": b"\xff\xd8photo", "mask": MASK}))
    assert parts.pop("image") == b"image.jpeg\nimage/jpeg\n\xff\xd8photo"
    name, kind, content = parts.pop("mask").split(b"\n", 2)
    assert (name, kind) == (b"mask.png", b"image/png")
    assert decoded(content)[:, :, 3].tolist() == [[0, 255], [255, 0]]
    assert parts == {
        "model": b"gpt-image-1.5",
        "prompt": b"a vase",
        "n": b"1",
        "size": b"1024x1536",
        "quality": b"medium",
        "output_format": b"jpeg",
        "output_compression": b"95",
    }


async def test_a_cut_out_is_an_edit_onto_nothing() -> None:
    parts = await form(CUT_OUT)
    assert b"background" in parts.pop("prompt")
    assert parts == {
        "model": b"gpt-image-1.5",
        "background": b"transparent",
        "input_fidelity": b"high",
        "quality": b"medium",
        "size": b"auto",
        "output_format": b"png",
        "image": b"image.png\nimage/png\n" + PIXEL,
    }


async def test_all_pictures_are_kept_and_none_tells_its_price() -> None:
    done = await Stage(OpenAI).submit(drawing("gpt-image-2", num_images=2), Answer(json={"data": [PICTURE, PICTURE]}))
    assert isinstance(done, Done)
    assert [output.content for output in done.outputs] == [PIXEL, PIXEL]
    assert done.cost_microusd is None


async def test_a_link_is_taken_too() -> None:
    answer = Answer(
        json={"data": [{"b64_json": None, "url": "https://files.oai.example/1.png", "revised_prompt": "…"}]}
    )
    done = await Stage(OpenAI).submit(drawing("dall-e-3"), answer)
    assert isinstance(done, Done)
    assert [output.url for output in done.outputs] == ["https://files.oai.example/1.png"]


@pytest.mark.parametrize(
    "data",
    [None, {}, "x", [], [None], [[]], ["x"], [{}], [{"b64_json": None}], [{"b64_json": 3}], [{"b64_json": "?"}]],
    ids=str,
)
async def test_an_answer_without_pictures_may_have_cost_something(data: Any) -> None:
    stage = Stage(OpenAI)
    assert type(await stage.fault(stage.submit(CUT_OUT, Answer(json={"data": data})))) is Unknown


@pytest.mark.parametrize("error", [None, [], "no", {"code": []}, {"param": {}}, {"param": "see https://x"}], ids=str)
async def test_an_error_in_any_form_is_a_refusal_by_its_status(error: Any) -> None:
    stage = Stage(OpenAI)
    fault = await stage.fault(stage.submit(EDIT, Answer(400, json={"error": error})))
    assert (type(fault), fault.message) == (Rejected, "The provider refused the request with status 400.")


async def test_the_field_that_was_refused_is_named() -> None:
    stage = Stage(OpenAI)
    fault = await stage.fault(stage.submit(EDIT, refusal("invalid_value", param="size")))
    assert fault.message == "The provider refused the request (size)."


async def test_a_model_that_is_gone_is_no_fault_of_the_order() -> None:
    for answer in (refusal("model_not_found", 404), refusal("invalid_value", param="model")):
        stage = Stage(OpenAI)
        fault = await stage.fault(stage.submit(EDIT, answer))
        assert (type(fault), fault.code) == (Transient, ErrorCode.NO_ROUTE)


async def test_too_many_requests_and_no_money_are_told_apart() -> None:
    stage = Stage(OpenAI)
    headers = {"retry-after-ms": "1500", "retry-after": "2"}
    answer = replace(refusal("rate_limit_exceeded", 429), headers=headers)
    fault = await stage.fault(stage.submit(EDIT, answer))
    assert isinstance(fault, Busy)
    assert fault.retry_after == 1.5
    broke = await stage.fault(stage.submit(EDIT, refusal("billing_hard_limit_reached")))
    assert isinstance(broke, KeyRefused)
    assert broke.is_broke


async def test_the_probe_lists_models() -> None:
    stage = Stage(OpenAI)
    assert (await stage.probe(Answer(json={"object": "list", "data": []}))).is_healthy
    assert (stage.requests[0].method, stage.requests[0].url) == ("GET", "https://api.openai.com/v1/models")


SPEC = "openai.yaml"
needs_spec = pytest.mark.skipif(
    "BACKLOT_SPECS" not in os.environ, reason=f"BACKLOT_SPECS names no folder with the vendor's {SPEC}"
)


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load((Path(os.environ["BACKLOT_SPECS"]) / SPEC).read_text(), Loader=loader)
    return found


def checker(spec: dict[str, Any], path: str, media: str) -> jsonschema.Draft202012Validator:
    """Of the path's body; a name that is not in the description is an error too."""
    schema = spec["paths"][path]["post"]["requestBody"]["content"][media]["schema"]
    strict = {"components": spec["components"], "allOf": [schema], "unevaluatedProperties": False}
    return jsonschema.Draft202012Validator(strict)


@needs_spec
@pytest.mark.parametrize("model", ["gpt-image-2", "gpt-image-1.5", "gpt-image-1-mini", "dall-e-3"])
async def test_pictures_are_asked_for_as_the_vendor_describes(spec: dict[str, Any], model: str) -> None:
    check = checker(spec, "/images/generations", "application/json")
    for output_format in ("png", "webp"):
        check.validate(await body(drawing(model, output_format=output_format)))
    assert not check.is_valid({"prompt": "a", "no_such_field": 1})


@needs_spec
@pytest.mark.parametrize("order", [EDIT, INPAINT, CUT_OUT], ids=lambda order: order.operation)
async def test_edits_are_asked_for_as_the_vendor_describes(spec: dict[str, Any], order: Call) -> None:
    check = checker(spec, "/images/edits", "multipart/form-data")
    properties = spec["components"]["schemas"]["CreateImageEditRequest"]["properties"]
    parts = {
        name: int(value) if properties[name].get("type") == "integer" else value.decode("latin-1")
        for name, value in (await form(order)).items()
    }
    check.validate(parts)
    assert not check.is_valid(parts | {"quality": "best"})
