"""Gemini by the conformance kit, and the shape of what it is asked."""

import os
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from app.providers.adapters.gemini import Gemini
from app.providers.base import Busy, Call, Done, ErrorCode, KeyRefused, Rejected, Transient, Unknown
from app.providers.testing import PIXEL, SECRET, Answer, Stage, VendorConformance, call

DATA = b64encode(PIXEL).decode()
PICTURE = {"inlineData": {"mimeType": "image/png", "data": DATA}}
TYPES = "type.googleapis.com/google.rpc."


def turn(*parts: Any, reason: str | None = "STOP") -> Answer:
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": reason}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1290, "totalTokenCount": 1299}
    return Answer(json={"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash-image"})


def blocked(reason: str) -> Answer:
    return Answer(json={"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 9}})


def refusal(code: int, status: str, *details: dict[str, Any]) -> Answer:
    return Answer(code, json={"error": {"code": code, "message": "…", "status": status, "details": details}})


def drawing(model: str, **params: Any) -> Call:
    given = {"prompt": "an oak floor", "width": 1024, "height": 768, "seed": 3000000000, "num_images": 1}
    return call("text_to_image", model, **given | {"output_format": "png", "output_quality": 95} | params)


EDIT = call(
    "edit_image",
    "gemini-2.5-flash-image",
    files=("image",),
    prompt="make it snow",
    width=1600,
    height=900,
    seed=3,
    num_images=1,
    output_format="png",
    output_quality=95,
)
VARIANT = call(
    "image_to_image",
    "gemini-3.1-flash-image",
    files=("image",),
    prompt="in watercolour",
    width=512,
    height=512,
    strength=0.75,
    seed=3,
    num_images=1,
    output_format="png",
    output_quality=95,
)
CALLS = (drawing("gemini-2.5-flash-image"), drawing("gemini-3-pro-image"), EDIT, VARIANT)
KEY_INVALID = {"@type": TYPES + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
DAY_QUOTA = {"@type": TYPES + "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
MINUTE_QUOTA = {"@type": TYPES + "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}


class TestGemini(VendorConformance):
    vendor = Gemini
    calls = CALLS
    answers = (turn({"text": "Here it is:"}, PICTURE),)
    refused = (
        (blocked("PROHIBITED_CONTENT"), ErrorCode.CONTENT_REJECTED),
        (blocked("OTHER"), ErrorCode.CONTENT_REJECTED),
        (turn(reason="IMAGE_SAFETY"), ErrorCode.CONTENT_REJECTED),
        (Answer(json={"candidates": [{"finishReason": "SAFETY", "safetyRatings": []}]}), ErrorCode.CONTENT_REJECTED),
        (turn(reason="NO_IMAGE"), ErrorCode.PROVIDER_REJECTED),
        (turn({"text": "I would rather not."}), ErrorCode.PROVIDER_REJECTED),
        (refusal(400, "INVALID_ARGUMENT"), ErrorCode.PROVIDER_REJECTED),
    )
    bad_key = refusal(400, "INVALID_ARGUMENT", KEY_INVALID)
    broke = refusal(429, "RESOURCE_EXHAUSTED", DAY_QUOTA)


async def asked(order: Call) -> dict[str, Any]:
    stage = Stage(Gemini)
    await stage.submit(order, *TestGemini.answers)
    found: dict[str, Any] = orjson.loads(stage.requests[0].content)
    return found


async def test_a_picture_is_asked_for_as_a_turn() -> None:
    stage = Stage(Gemini)
    await stage.submit(drawing("gemini-2.5-flash-image"), *TestGemini.answers)
    [request] = stage.requests
    base = "https://generativelanguage.googleapis.com/v1beta"
    assert (request.method, request.url) == ("POST", f"{base}/models/gemini-2.5-flash-image:generateContent")
    assert request.headers["x-goog-api-key"] == SECRET
    assert "authorization" not in request.headers
    assert orjson.loads(request.content) == {
        "contents": [{"role": "user", "parts": [{"text": "an oak floor"}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "4:3"}},
    }


@pytest.mark.parametrize(("order", "ratio"), [(EDIT, "16:9"), (VARIANT, "1:1")], ids=["edit_image", "image_to_image"])
async def test_the_photo_comes_before_the_words(order: Call, ratio: str) -> None:
    assert await asked(order) == {
        "contents": [{"role": "user", "parts": [PICTURE, {"text": order.params["prompt"]}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": ratio}},
    }


async def test_a_photo_is_sent_as_what_it_is() -> None:
    [content] = (await asked(replace(EDIT, files={"image": b"RIFF....WEBP"})))["contents"]
    assert content["parts"][0]["inlineData"]["mimeType"] == "image/webp"


@pytest.mark.parametrize(
    ("width", "height", "config"),
    [
        (512, 512, {"aspectRatio": "1:1", "imageSize": "1K"}),
        (1920, 1080, {"aspectRatio": "16:9", "imageSize": "1K"}),
        (2048, 2048, {"aspectRatio": "1:1", "imageSize": "2K"}),
        (4096, 3072, {"aspectRatio": "4:3", "imageSize": "2K"}),
        (1000, 4000, {"aspectRatio": "9:16", "imageSize": "2K"}),
    ],
)
async def test_shape_and_size_are_told_apart(width: int, height: int, config: dict[str, str]) -> None:
    body = await asked(drawing("gemini-3-pro-image", width=width, height=height))
    assert body["generationConfig"]["imageConfig"] == config


async def test_the_pictures_are_taken_from_among_the_words() -> None:
    draft = {"thought": True, "inlineData": {"mimeType": "image/png", "data": "ZHJhZnQ="}}
    answer = turn({"text": "One", "thoughtSignature": "…"}, draft, PICTURE, {"text": "two"}, PICTURE, None, [])
    done = await Stage(Gemini).submit(EDIT, answer)
    assert isinstance(done, Done)
    assert [output.content for output in done.outputs] == [PIXEL, PIXEL]
    assert done.cost_microusd is None


@pytest.mark.parametrize("reason", ["IMAGE_OTHER", "OTHER", "MAX_TOKENS", "MALFORMED_RESPONSE", "SOMETHING_NEW"])
async def test_where_it_broke_off_another_try_may_do(reason: str) -> None:
    stage = Stage(Gemini)
    fault = await stage.fault(stage.submit(EDIT, turn({"text": "Let me"}, reason=reason)))
    assert (type(fault), fault.code) == (Transient, ErrorCode.PROVIDER_UNAVAILABLE)


@pytest.mark.parametrize(
    "body",
    [
        {"candidates": None},
        {"candidates": []},
        {"candidates": {}},
        {"candidates": [None]},
        {"candidates": [[]]},
        {"candidates": [{}]},
        {"candidates": [{"content": None, "finishReason": []}]},
        {"candidates": [{"content": {"parts": "x"}}]},
        {"candidates": [{"content": {"parts": [{"inlineData": {"data": "?"}}]}, "finishReason": "STOP"}]},
        {"promptFeedback": {}},
        {"promptFeedback": {"blockReason": None}},
        {"promptFeedback": "SAFETY"},
    ],
    ids=str,
)
async def test_an_answer_that_says_nothing_may_have_cost_something(body: Any) -> None:
    stage = Stage(Gemini)
    assert type(await stage.fault(stage.submit(EDIT, Answer(json=body)))) is Unknown


@pytest.mark.parametrize(
    "body", [None, [], [None], {"error": []}, {"error": {"status": []}}, {"error": {"status": "X", "details": {}}}]
)
async def test_an_error_in_any_form_is_a_refusal_by_its_status(body: Any) -> None:
    stage = Stage(Gemini)
    assert type(await stage.fault(stage.submit(EDIT, Answer(400, json=body)))) is Rejected


@pytest.mark.parametrize(
    ("delay", "retry_after"),
    [("34s", 34.0), ("1.5s", 1.5), ("90000s", 3600.0), ("²s", None), ("soon", None), (34, None)],
    ids=str,
)
async def test_when_to_come_back_is_in_the_details(delay: Any, retry_after: float | None) -> None:
    stage = Stage(Gemini)
    info = {"@type": TYPES + "RetryInfo", "retryDelay": delay}
    fault = await stage.fault(stage.submit(EDIT, refusal(429, "RESOURCE_EXHAUSTED", MINUTE_QUOTA, info)))
    assert isinstance(fault, Busy)
    assert fault.retry_after == retry_after


async def test_an_error_in_a_list_is_read_too() -> None:
    stage = Stage(Gemini)
    fault = await stage.fault(stage.submit(EDIT, Answer(400, json=[TestGemini.bad_key.json])))
    assert isinstance(fault, KeyRefused)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refusal(400, "FAILED_PRECONDITION"), KeyRefused, ErrorCode.PROVIDER_QUOTA),
        (refusal(403, "PERMISSION_DENIED"), KeyRefused, ErrorCode.PROVIDER_QUOTA),
        (refusal(404, "NOT_FOUND"), Transient, ErrorCode.NO_ROUTE),
        (refusal(503, "UNAVAILABLE"), Transient, ErrorCode.PROVIDER_UNAVAILABLE),
        (refusal(504, "DEADLINE_EXCEEDED"), Unknown, ErrorCode.PROVIDER_TIMEOUT),
    ],
    ids=lambda value: value.json["error"]["status"] if isinstance(value, Answer) else "",
)
async def test_what_a_refusal_means(answer: Answer, kind: type, code: ErrorCode) -> None:
    stage = Stage(Gemini)
    fault = await stage.fault(stage.submit(EDIT, answer))
    assert (type(fault), fault.code) == (kind, code)


async def test_the_probe_asks_for_one_model() -> None:
    stage = Stage(Gemini)
    assert (await stage.probe(Answer(json={"models": []}))).is_healthy
    assert stage.requests[0].url.raw_path == b"/v1beta/models?pageSize=1"


SPEC = "gemini.json"
PATH = "/models/{modelsId}:generateContent"


@pytest.mark.skipif("BACKLOT_SPECS" not in os.environ, reason=f"BACKLOT_SPECS names no folder with the vendor's {SPEC}")
@pytest.mark.parametrize("order", CALLS, ids=lambda order: f"{order.operation}-{order.model}")
async def test_it_is_asked_as_the_vendor_describes(order: Call) -> None:
    spec = orjson.loads((Path(os.environ["BACKLOT_SPECS"]) / SPEC).read_bytes())
    stage = Stage(Gemini)
    await stage.submit(order, *TestGemini.answers)
    [request] = stage.requests
    operation = spec["paths"][PATH]["post"]
    # The description gives the form of the whole name, `models/…`, of which its path has the first half already.
    [named] = operation["parameters"]
    name = request.url.path.removeprefix("/v1beta/").removesuffix(":generateContent")
    assert re.search(named["schema"]["pattern"], name)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    check = jsonschema.Draft202012Validator(_strict({"components": spec["components"], **schema}))
    body = orjson.loads(request.content)
    check.validate(body)
    assert not check.is_valid(body | {"generationConfig": body["generationConfig"] | {"noSuchField": 1}})


def _strict(schema: Any) -> Any:
    """A name that is not in the description is an error."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(part) for name, part in schema.items()}
    return strict | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else strict
