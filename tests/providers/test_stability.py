"""Stability by the conformance kit, and the forms it is sent: those answered at once, and the job."""

import os
from base64 import b64encode
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from PIL import Image

from app.providers.adapters.stability import Stability
from app.providers.base import Accepted, Call, Done, ErrorCode, JobFailed, Offer, Running, Transient
from app.providers.testing import PIXEL, Answer, Stage, VendorConformance, call

JOB = "e52772ac75b08a9e0c1d5f3b7a6284d19c0e3f5a7b8d6c4e2f1a0b9c8d7e6f50"


def picture(width: int = 64, height: int = 64, kind: str = "PNG", colour: str = "teal", **options: Any) -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), colour).save(file, kind, **options)
    return file.getvalue()


def of(operation: str, model: str, *, files: tuple[str, ...] = ("image",), image: bytes = b"", **params: Any) -> Call:
    given = {role: image or picture() for role in files}
    return replace(call(operation, model, output_format="png", **params), files=given)


def refusal(status: int, name: str, *errors: str, **headers: str) -> Answer:
    return Answer(status, json={"id": "a1b2c3", "name": name, "errors": list(errors)}, headers=headers)


def made(finish_reason: str = "SUCCESS") -> Answer:
    body = {"image": b64encode(PIXEL).decode(), "finish_reason": finish_reason, "seed": 1842207}
    return Answer(json=body, headers={"content-type": "application/json; type=image/png"})


WORDS = of("text_to_image", "stable-image-core", files=(), prompt="a clay fox", width=1200, height=800, seed=7)
VARIATION = {"prompt": "in winter", "strength": 0.6, "seed": 7, "width": 640, "height": 480}
RETOUCHING = of("inpaint", "stable-image-inpaint", files=("image", "mask"), prompt="a vase", seed=7, strength=0.8)
EXTENSION = of("outpaint", "stable-image-outpaint", prompt="", top=0, right=256, bottom=8, left=0, seed=7)
CUT_OUT = of("remove_background", "stable-image-remove-background", only_mask=False, background_color=[9, 9, 9, 0])
ENLARGED = of("upscale", "stable-image-fast-upscale", scale=4)
RELIT = of("replace_background", "stable-image-relight", prompt="on a beach", negative_prompt="people", seed=7)
AT_ONCE = (
    WORDS,
    of("text_to_image", "sd3.5-large", files=(), prompt="a", width=1024, height=1024, seed=7, guidance_scale=4.5),
    of("image_to_image", "sd3.5-large", **VARIATION),
    of("image_to_image", "stable-image-ultra", **VARIATION),
    RETOUCHING,
    EXTENSION,
    CUT_OUT,
    ENLARGED,
)


class BothWays(VendorConformance):
    """The kit is gone through twice: some operations are answered at once, one is a job."""

    vendor = Stability
    refused = (
        (refusal(400, "bad_request", "aspect_ratio: not an allowed value"), ErrorCode.PROVIDER_REJECTED),
        (refusal(403, "content_moderation", "Your request was flagged."), ErrorCode.CONTENT_REJECTED),
        (refusal(422, "public_figure", "Your request was rejected."), ErrorCode.CONTENT_REJECTED),
        (made("CONTENT_FILTERED"), ErrorCode.CONTENT_REJECTED),
    )
    bad_key = refusal(401, "unauthorized", "authorization: missing or invalid key")
    broke = refusal(402, "payment_required", "You lack sufficient credits.")

    def test_it_is_a_provider_with_rows_in_the_catalogue(self, stage: Stage) -> None:
        sold = {(offer.operation, offer.model) for offer in stage.provider.offers}
        ordered = {(order.operation, order.model) for order in (*AT_ONCE, RELIT)}
        assert ordered <= sold
        assert {operation for operation, _ in ordered} == {operation for operation, _ in sold}


class TestStability(BothWays):
    calls = AT_ONCE
    answers = (made(),)


