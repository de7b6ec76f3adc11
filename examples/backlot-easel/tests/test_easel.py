"""Easel by the conformance kit, and the shape of what it is asked."""

from typing import Any

import orjson
import pytest
from backlot_easel import Easel

from app.providers.base import Accepted, Done, ErrorCode, Transient, Unknown
from app.providers.testing import SECRET, Answer, Stage, VendorConformance, call

JOB = "81f3c2"
ACCEPTED = Answer(202, json={"job": JOB, "state": "queued"})
PICTURE = call(
    "text_to_image", "easel-oil", prompt="a lighthouse", width=1000, height=700, seed=7, num_images=2, steps=None
)
REPAINTING = call(
    "image_to_image", "easel-oil", files=("image",), prompt="in snow", width=512, height=512, seed=3, strength=0.5
)


def job(state: str, **rest: Any) -> Answer:
    return Answer(json={"job": JOB, "state": state} | rest)


def trouble(status: int, word: str, **rest: Any) -> Answer:
    return Answer(status, json={"trouble": word} | rest)


FRAMED = job("framed", pictures=[{"url": f"https://files.easel.example/{JOB}/1.png", "seed": 7}], cents=4)


class TestEasel(VendorConformance):
    vendor = Easel
    calls = (PICTURE, REPAINTING)
    accepted = ACCEPTED
    running = (job("queued"), job("painting", percent=40), job("drying"))
    done = (FRAMED,)
    failed = (
        (job("torn"), ErrorCode.PROVIDER_UNAVAILABLE),
        (job("covered"), ErrorCode.CONTENT_REJECTED),
        (job("framed", pictures=[]), ErrorCode.PROVIDER_UNAVAILABLE),
        (trouble(404, "no_such_job"), ErrorCode.PROVIDER_UNAVAILABLE),
    )
    refused = (
        (Answer(json={"refused": "house rules"}), ErrorCode.CONTENT_REJECTED),
        (trouble(400, "indecent"), ErrorCode.CONTENT_REJECTED),
        (trouble(400, "bad_field", field="canvas"), ErrorCode.PROVIDER_REJECTED),
    )
    bad_key = trouble(403, "who_are_you")
    broke = trouble(403, "purse_empty")


async def test_what_it_is_asked_for_a_picture() -> None:
    stage = Stage(Easel)
    await stage.accepted(PICTURE, ACCEPTED)
    [request] = stage.requests
    assert (request.method, str(request.url)) == ("POST", "https://api.easel.example/v1/jobs")
    assert request.headers["x-easel-key"] == SECRET
    assert orjson.loads(request.content) == {
        "medium": "oil-2",
        "words": "a lighthouse",
        "canvas": "1024x704",
        "pictures": 2,
        "seed": 7,
        "varnish": True,
        "reference": PICTURE.reference,
    }


async def test_a_sketch_goes_along() -> None:
    stage = Stage(Easel)
    await stage.accepted(REPAINTING, ACCEPTED)
    body = orjson.loads(stage.requests[0].content)
    assert body["sketch"].startswith("data:image/png;base64,")
    assert body["freedom"] == 0.5


async def test_what_a_result_costs_and_where_it_is() -> None:
    stage = Stage(Easel)
    done = await stage.poll(await stage.accepted(PICTURE, ACCEPTED), FRAMED)
    assert isinstance(done, Done)
    assert [(output.url, output.seed) for output in done.outputs] == [(f"https://files.easel.example/{JOB}/1.png", 7)]
    assert done.cost_microusd == 40_000


async def test_a_call_whose_answer_was_lost_is_found_by_our_reference() -> None:
    stage = Stage(Easel)
    found = await stage.find(PICTURE.reference, PICTURE.model, Answer(json={"jobs": [{"job": JOB}]}))
    assert stage.requests[0].url.params["reference"] == PICTURE.reference
    assert isinstance(found, Accepted)
    assert found.reference.endswith(JOB)
    assert await stage.find(PICTURE.reference, PICTURE.model, Answer(json={"jobs": []})) is None


@pytest.mark.parametrize("ended", [Answer(204, content=b""), trouble(410, "too_late"), trouble(404, "no_such_job")])
async def test_a_cancel_of_what_has_ended_is_no_fault(ended: Answer) -> None:
    stage = Stage(Easel)
    await stage.cancel(await stage.accepted(PICTURE, ACCEPTED), ended)
    assert (stage.requests[1].method, stage.requests[1].url.path) == ("DELETE", f"/v1/jobs/{JOB}")


async def test_an_id_that_could_lead_elsewhere_is_none() -> None:
    stage = Stage(Easel)
    fault = await stage.fault(stage.submit(PICTURE, Answer(json={"job": "../purse"})))
    assert isinstance(fault, Unknown)


async def test_a_busy_vendor_says_when_to_come_back() -> None:
    stage = Stage(Easel)
    fault = await stage.fault(stage.submit(PICTURE, Answer(503, json={}, headers={"retry-after": "30"})))
    assert isinstance(fault, Transient)
    assert fault.retry_after == 30


async def test_the_probe_tells_what_is_left() -> None:
    health = await Stage(Easel).probe(Answer(json={"cents": 1250}))
    assert (health.is_healthy, health.detail) == (True, "12.50 dollars left")
