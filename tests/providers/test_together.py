"""Together by the conformance kit, and what it is asked."""

import os
from base64 import b64encode
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
import yaml

from app.providers import encoding
from app.providers.adapters.together import Together
from app.providers.base import Call, Done, ErrorCode, KeyRefused, Rejected, Unknown
from app.providers.testing import PIXEL, Answer, Stage, VendorConformance, call

ENCODED = b64encode(PIXEL).decode()
LINK = "https://api.together.ai/shrt/kL9d2mQ7"


def made(*data: Any) -> Answer:
    body = {"id": "oNzaa-4Yz4kd", "model": "black-forest-labs/FLUX.1-schnell", "object": "list", "data": list(data)}
    return Answer(json=body)


def refusal(status: int, message: str, **rest: Any) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Answer(status, json={"id": "oNzaa-4Yz4kd", "error": error | rest})


INLINE = {"index": 0, "type": "b64_json", "b64_json": ENCODED}
LINKED = {"index": 1, "type": "url", "url": LINK}
TOO_MANY_STEPS = refusal(400, "steps must be between 1 and 12", param="steps")
WORDS = call(
    "text_to_image",
    "flux-schnell",
    prompt="a paper boat",
    negative_prompt=None,
    width=1000,
    height=777,
    seed=3,
    num_images=2,
    output_format="png",
    output_quality=95,
)
MAKING = {"width": 1024, "height": 768, "seed": 3, "num_images": 1, "output_format": "jpeg"}
EDIT = call("edit_image", "flux-kontext-pro", files=("image",), prompt="make it snow", **MAKING)
VARIATION = call("image_to_image", "flux-kontext-max", files=("image",), prompt="in winter", strength=0.75, **MAKING)


class TestTogether(VendorConformance):
    vendor = Together
    calls = (WORDS, call("text_to_image", "flux-1.1-pro", prompt="a", steps=9, **MAKING), EDIT, VARIATION)
    answers = (made(INLINE),)
    refused = (
        (TOO_MANY_STEPS, ErrorCode.PROVIDER_REJECTED),
        (refusal(403, "The prompt is too long."), ErrorCode.PROVIDER_REJECTED),
        (refusal(422, "NSFW content detected in prompt"), ErrorCode.CONTENT_REJECTED),
        (refusal(400, "…", code="content_policy_violation"), ErrorCode.CONTENT_REJECTED),
    )
    bad_key = refusal(401, "Invalid API key provided", code="invalid_api_key")
    broke = refusal(402, "Credit limit exceeded", type="credit_limit")


async def asked(order: Call) -> dict[str, Any]:
    stage = Stage(Together)
    await stage.submit(order, made(INLINE))
    [request] = stage.requests
    assert request.url == "https://api.together.xyz/v1/images/generations"
    assert request.headers["authorization"].startswith("Bearer ")
    body: dict[str, Any] = orjson.loads(request.content)
    return body


async def test_what_it_is_asked_for_a_picture() -> None:
    assert await asked(WORDS) == {
        "model": "black-forest-labs/FLUX.1-schnell",
        "prompt": "a paper boat",
        "width": 992,
        "height": 784,
        "steps": 4,
        "seed": 3,
        "n": 2,
        "response_format": "base64",
        "output_format": "png",
    }


async def test_an_edit_takes_the_picture_along() -> None:
    shared = {"width": 1024, "height": 768, "seed": 3, "n": 1, "response_format": "base64", "output_format": "jpeg"}
    shared["image_url"] = encoding.data_uri(PIXEL)
    edit = {"model": "black-forest-labs/FLUX.1-kontext-pro", "prompt": "make it snow"}
    assert await asked(EDIT) == shared | edit
    variation = {"model": "black-forest-labs/FLUX.1-kontext-max", "prompt": "in winter"}
    assert await asked(VARIATION) == shared | variation


async def test_a_model_is_not_told_what_it_does_not_honour() -> None:
    body = await asked(TestTogether.calls[1])
    assert "steps" not in body


async def test_what_it_cannot_write_is_asked_for_without_loss() -> None:
    order = replace(WORDS, params={**WORDS.params, "output_format": "webp"})
    assert (await asked(order))["output_format"] == "png"


@pytest.mark.parametrize(
    ("size", "fitted"), [((1024, 1024), (1024, 1024)), ((4096, 2048), (1440, 704)), ((300, 200), (384, 256))]
)
async def test_sizes_are_those_the_model_makes(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    order = replace(EDIT, params={**EDIT.params, "width": size[0], "height": size[1]})
    body = await asked(order)
    assert (body["width"], body["height"]) == fitted


async def test_results_are_bytes_or_links() -> None:
    done = await Stage(Together).submit(WORDS, made(INLINE, LINKED, None, {"index": 3, "b64_json": 3}))
    assert isinstance(done, Done)
    assert [(output.content, output.url) for output in done.outputs] == [(PIXEL, None), (None, LINK)]
    assert done.cost_microusd is None


@pytest.mark.parametrize("item", [None, "a picture", {}, {"b64_json": None}, {"b64_json": "no base64!"}, {"url": 7}])
async def test_a_result_that_is_none_may_have_been_paid_for(item: Any) -> None:
    stage = Stage(Together)
    assert isinstance(await stage.fault(stage.submit(WORDS, made(item))), Unknown)


async def test_a_refusal_names_the_parameter_and_nothing_else_of_theirs() -> None:
    stage = Stage(Together)
    fault = await stage.fault(stage.submit(WORDS, TOO_MANY_STEPS))
    assert (type(fault), fault.message) == (Rejected, "The provider refused the request (steps).")


async def test_a_refused_key_is_no_refused_prompt() -> None:
    stage = Stage(Together)
    fault = await stage.fault(stage.submit(WORDS, refusal(403, "No access.", type="permission_error")))
    assert isinstance(fault, KeyRefused)


async def test_the_probe_counts_its_models_of_pictures() -> None:
    stage = Stage(Together)
    models = [
        {"id": "black-forest-labs/FLUX.1-schnell", "type": "image"},
        {"id": "openai/gpt-oss-120b", "type": "chat"},
    ]
    health = await stage.probe(Answer(json=models))
    assert (health.is_healthy, health.detail) == (True, "picture models: 1")
    assert stage.requests[0].url == "https://api.together.xyz/v1/models"
    assert not (await stage.probe(Answer(json={"data": []}))).is_healthy


@cache
def schema(folder: str) -> dict[str, Any]:
    """Of a request for pictures: it refers to nothing else in its document."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    spec = yaml.load((Path(folder) / "together.yaml").read_text(), Loader=loader)
    found = spec["paths"]["/images/generations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("order", TestTogether.calls, ids=lambda order: f"{order.operation}-{order.model}")
async def test_each_request_is_as_the_description_of_the_api_has_it(order: Call) -> None:
    if not (folder := os.environ.get("BACKLOT_SPECS")):
        pytest.skip("BACKLOT_SPECS does not name the folder of the vendors' API descriptions")
    body = await asked(order)
    assert set(body) <= set(schema(folder)["properties"])
    jsonschema.validate(body, schema(folder))