class TestStabilityJobs(BothWays):
    calls = (RELIT,)
    accepted = Answer(json={"id": JOB})
    running = (
        Answer(202, json={"id": JOB, "status": "in-progress"}),
        Answer(202, json={"id": JOB, "status": "a word it has not said before"}),
    )
    done = (made(),)
    failed = (
        (made("CONTENT_FILTERED"), ErrorCode.CONTENT_REJECTED),
        (refusal(403, "content_moderation"), ErrorCode.CONTENT_REJECTED),
        (refusal(400, "bad_request", "subject_image: too dark"), ErrorCode.PROVIDER_REJECTED),
        (refusal(404, "not_found"), ErrorCode.PROVIDER_UNAVAILABLE),
    )


def form(request: httpx.Request) -> dict[str, str | bytes]:
    """Its parts by name: text, and the bytes of files."""
    assert request.headers["content-type"].startswith("multipart/form-data")
    boundary = b"--" + request.headers["content-type"].partition("boundary=")[2].encode()
    parts: dict[str, str | bytes] = {}
    for part in request.content.split(boundary)[1:-1]:
        head, _, body = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        parts[name] = body if b"filename=" in head else body.decode()
    return parts


async def asked(order: Call) -> httpx.Request:
    stage = Stage(Stability)
    await stage.submit(order, Answer(json={"id": JOB}))
    [request] = stage.requests
    return request


async def sent(order: Call) -> dict[str, str | bytes]:
    return form(await asked(order))


async def test_words_alone_are_a_form_too() -> None:
    request = await asked(WORDS)
    assert request.url == "https://api.stability.ai/v2beta/stable-image/generate/core"
    assert request.headers["authorization"].startswith("Bearer ")
    assert request.headers["accept"] == "application/json"
    assert form(request) == {"prompt": "a clay fox", "seed": "7", "output_format": "png", "aspect_ratio": "3:2"}
    assert b"filename" not in request.content


async def test_a_variation_has_the_picture_and_no_ratio_where_it_takes_none() -> None:
    shared = {"prompt": "in winter", "strength": "0.6", "seed": "7", "output_format": "png", "image": picture()}
    assert await sent(of("image_to_image", "stable-image-ultra", **VARIATION)) == shared | {"aspect_ratio": "5:4"}
    constants = {"model": "sd3.5-large", "mode": "image-to-image"}
    assert await sent(of("image_to_image", "sd3.5-large", **VARIATION)) == shared | constants


async def test_the_mask_is_white_where_it_repaints_as_ours_is() -> None:
    mask = picture(colour="white")
    order = replace(RETOUCHING, files={"image": picture(), "mask": mask})
    assert await sent(order) == {
        "prompt": "a vase",
        "seed": "7",
        "output_format": "png",
        "image": picture(),
        "mask": mask,
    }


async def test_it_extends_by_its_own_names_of_the_sides() -> None:
    sides = {"up": "0", "right": "256", "down": "8", "left": "0"}
    assert await sent(EXTENSION) == sides | {"seed": "7", "output_format": "png", "image": picture()}


async def test_cut_outs_and_enlargements_are_told_nothing_but_the_format() -> None:
    for order, path in ((CUT_OUT, "edit/remove-background"), (ENLARGED, "upscale/fast")):
        request = await asked(order)
        assert request.url.path == f"/v2beta/stable-image/{path}"
        assert form(request) == {"output_format": "png", "image": picture()}


async def test_a_new_background_is_a_job_that_is_asked_for_every_ten_seconds() -> None:
    stage = Stage(Stability)
    accepted = await stage.submit(RELIT, Answer(json={"id": JOB}))
    assert isinstance(accepted, Accepted)
    assert accepted.poll_after == 10
    assert form(stage.requests[0]) == {
        "background_prompt": "on a beach",
        "negative_prompt": "people",
        "seed": "7",
        "output_format": "png",
        "subject_image": picture(),
    }
    running = await stage.poll(accepted.reference, Answer(202, json={"id": JOB, "status": "in-progress"}))
    assert running == Running(poll_after=10)
    assert stage.requests[1].url == f"https://api.stability.ai/v2beta/results/{JOB}"
    assert stage.requests[1].headers["accept"] == "application/json"


