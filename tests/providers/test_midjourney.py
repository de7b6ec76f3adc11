"""Midjourney by the conformance kit, and the shape of what it is asked."""

from typing import Any

import orjson
import pytest

from app.core.settings import Providers, Settings
from app.providers.adapters.midjourney import Midjourney
from app.providers.base import Accepted, Call, Done, ErrorCode, Rejected, Running, Transient, Unknown
from app.providers.testing import Answer, Stage, VendorConformance, call

GRID = "1777888999000123"
SINGLE = "1777888999000456"


def submitted(code: int, result: str | None = GRID) -> Answer:
    return Answer(json={"code": code, "description": "…", "result": result, "properties": {}})


def task(**rest: Any) -> Answer:
    body = {"id": GRID, "action": "IMAGINE", "status": "IN_PROGRESS", "progress": "", "imageUrl": None}
    return Answer(json=body | {"failReason": None, "submitTime": 1777888999000} | rest)


def made(name: str, **rest: Any) -> Answer:
    return task(status="SUCCESS", progress="100%", imageUrl=f"https://cdn.ex.test/{name}.png", **rest)


def picture(prompt: str = "linocut heron at dusk", **rest: Any) -> Call:
    params = {"width": 1536, "height": 1024, "seed": 5, "num_images": 1, "output_format": "png"}
    return call("text_to_image", "midjourney-v6", prompt=prompt, **(params | rest))


def variation() -> Call:
    return call("image_to_image", "midjourney-v7", files=("image",), prompt="a", width=512, height=512, num_images=2)


class TestMidjourney(VendorConformance):
    vendor = Midjourney
    calls = (
        picture(),
        call("image_to_image", "midjourney-v7", files=("image",), prompt="in snow", width=512, height=512, seed=1),
    )
    accepted = submitted(1)
    running = (
        task(status="NOT_START"),
        task(status="SUBMITTED", progress="0%"),
        task(progress="62%", imageUrl="https://cdn.ex.test/preview.webp"),
        task(status="MODAL"),
    )
    done = (made("grid"), submitted(1, SINGLE), made("single", id=SINGLE, action="UPSCALE"))
    failed = (
        (task(status="FAILURE", failReason="Banned prompt detected"), ErrorCode.CONTENT_REJECTED),
        (task(status="FAILURE", failReason="Invalid parameter"), ErrorCode.PROVIDER_REJECTED),
        (task(status="FAILURE", failReason="timeout"), ErrorCode.PROVIDER_UNAVAILABLE),
        (task(status="FAILURE"), ErrorCode.PROVIDER_UNAVAILABLE),
        (task(status="CANCEL"), ErrorCode.PROVIDER_UNAVAILABLE),
        (task(status="SUCCESS"), ErrorCode.PROVIDER_UNAVAILABLE),
    )
    refused = (
        (submitted(24, None), ErrorCode.CONTENT_REJECTED),
        (submitted(4, None), ErrorCode.PROVIDER_REJECTED),
        (submitted(3, None), ErrorCode.PROVIDER_REJECTED),
    )


def written(stage: Stage, request: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(stage.requests[request].content)
    return body


async def test_what_it_is_asked_for_a_picture() -> None:
    stage, order = Stage(Midjourney), picture(negative_prompt="people, text")
    await stage.accepted(order, submitted(22))
    assert stage.requests[0].url == "http://midjourney.invalid/mj/submit/imagine"
    assert stage.requests[0].headers["mj-api-secret"]
    assert "authorization" not in stage.requests[0].headers
    assert written(stage) == {
        "prompt": "linocut heron at dusk --v 6 --ar 3:2 --no people, text --seed 5",
        "state": f"{order.reference} 1",
    }


async def test_a_picture_to_go_by_is_sent_along() -> None:
    stage = Stage(Midjourney)
    await stage.accepted(variation(), submitted(1))
    [sent] = written(stage)["base64Array"]
    assert sent.startswith("data:image/png;base64,")
    assert written(stage)["prompt"] == "a --v 7 --ar 1:1"


async def test_it_is_told_where_to_call_back() -> None:
    stage, url = Stage(Midjourney), "https://app.ex.test/hooks/1"
    order = picture()
    await stage.accepted(Call(order.operation, order.model, order.params, callback_url=url), submitted(1))
    assert written(stage)["notifyHook"] == url


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("a cat --turbo --repeat 10", "a cat -turbo -repeat 10"),
        ("a cat —turbo", "a cat -turbo"),
        ("a cat -—turbo", "a cat -turbo"),
        ("a {red, green}\n cat", "a (red, green) cat"),
        ("a well-known cat", "a well-known cat"),
    ],
)
async def test_a_prompt_gives_no_flags_and_no_permutations(prompt: str, sent: str) -> None:
    stage = Stage(Midjourney)
    await stage.accepted(picture(prompt), submitted(1))
    assert written(stage)["prompt"] == f"{sent} --v 6 --ar 3:2 --seed 5"


