"""Leonardo by the conformance kit, and the shape of what it is asked."""

import os
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from jsonschema import Draft4Validator

from app.providers.adapters.leonardo import Leonardo
from app.providers.base import Call, Done, ErrorCode, Rejected, Transient, Unknown
from app.providers.testing import PIXEL, SECRET, Answer, Stage, VendorConformance, call

GENERATION = "7a1c3e52-9d04-4b6f-8a25-31c0de94b7f6"
VARIATION = "c4d8be10-52f7-4e39-9b61-0fa27c83d5e4"
STORE = "https://store.ex.test/init"
PERMIT = {"Content-Type": "image/png", "key": "uploads/9f3b.png", "policy": "eyJ…", "X-Amz-Signature": "f00d"}
UPLOAD = {"id": "9f3b6c1a-0d27-4c85-b1e9-64a2f7d05c38", "url": STORE, "key": PERMIT["key"]}
PERMITTED = Answer(json={"uploadInitImage": UPLOAD | {"fields": orjson.dumps(PERMIT).decode()}})
STORED = Answer(204, content=b"")
COST = {"amount": "0.0205", "unit": "DOLLARS"}
ACCEPTED = Answer(json={"sdGenerationJob": {"generationId": GENERATION, "apiCreditCost": None, "cost": COST}})
UPSCALING = Answer(json={"universalUpscaler": {"id": VARIATION, "apiCreditCost": None, "cost": COST}})