async def test_a_job_by_a_name_that_is_no_name_is_not_asked_for() -> None:
    stage = Stage(Stability)
    fault = await stage.fault(stage.submit(RELIT, Answer(json={"id": "../../v1/user/account"})))
    assert fault.code == ErrorCode.PROVIDER_UNAVAILABLE


async def test_a_job_it_knows_no_more_has_failed() -> None:
    stage = Stage(Stability)
    reference = await stage.accepted(RELIT, Answer(json={"id": JOB}))
    fault = await stage.fault(stage.poll(reference, refusal(404, "not_found", "The result is not found or expired.")))
    assert isinstance(fault, JobFailed)


async def test_a_result_is_its_bytes_and_its_seed() -> None:
    done = await Stage(Stability).submit(WORDS, made())
    assert isinstance(done, Done)
    assert [(output.content, output.seed) for output in done.outputs] == [(PIXEL, 1842207)]


@pytest.mark.parametrize(
    "body",
    [
        {"finish_reason": "SUCCESS", "image": "no base64!"},
        {"finish_reason": "SUCCESS", "image": ""},
        {"finish_reason": "SUCCESS", "image": None},
        {"finish_reason": None, "image": b64encode(PIXEL).decode()},
    ],
)
async def test_a_result_that_is_none_may_have_been_paid_for(body: dict[str, Any]) -> None:
    await TestStability().test_an_answer_that_makes_no_sense_is_no_refusal(Stage(Stability), WORDS, Answer(json=body))


@pytest.mark.parametrize(("ours", "theirs"), [(0, "1"), (5, "5"), (2**32 - 2, "4294967294"), (2**32 - 1, "4294967294")])
async def test_seeds_are_never_the_one_that_stands_for_any(ours: int, theirs: str) -> None:
    order = replace(WORDS, params={**WORDS.params, "seed": ours})
    assert (await sent(order))["seed"] == theirs


@pytest.mark.parametrize(
    ("size", "ratio"), [((1024, 1024), "1:1"), ((1920, 1080), "16:9"), ((600, 800), "4:5"), ((100, 4000), "9:21")]
)
async def test_sizes_are_the_nearest_ratio(size: tuple[int, int], ratio: str) -> None:
    order = replace(WORDS, params={**WORDS.params, "width": size[0], "height": size[1]})
    assert (await sent(order))["aspect_ratio"] == ratio


def with_image(order: Call, width: int, height: int) -> Call:
    return replace(order, files={**order.files, "image": picture(width, height)})


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(with_image(RETOUCHING, 63, 640), id="too narrow"),
        pytest.param(with_image(RETOUCHING, 3073, 3072), id="too many pixels"),
        pytest.param(with_image(CUT_OUT, 2049, 2048), id="too many pixels to cut out"),
        pytest.param(with_image(ENLARGED, 1537, 600), id="too wide to enlarge"),
        pytest.param(with_image(ENLARGED, 1025, 1024), id="too many pixels to enlarge"),
        pytest.param(with_image(EXTENSION, 1001, 400), id="too long to extend"),
        pytest.param(with_image(RELIT, 400, 1001), id="too tall to relight"),
        pytest.param(replace(RELIT, files={"image": picture() + bytes(10 * 1024 * 1024)}), id="too many bytes"),
    ],
)
async def test_what_it_does_not_take_is_left_to_others_unsent(order: Call) -> None:
    stage = Stage(Stability)
    fault = await stage.fault(stage.submit(order))
    assert (type(fault), fault.code) == (Transient, ErrorCode.NO_ROUTE)
    assert stage.requests == []