async def test_as_many_candidates_as_ordered_are_taken_out_of_the_grid() -> None:
    stage = Stage(Midjourney)
    reference = await stage.accepted(variation(), submitted(1))
    changes = (submitted(1, "u1"), submitted(21, "u2"))
    assert await stage.poll(reference, made("grid"), *changes, made("a"), task(status="SUBMITTED")) == Running()
    done = await stage.poll(reference, made("grid"), *changes, made("a"), made("b"))
    assert isinstance(done, Done)
    assert [output.url for output in done.outputs] == ["https://cdn.ex.test/a.png", "https://cdn.ex.test/b.png"]
    assert [request.url.path.removeprefix("/mj") for request in stage.requests[-5:]] == [
        f"/task/{GRID}/fetch",
        "/submit/change",
        "/submit/change",
        "/task/u1/fetch",
        "/task/u2/fetch",
    ]
    assert written(stage, -4) == {"taskId": GRID, "action": "UPSCALE", "index": 1}
    assert written(stage, -3) == {"taskId": GRID, "action": "UPSCALE", "index": 2}


async def test_a_full_queue_holds_up_a_poll_only() -> None:
    stage = Stage(Midjourney)
    assert isinstance(await stage.fault(stage.submit(picture(), submitted(23, None))), Transient)
    reference = await stage.accepted(picture(), submitted(1))
    assert isinstance(await stage.fault(stage.poll(reference, made("grid"), submitted(23, None))), Transient)


async def test_it_tells_how_far_it_is() -> None:
    stage = Stage(Midjourney)
    reference = await stage.accepted(picture(), submitted(1))
    assert await stage.poll(reference, task(progress="62%")) == Running(0.62)
    for strange in ("", "62", "999%", "٦٢", None, 62, ["1%"]):
        assert await stage.poll(reference, task(progress=strange)) in (Running(), Running(0.62))


async def test_a_lost_call_is_found_by_our_reference() -> None:
    stage, order = Stage(Midjourney), variation()
    reference = await stage.accepted(order, submitted(1))
    others = [None, "x", {"id": "1"}, {"id": "2", "state": None}, {"id": "3", "state": order.reference}]
    theirs = Answer(json=[*others, {"id": GRID, "state": written(stage)["state"]}])
    assert await stage.find(order.reference, order.model, theirs) == Accepted(reference, 4.0)
    assert stage.requests[-1].url.path == "/mj/task/list"
    assert await stage.find(order.reference, order.model, Answer(json=others)) is None
    assert await stage.find(order.reference, order.model, Answer(json={})) is None


async def test_a_lost_call_that_cannot_be_asked_for_stays_unknown() -> None:
    stage = Stage(Midjourney)
    for answer in (Answer(503), Answer(401), Answer(400), Answer(content=b"<html>")):
        assert isinstance(await stage.fault(stage.find("att_1", "midjourney-v6", answer)), Unknown)


async def test_a_cancel_asks_for_it_and_does_without() -> None:
    stage = Stage(Midjourney)
    reference = await stage.accepted(picture(), submitted(1))
    for answer in (submitted(1), Answer(404)):
        stage._answers = [answer]
        await stage.provider.cancel(reference)
        assert stage.requests[-1].url.path == f"/mj/task/{GRID}/cancel"


async def test_a_grid_that_is_gone_ends_the_job() -> None:
    stage = Stage(Midjourney)
    reference = await stage.accepted(picture(), submitted(1))
    assert isinstance(await stage.fault(stage.poll(reference, made("grid"), submitted(3, None))), Rejected)


async def test_the_probe_tells_what_waits() -> None:
    health = await Stage(Midjourney).probe(Answer(json=[{}, {}]))
    assert (health.is_healthy, health.detail) == (True, "2 tasks in its queue")


def test_it_needs_an_address_and_no_key() -> None:
    missing = Midjourney(Settings(_env_file=None))
    assert missing.needs is not None
    assert "BACKLOT_PROVIDERS_URLS" in missing.needs
    ours = Midjourney(Settings(_env_file=None, providers=Providers(urls={"midjourney": "http://proxy.test:8080/mj"})))
    assert (ours.needs, ours.base_url) == (None, "http://proxy.test:8080/mj")
    assert ours.sign_in("") == {}


@pytest.mark.parametrize("odd", [Answer(json={"code": 1, "result": "a/b c"}), submitted(1, None), submitted(99)])
async def test_an_answer_without_an_id_leaves_it_open_what_was_accepted(odd: Answer) -> None:
    assert isinstance(await (stage := Stage(Midjourney)).fault(stage.submit(picture(), odd)), Unknown)