class UploadStage(Stage):
    """Takes uploads by itself: the kit's answers are to what may cost money."""

    def _give(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/init-image"):
            return PERMITTED.give(request)
        if str(request.url) == STORE:
            return STORED.give(request)
        return super()._give(request)


def generation(status: str, *images: Any, **rest: Any) -> Answer:
    job = {"id": GENERATION, "status": status, "seed": 771204, "generated_images": list(images)}
    return Answer(json={"generations_by_pk": job | rest})


def image(name: str, *, nsfw: bool = False) -> dict[str, Any]:
    url = f"https://cdn.leonardo.ai/users/1/generations/{name}.jpg"
    return {"id": name, "url": url, "nsfw": nsfw, "generated_image_variation_generics": []}


def variation(status: str, url: str | None = None) -> Answer:
    return Answer(json={"generated_image_variation_generic": [{"id": VARIATION, "status": status, "url": url}]})


def refusal(text: str, status: int = 400) -> Answer:
    return Answer(status, json={"error": text, "path": "$", "code": "unexpected"})


PICTURE = call(
    "text_to_image", "leonardo-phoenix", prompt="an oak floor", width=1000, height=777, seed=2**32 - 1, num_images=2
)
REPAINTING = call(
    "image_to_image",
    "leonardo-lightning-xl",
    files=("image",),
    prompt="in snow",
    negative_prompt="people",
    width=512,
    height=512,
    seed=3,
    steps=28,
    guidance_scale=7.5,
    scheduler="DDIM",
    strength=0.75,
    num_images=1,
)
UPSCALE = call("upscale", "universal-upscaler", files=("image",), scale=2, output_format="png")


class TestLeonardo(VendorConformance):
    vendor = Leonardo
    calls = (PICTURE, REPAINTING, UPSCALE)
    accepted = ACCEPTED
    running = (
        Answer(json={"generations_by_pk": None}),
        generation("PENDING"),
        generation("RESTING"),
        Answer(json={"generated_image_variation_generic": []}),
        variation("PENDING"),
    )
    done = (generation("COMPLETE", image("a"), image("b")),)
    failed = (
        (generation("COMPLETE", image("a", nsfw=True)), ErrorCode.CONTENT_REJECTED),
        (generation("FAILED"), ErrorCode.PROVIDER_UNAVAILABLE),
        (variation("FAILED"), ErrorCode.PROVIDER_UNAVAILABLE),
        (generation("COMPLETE"), ErrorCode.PROVIDER_UNAVAILABLE),
        (generation("COMPLETE", None, {"url": None}), ErrorCode.PROVIDER_UNAVAILABLE),
        (generation("COMPLETE", generated_images={"url": "a"}), ErrorCode.PROVIDER_UNAVAILABLE),
        (generation("COMPLETE", image("a") | {"url": "nowhere!"}), ErrorCode.PROVIDER_UNAVAILABLE),
        (variation("COMPLETE"), ErrorCode.PROVIDER_UNAVAILABLE),
    )
    refused = (
        (refusal("Prompt was blocked by the content moderation filter"), ErrorCode.CONTENT_REJECTED),
        (refusal("NSFW prompt", 500), ErrorCode.CONTENT_REJECTED),
        (refusal("invalid width"), ErrorCode.PROVIDER_REJECTED),
    )
    broke = refusal("not enough api tokens")

    @pytest.fixture
    def stage(self) -> Stage:
        return UploadStage(self.vendor)


def written(stage: Stage, request: int = -1) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(stage.requests[request].content)
    return body


async def test_what_it_is_asked_for_a_picture() -> None:
    stage = Stage(Leonardo)
    await stage.accepted(PICTURE, ACCEPTED)
    assert stage.requests[0].url == "https://cloud.leonardo.ai/api/rest/v1/generations"
    assert stage.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    assert written(stage) == {
        "prompt": "an oak floor",
        "modelId": "de7d3faf-762f-48e0-b3b7-9d0ac3a3fcf3",
        "width": 1000,
        "height": 776,
        "num_images": 2,
        "seed": (2**32 - 1) % (2147483637 + 1),
        "alchemy": False,
        "contrast": 3.5,
        "presetStyle": "NONE",
        "public": False,
    }


async def test_an_image_is_uploaded_without_the_key_before_the_call() -> None:
    stage = Stage(Leonardo)
    assert await stage.submit(REPAINTING, PERMITTED, STORED, ACCEPTED)
    asked, posted, _ = stage.requests
    assert asked.url.path == "/api/rest/v1/init-image"
    assert orjson.loads(asked.content) == {"extension": "png"}
    assert (posted.method, str(posted.url)) == ("POST", STORE)
    assert not any(SECRET in text for text in posted.headers.values())
    header = f"Content-Type: {posted.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(header + posted.content).get_payload()
    names = [part.get_param("name", header="content-disposition") for part in parts]
    assert names == [*PERMIT, "file"]
    assert parts[-1].get_payload(decode=True) == PIXEL
    assert written(stage) == {
        "prompt": "in snow",
        "negative_prompt": "people",
        "modelId": "b24e16ff-06e3-43eb-8d33-4416c2d75876",
        "init_image_id": UPLOAD["id"],
        "init_strength": 0.25,
        "width": 512,
        "height": 512,
        "num_images": 1,
        "num_inference_steps": 28,
        "guidance_scale": 7.5,
        "scheduler": "DDIM",
        "seed": 3,
        "alchemy": False,
        "presetStyle": "NONE",
        "public": False,
    }


@pytest.mark.parametrize(("ours", "theirs"), [(0.1, 0.9), (0.4, 0.6), (0.9, 0.1)])
async def test_strength_is_how_far_to_go_and_theirs_how_close_to_stay(ours: float, theirs: float) -> None:
    stage = UploadStage(Leonardo)
    params = dict(REPAINTING.params) | {"strength": ours}
    await stage.accepted(Call(REPAINTING.operation, REPAINTING.model, params, REPAINTING.files), ACCEPTED)
    assert written(stage)["init_strength"] == theirs


@pytest.mark.parametrize(
    "answers",
    [
        (PERMITTED, Answer(fails=httpx.ConnectError("refused"))),
        (PERMITTED, Answer(fails=httpx.ReadTimeout("silent"))),
        (PERMITTED, Answer(403, content=b"<Error>AccessDenied</Error>")),
        (PERMITTED, Answer(307, headers={"location": "https://elsewhere.test"})),
        (Answer(503),),
        (Answer(fails=httpx.ReadTimeout("silent")),),
        *(
            (Answer(json={"uploadInitImage": UPLOAD | odd}),)
            for odd in ({}, {"fields": "{"}, {"fields": "[]"}, {"fields": '{"key": 1}'}, {"fields": "{}", "id": None})
        ),
        (Answer(json={"uploadInitImage": UPLOAD | {"fields": "{}", "url": "http://store.ex.test"}}),),
        (Answer(json={"uploadInitImage": UPLOAD | {"fields": "{}", "url": "https://store.ex.test:port"}}),),
        (Answer(json={"uploadInitImage": None}),),
        (Answer(json=[]),),
    ],
    ids=str,
)
async def test_an_upload_that_fails_has_bought_nothing(answers: tuple[Answer, ...]) -> None:
    stage = Stage(Leonardo)
    assert type(await stage.fault(stage.submit(REPAINTING, *answers))) is Transient
    assert all("generations" not in request.url.path for request in stage.requests)


async def test_an_upscale_is_a_variation_of_an_uploaded_image() -> None:
    stage = UploadStage(Leonardo)
    reference = await stage.accepted(UPSCALE, UPSCALING)
    assert stage.requests[0].url.path == "/api/rest/v1/variations/universal-upscaler"
    assert written(stage) == {
        "initImageId": UPLOAD["id"],
        "upscaleMultiplier": 2.0,
        "upscalerStyle": "GENERAL",
        "creativityStrength": 1,
    }
    done = await stage.poll(reference, variation("COMPLETE", "https://cdn.leonardo.ai/up.jpg"))
    assert stage.requests[-1].url.path == f"/api/rest/v1/variations/{VARIATION}"
    assert isinstance(done, Done)
    assert [output.url for output in done.outputs] == ["https://cdn.leonardo.ai/up.jpg"]
    assert done.cost_microusd == 20_500


async def test_what_a_result_costs_and_where_it_is() -> None:
    stage = Stage(Leonardo)
    reference = await stage.accepted(PICTURE, ACCEPTED)
    done = await stage.poll(reference, generation("COMPLETE", image("a")))
    assert stage.requests[-1].url.path == f"/api/rest/v1/generations/{GENERATION}"
    assert isinstance(done, Done)
    assert [(output.url, output.seed) for output in done.outputs] == [(image("a")["url"], 771204)]
    assert done.cost_microusd == 20_500


@pytest.mark.parametrize(
    "cost",
    [None, {"amount": "11", "unit": "CREDITS"}, {"amount": "NaN", "unit": "DOLLARS"}, {"unit": "DOLLARS"}, "1", []],
)
async def test_a_cost_that_is_not_told_in_money_is_not_known(cost: Any) -> None:
    stage = Stage(Leonardo)
    accepted = Answer(json={"sdGenerationJob": {"generationId": GENERATION, "cost": cost}})
    reference = await stage.accepted(PICTURE, accepted)
    done = await stage.poll(reference, generation("COMPLETE", image("a")))
    assert isinstance(done, Done)
    assert done.cost_microusd is None


async def test_what_is_not_fit_to_be_shown_is_left_out() -> None:
    stage = Stage(Leonardo)
    reference = await stage.accepted(PICTURE, ACCEPTED)
    done = await stage.poll(reference, generation("COMPLETE", image("a", nsfw=True), image("b")))
    assert isinstance(done, Done)
    assert [output.url for output in done.outputs] == [image("b")["url"]]
    assert isinstance(await stage.fault(stage.poll(reference, generation("COMPLETE", image("a", nsfw=True)))), Rejected)


async def test_the_probe_tells_what_is_left() -> None:
    details = {"user": {"id": "1", "username": "acme"}, "apiPaidTokens": None, "apiSubscriptionTokens": 3500}
    health = await Stage(Leonardo).probe(Answer(json={"user_details": [details]}))
    assert (health.is_healthy, health.detail) == (True, "3500 tokens left")
    assert (await Stage(Leonardo).probe(Answer(json={"user_details": []}))).is_healthy


@pytest.mark.parametrize("order", TestLeonardo.calls, ids=lambda order: order.operation)
async def test_its_own_description_allows_what_it_is_asked(order: Call) -> None:
    folder = os.environ.get("BACKLOT_SPECS")
    if folder is None:
        pytest.skip("BACKLOT_SPECS names no folder with the vendors' API descriptions")
    description = orjson.loads((Path(folder) / "leonardo.json").read_bytes())
    stage = Stage(Leonardo)
    uploads = (PERMITTED, STORED) if order.files else ()
    await stage.submit(order, *uploads, ACCEPTED)
    for request in stage.requests:
        if str(request.url) == STORE:
            continue
        path = request.url.path.removeprefix("/api/rest/v1")
        body = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        sent = orjson.loads(request.content)
        Draft4Validator(body | {"components": description["components"]}).validate(sent)
        assert sent.keys() <= body["properties"].keys()


@pytest.mark.parametrize("odd", ["", "a/../b", "a\nb", "a b", 7, None])
async def test_an_id_that_is_none_leaves_it_open_what_was_bought(odd: Any) -> None:
    stage = Stage(Leonardo)
    answer = Answer(json={"sdGenerationJob": {"generationId": odd, "cost": COST}})
    assert isinstance(await stage.fault(stage.submit(PICTURE, answer)), Unknown)