@pytest.mark.parametrize(
    "order",
    [with_image(ENLARGED, 1024, 1024), with_image(CUT_OUT, 2048, 2048), with_image(EXTENSION, 1000, 400)],
    ids=["enlarged", "cut out", "extended"],
)
async def test_what_it_just_takes_is_sent(order: Call) -> None:
    assert "image" in await sent(order)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "exif": bytes(64)}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0" + bytes(64)}),
    ],
)
async def test_sizes_are_read_from_each_kind_of_file(kind: str, options: dict[str, Any]) -> None:
    for size, is_sent in (((300, 120), True), ((303, 120), False), ((120, 303), False)):
        stage = Stage(Stability)
        order = replace(RELIT, files={"image": picture(*size, kind, **options)})
        if is_sent:
            await stage.submit(order, Answer(json={"id": JOB}))
        else:
            await stage.fault(stage.submit(order))
        assert bool(stage.requests) is is_sent


async def test_a_refusal_names_the_field_and_nothing_else_of_theirs() -> None:
    stage = Stage(Stability)
    fault = await stage.fault(stage.submit(WORDS, refusal(400, "bad_request", "aspect_ratio: not an allowed value")))
    assert fault.message == "The provider refused the request (aspect_ratio)."
    fault = await stage.fault(stage.submit(WORDS, refusal(400, "bad_request", "We did not like: this")))
    assert fault.message == "The provider refused the request."


async def test_who_asked_too_often_waits_a_minute() -> None:
    stage = Stage(Stability)
    fault = await stage.fault(stage.submit(WORDS, refusal(429, "rate_limit_exceeded")))
    assert isinstance(fault, Transient)
    assert fault.retry_after == 60


async def test_a_body_it_finds_too_large_is_left_to_others() -> None:
    stage = Stage(Stability)
    fault = await stage.fault(stage.submit(RELIT, refusal(413, "payload_too_large")))
    assert (type(fault), fault.code) == (Transient, ErrorCode.NO_ROUTE)


async def test_the_probe_tells_what_is_left() -> None:
    stage = Stage(Stability)
    health = await stage.probe(Answer(json={"credits": 812.5}))
    assert (health.is_healthy, health.detail) == (True, "812.5 credits left")
    assert stage.requests[0].url == "https://api.stability.ai/v1/user/balance"
    assert (await stage.probe(Answer(json=["odd"]))).is_healthy


# Where that description, which others wrote, says less than the vendor.
UNTOLD = {"image", "strength", "cfg_scale", "aspect_ratio"}


@cache
def schemas(folder: str) -> dict[str, Any]:
    """Of the form at each path."""
    found: dict[str, Any] = {}
    for part in ("generate", "edit", "upscale"):
        spec = yaml.safe_load((Path(folder) / f"stability-v2beta-{part}.thirdparty.yml").read_text())
        for path, item in spec["paths"].items():
            if "post" in item:
                schema = item["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
                found[path] = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


@pytest.mark.parametrize("order", [*AT_ONCE, RELIT], ids=lambda order: f"{order.operation}-{order.model}")
async def test_each_form_is_as_the_description_of_the_api_has_it(order: Call) -> None:
    if not (folder := os.environ.get("BACKLOT_SPECS")):
        pytest.skip("BACKLOT_SPECS does not name the folder of the vendors' API descriptions")
    request = await asked(order)
    fields = form(request)
    if "subject_image" in fields:  # so the vendor calls it, not they
        fields["image"] = fields.pop("subject_image")
    schema = schemas(folder)[request.url.path]
    assert set(fields) - set(schema["properties"]) <= UNTOLD
    jsonschema.validate({name: _typed(schema, name, value) for name, value in fields.items()}, schema)


def _typed(schema: dict[str, Any], name: str, value: str | bytes) -> Any:
    """A part of a form as the schema sees it."""
    match schema["properties"].get(name, {}).get("type"):
        case "integer":
            return int(value)
        case "number":
            return float(value)
    return value if isinstance(value, str) else "…"


def test_rows_of_one_name_are_of_different_operations() -> None:
    offers: list[Offer] = list(Stage(Stability).provider.offers)
    assert len({(offer.operation, offer.model) for offer in offers}) == len(offers)
