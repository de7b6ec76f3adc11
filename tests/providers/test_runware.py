"""Runware by the conformance kit, and the shape of what it is asked."""

from typing import Any

import orjson
import pytest

from app.providers.adapters.runware import Runware
from app.providers.base import Done, ErrorCode
from app.providers.testing import Answer, Stage, VendorConformance, call

TASK = "0f5c0c55-2a0e-4b5b-9b0e-7d2f0a9f1c11"
ACK = {"data": [{"taskType": "imageInference", "taskUUID": TASK}]}
RESULT = {
    "taskType": "imageInference",
    "taskUUID": TASK,
    "status": "success",
    "imageUUID": "5d0c2b8e-6a34-4f57-8b2e-0f4c7a3d9e10",
    "imageURL": "https://im.runware.ai/image/ws/5d0c.png",
    "seed": 771204,
    "cost": 0.0064,
}


def refusal(code: str, **rest: Any) -> Answer:
    error = {"code": code, "message": "…", "taskType": "imageInference", "taskUUID": TASK}
    return Answer(400, json={"errors": [error | rest]})


def of_job(**rest: Any) -> Answer:
    return Answer(json={"data": [{"taskType": "imageInference", "taskUUID": TASK, **rest}]})


PICTURE = call("text_to_image", "flux-dev", prompt="an oak floor", width=1000, height=777, steps=28, seed=3)


class TestRunware(VendorConformance):
    vendor = Runware
    calls = (
        PICTURE,
        call("image_to_image", "flux-dev", files=("image",), prompt="a", width=512, height=512, strength=0.75),
        call("inpaint", "flux-fill", files=("image", "mask"), prompt="a", width=512, height=512, mask_margin=32),
        call(
            "outpaint",
            "flux-fill",
            files=("image",),
            prompt="a",
            width=1024,
            height=512,
            top=0,
            right=256,
            bottom=0,
            left=256,
        ),
        call("remove_background", "rembg", files=("image",), only_mask=True, background_color=[255, 255, 255, 0]),
        call("upscale", "real-esrgan", files=("image",), scale=4),
    )
    accepted = Answer(json=ACK)
    running = (of_job(status="processing"), of_job(status="processing", progress=40))
    done = (Answer(json={"data": [RESULT]}),)
    failed = (
        (
            of_job(status="success", imageURL="https://im.runware.ai/a.png", NSFWContent=True),
            ErrorCode.CONTENT_REJECTED,
        ),
        (of_job(status="error", error={"code": "inferenceError", "message": "…"}), ErrorCode.PROVIDER_UNAVAILABLE),
        (refusal("promptBlocked"), ErrorCode.CONTENT_REJECTED),
    )
    refused = (
        (refusal("invalidModel", parameter="model"), ErrorCode.PROVIDER_REJECTED),
        (refusal("contentPolicyViolation"), ErrorCode.CONTENT_REJECTED),
        (Answer(json={"errors": [{"code": "nsfwContentDetected"}]}), ErrorCode.CONTENT_REJECTED),
    )
    bad_key = refusal("invalidApiKey")
    broke = refusal("insufficientCredits")


async def test_what_it_is_asked_for_a_picture() -> None:
    stage = Stage(Runware)
    await stage.accepted(PICTURE, TestRunware.accepted)
    [task] = orjson.loads(stage.requests[0].content)
    assert stage.requests[0].headers["authorization"].startswith("Bearer ")
    assert task.pop("taskUUID")[14] == "4"
    assert task == {
        "taskType": "imageInference",
        "model": "runware:101@1",
        "positivePrompt": "an oak floor",
        "width": 1024,
        "height": 768,
        "steps": 28,
        "seed": 3,
        "numberResults": 1,
        "outputType": "URL",
        "outputFormat": "PNG",
        "deliveryMethod": "async",
        "includeCost": True,
    }


async def test_what_a_result_costs_and_where_it_is() -> None:
    stage = Stage(Runware)
    reference = await stage.accepted(PICTURE, TestRunware.accepted)
    done = await stage.poll(reference, *TestRunware.done)
    assert isinstance(done, Done)
    assert done.cost_microusd == 6400
    assert [(output.url, output.seed) for output in done.outputs] == [(RESULT["imageURL"], 771204)]


@pytest.mark.parametrize(("ours", "theirs"), [(1, 20), (80, 80), (100, 99)])
async def test_quality_is_asked_for_as_far_as_it_goes(ours: int, theirs: int) -> None:
    stage = Stage(Runware)
    order = call("text_to_image", "flux-dev", prompt="a cat", width=512, height=512, output_quality=ours)
    await stage.submit(order, Answer(json={"data": [{"taskType": "imageInference", "taskUUID": "x"}]}))
    assert orjson.loads(stage.requests[0].content)[0]["outputQuality"] == theirs


async def test_its_one_address_has_no_slash_at_its_end() -> None:
    stage = Stage(Runware)
    await stage.probe(Answer(json={"data": [{"balance": 12.5}]}))
    assert stage.requests[0].url == "https://api.runware.ai/v1"
