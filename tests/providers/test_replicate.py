"""Replicate by the conformance kit, and the shape of what it is asked."""

import asyncio
import hmac
import json
import os
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator as Validator
from pydantic import SecretStr

from app.core.settings import Providers, Settings
from app.providers import signatures
from app.providers.adapters.replicate import Replicate
from app.providers.base import Call, Done, ErrorCode, Forged, JobFailed, KeyRefused, Offer, Rejected, Transient
from app.providers.limits import Limits
from app.providers.testing import PIXEL, SECRET, Answer, Stage, VendorConformance, call
from app.providers.testing_callbacks import BODY, SignedCallbacks, Signer

JOB = "k3x9f2c1vsrma0cr7d3b8z4x1e"
LINK = "https://replicate.delivery/xezq/9fKq/out-0.webp"
URLS = {
    "get": f"https://api.replicate.com/v1/predictions/{JOB}",
    "cancel": f"https://api.replicate.com/v1/predictions/{JOB}/cancel",
    "web": f"https://replicate.com/p/{JOB}",
}
FRESH = {
    "id": JOB,
    "model": "black-forest-labs/flux-dev",
    "version": "hidden",
    "input": {"prompt": "a felt owl"},
    "logs": "",
    "output": None,
    "error": None,
    "status": "starting",
    "data_removed": False,
    "created_at": "2026-05-04T10:00:00.120Z",
    "urls": URLS,
}
BIG = PIXEL + bytes(192_000)


def of_job(status: str, **rest: Any) -> Answer:
    return Answer(json={**FRESH, "status": status, **rest})


def failed(error: str) -> Answer:
    return of_job("failed", error=error)


PICTURE = call(
    "text_to_image",
    "flux-1.1-pro",
    prompt="a felt owl",
    width=1000,
    height=777,
    seed=31,
    num_images=1,
    output_format="jpeg",
    output_quality=90,
)
VARIANT = call(
    "image_to_image",
    "flux-dev",
    files=("image",),
    prompt="in winter",
    width=1500,
    height=1000,
    seed=7,
    strength=0.75,
    steps=28,
    guidance_scale=3.5,
    num_images=3,
    output_format="webp",
    output_quality=95,
)
REPAINT = call("inpaint", "flux-fill-pro", files=("image", "mask"), prompt="a vase", width=640, height=512, seed=2)
EDIT = call("edit_image", "flux-kontext-pro", files=("image",), prompt="make it snow", width=640, height=512, seed=3)
CUT_OUT = call("remove_background", "remove-bg", files=("image",), only_mask=False, output_format="png")
UPSCALE = call("upscale", "real-esrgan", files=("image",), scale=4, output_format="png")
CALLS = (PICTURE, VARIANT, REPAINT, EDIT, CUT_OUT, UPSCALE)


def signs(secret: bytes) -> Signer:
    def sign(body: bytes, at: datetime) -> dict[str, str]:
        sent_at = str(int(at.timestamp()))
        made = hmac.new(secret, f"msg_2x.{sent_at}.".encode() + body, "sha256").digest()
        signature = f"v1,{b64encode(made).decode()}"
        return {"webhook-id": "msg_2x", "webhook-timestamp": sent_at, "webhook-signature": signature}

    return Signer(Answer(json={"key": f"whsec_{b64encode(secret).decode()}"}), sign)


class TestReplicate(SignedCallbacks, VendorConformance):
    vendor = Replicate
    calls = CALLS
    accepted = Answer(201, json=FRESH)
    running = (of_job("starting"), of_job("processing", logs="12%"), of_job("a-status-of-next-year"))
    done = (of_job("succeeded", output=[LINK]),)
    failed = (
        (failed("NSFW content detected. Try running it again."), ErrorCode.CONTENT_REJECTED),
        (failed("The input or output was flagged as sensitive. (E005)"), ErrorCode.CONTENT_REJECTED),
        (failed("CUDA out of memory"), ErrorCode.PROVIDER_UNAVAILABLE),
        (of_job("failed"), ErrorCode.PROVIDER_UNAVAILABLE),
        (Answer(json={"status": "succeeded"}), ErrorCode.PROVIDER_UNAVAILABLE),
    )
    refused = (
        (
            Answer(422, json={"title": "Input validation failed", "detail": "- input.seed: Must be an integer"}),
            ErrorCode.PROVIDER_REJECTED,
        ),
        (Answer(422, json={"detail": ["odd"]}), ErrorCode.PROVIDER_REJECTED),
    )
    bad_key = Answer(401, json={"title": "Unauthenticated", "detail": "You did not pass a valid token", "status": 401})
    broke = Answer(402, json={"title": "Insufficient credit", "detail": "You have none left", "status": 402})
    signer = signs(b"the secret of one account")
    successor = signs(b"the secret that came after it")


async def asked(order: Call, *answers: Answer) -> dict[str, Any]:
    """The body of the order, which is the last request."""
    stage = Stage(Replicate)
    await stage.submit(order, *answers, TestReplicate.accepted)
    assert stage.requests[-1].url == "https://api.replicate.com/v1/predictions"
    body: dict[str, Any] = orjson.loads(stage.requests[-1].content)
    return body


async def result(output: Any, *more: Answer) -> Done:
    stage = Stage(Replicate)
    reference = await stage.accepted(PICTURE, TestReplicate.accepted)
    done = await stage.poll(reference, of_job("succeeded", output=output), *more)
    assert isinstance(done, Done)
    return done


# --- what it is asked


async def test_a_picture_by_width_and_height() -> None:
    assert await asked(PICTURE) == {
        "version": "black-forest-labs/flux-1.1-pro",
        "input": {
            "prompt": "a felt owl",
            "aspect_ratio": "custom",
            "width": 992,
            "height": 768,
            "seed": 31,
            "output_format": "jpg",
            "output_quality": 90,
        },
    }


async def test_variants_of_a_picture_by_aspect_ratio() -> None:
    body = await asked(VARIANT)
    assert b64decode(body["input"].pop("image").removeprefix("data:image/png;base64,")) == PIXEL
    assert body == {
        "version": "black-forest-labs/flux-dev",
        "input": {
            "prompt": "in winter",
            "aspect_ratio": "3:2",
            "prompt_strength": 0.75,
            "num_inference_steps": 28,
            "guidance": 3.5,
            "seed": 7,
            "num_outputs": 3,
            "output_format": "webp",
            "output_quality": 95,
        },
    }


async def test_a_mask_goes_out_as_it_is_white_is_repainted_there_too() -> None:
    order = replace(REPAINT, files={"image": PIXEL, "mask": PIXEL + b"white"})
    sent = (await asked(order))["input"]
    assert b64decode(sent.pop("mask").partition(",")[2]) == order.files["mask"]
    assert b64decode(sent.pop("image").partition(",")[2]) == PIXEL
    assert sent == {"prompt": "a vase", "seed": 2, "output_format": "png"}


async def test_files_are_called_what_the_row_calls_them() -> None:
    sent = (await asked(EDIT))["input"]
    assert sent.pop("input_image").startswith("data:image/png;base64,")
    assert sent == {
        "prompt": "make it snow",
        "seed": 3,
        "aspect_ratio": "match_input_image",
        "output_format": "png",
    }


async def test_models_of_the_community_by_version() -> None:
    cut_out, upscale = await asked(CUT_OUT), await asked(UPSCALE)
    assert cut_out["version"].startswith("lucataco/remove-bg:")
    assert list(cut_out["input"]) == ["image"]
    assert upscale["version"].startswith("nightmareai/real-esrgan:")
    assert upscale["input"]["scale"] == 4


async def test_any_model_there_is_by_a_row_of_its_own() -> None:
    row = Offer(
        "text_to_image",
        "my-model",
        "Mine",
        path="9f" * 32,
        parameters={"prompt": "text", "width": "w", "height": "h"},
        constants={"mode": "fast"},
        limits=Limits(least=256, most=1024, multiple=8),
    )
    order = replace(PICTURE, model="my-model", offer=row)
    assert await asked(order) == {
        "version": "9f" * 32,
        "input": {"mode": "fast", "text": "a felt owl", "w": 1000, "h": 776},
    }


async def test_large_files_are_uploaded_first() -> None:
    url = "https://api.replicate.com/v1/files/cneqzikepnug6xezperrr4z55o"
    stage = Stage(Replicate)
    uploaded = Answer(201, json={"id": "cneqz", "urls": {"get": url}})
    await stage.submit(replace(EDIT, files={"image": BIG}), uploaded, TestReplicate.accepted)
    upload, order = stage.requests
    assert upload.url == "https://api.replicate.com/v1/files"
    assert BIG in upload.content
    assert b'name="content"; filename="image.png"\r\nContent-Type: image/png' in upload.content
    assert orjson.loads(order.content)["input"]["input_image"] == url


@pytest.mark.parametrize("answer", [Answer(201, json={"urls": None}), Answer(201, json=[]), Answer(502, content=b"")])
async def test_nothing_is_ordered_where_a_file_did_not_get_through(answer: Answer) -> None:
    stage = Stage(Replicate)
    fault = await stage.fault(stage.submit(replace(EDIT, files={"image": BIG}), answer))
    assert type(fault) is Transient
    assert len(stage.requests) == 1


async def test_it_calls_us_when_the_job_has_ended() -> None:
    body = await asked(replace(PICTURE, callback_url="https://backlot.test/callbacks/1"))
    assert body["webhook"] == "https://backlot.test/callbacks/1"
    assert body["webhook_events_filter"] == ["completed"]


# --- what it signs


async def test_the_secret_is_asked_for_with_our_key() -> None:
    stage = Stage(Replicate)
    one = TestReplicate.signer
    assert await stage.verify(one.callback(), one.told) == "msg_2x"
    [request] = stage.requests
    assert (request.method, request.url) == ("GET", "https://api.replicate.com/v1/webhooks/default/secret")
    assert request.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("written", ["v1,AAAA {}", "{} v1,AAAA", "v2,AAAA v1a,BBBB {} v1,AAAA", "  {}  "])
async def test_one_of_several_signatures_is_enough(written: str) -> None:
    one = TestReplicate.signer
    good = one.callback()
    headers = dict(good.headers) | {"webhook-signature": written.format(good.headers["webhook-signature"])}
    assert await Stage(Replicate).verify(replace(good, headers=headers), one.told)


@pytest.mark.parametrize("version", ["", "v2,", "v1a,", "v1;", "V1,"])
async def test_a_signature_of_another_version_is_none(version: str) -> None:
    one = TestReplicate.signer
    good = one.callback()
    headers = dict(good.headers) | {"webhook-signature": good.headers["webhook-signature"].replace("v1,", version)}
    with pytest.raises(Forged):
        await Stage(Replicate).verify(replace(good, headers=headers), one.told)


@pytest.mark.parametrize("key", ["whsec_", "", "whsec_AAAA", "whsec_!!!!", "é", None, 7, ["whsec_"]])
async def test_a_secret_anybody_could_guess_or_nobody_read_is_none(key: Any) -> None:
    """With an empty one everybody could sign."""
    stage = Stage(Replicate)
    told = Answer(json={"key": key})
    assert type(await stage.fault(stage.verify(signs(b"").callback(), told))) is Transient


async def test_each_account_signs_with_its_own_secret() -> None:
    """By an account whose secret cannot be had nothing is told forged, and the others' are believed."""
    one, other, third = TestReplicate.signer, TestReplicate.successor, signs(b"that of somebody else, a third")
    asked: dict[str, int] = {}
    answers = {"Bearer first": [one.told], "Bearer second": [Answer(503), other.told]}

    def give(request: httpx.Request) -> httpx.Response:
        name = request.headers["authorization"]
        asked[name] = asked.get(name, 0) + 1
        return answers[name].pop(0).give(request)

    keys = {"replicate": (SecretStr("first"), SecretStr("second"))}
    settings = Settings(_env_file=None, providers=Providers(keys=keys))  # type: ignore[call-arg]
    vendor = Replicate(settings, client=httpx.AsyncClient(transport=httpx.MockTransport(give)))
    assert await vendor.verify(one.callback())
    with pytest.raises(Transient):
        await vendor.verify(third.callback())
    with pytest.MonkeyPatch.context() as later:
        later.setattr(signatures, "PAUSE_SECONDS", 0)
        assert await vendor.verify(other.callback())
    with pytest.raises(Forged):
        await vendor.verify(third.callback())
    assert asked == {"Bearer first": 1, "Bearer second": 2}


async def test_many_callbacks_at_once_ask_for_the_secret_once() -> None:
    one, asked = TestReplicate.signer, 0

    async def give(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.02)
        return one.told.give(request)

    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    vendor = Replicate(settings, client=httpx.AsyncClient(transport=httpx.MockTransport(give)))
    assert set(await asyncio.gather(*(vendor.verify(one.callback()) for _ in range(10)))) == {"msg_2x"}
    assert asked == 1


async def test_a_vendor_that_does_not_answer_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "ANSWER_SECONDS", 0.05)

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError

    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    vendor = Replicate(settings, client=httpx.AsyncClient(transport=httpx.MockTransport(hang)))
    async with asyncio.timeout(5):
        for _ in range(3):
            with pytest.raises(Transient):
                await vendor.verify(TestReplicate.signer.callback())


def test_nothing_of_a_callback_is_told_by_accident() -> None:
    assert BODY.decode() not in repr(TestReplicate.signer.callback())
    assert "webhook" not in repr(TestReplicate.signer.callback())


# --- what it answers


@pytest.mark.parametrize(
    "output",
    [LINK, [LINK], {"image": LINK, "seed": 4}, [["a text", None], {"files": [LINK]}]],
)
async def test_an_output_of_any_form(output: Any) -> None:
    done = await result(output)
    assert [one.url for one in done.outputs] == [LINK]
    assert done.cost_microusd is None


async def test_several_outputs_keep_their_order() -> None:
    done = await result([f"{LINK}?1", {"a": f"{LINK}?2", "b": f"{LINK}?3"}, f"{LINK}?4"])
    assert [str(one.url)[-1] for one in done.outputs] == ["1", "2", "3", "4"]


async def test_a_data_uri_is_the_file() -> None:
    done = await result("data:image/png;base64,iVBORw==")
    assert [one.content for one in done.outputs] == [b"\x89PNG"]


async def test_files_of_the_interface_itself_are_fetched_with_the_key() -> None:
    file = Answer(content=PIXEL, headers={"content-type": "image/png"})
    [output] = (await result("https://api.replicate.com/v1/files/abc/download", file)).outputs
    assert (output.content, output.content_type, output.url) == (PIXEL, "image/png", None)


@pytest.mark.parametrize("output", [None, [], {}, "", 7, "no link"])
async def test_an_output_without_files_is_none(output: Any) -> None:
    assert (await result(output)).outputs == []


# --- failures and refusals


@pytest.mark.parametrize(
    "answer",
    [failed("CUDA out of memory"), of_job("canceled"), of_job("aborted"), of_job("succeeded", data_removed=True)],
    ids=str,
)
async def test_a_job_that_came_to_nothing_is_not_asked_for_again(answer: Answer) -> None:
    stage = Stage(Replicate)
    reference = await stage.accepted(PICTURE, TestReplicate.accepted)
    assert type(await stage.fault(stage.poll(reference, answer))) is JobFailed


async def test_a_field_that_is_refused_is_named() -> None:
    stage = Stage(Replicate)
    fault = await stage.fault(stage.submit(PICTURE, TestReplicate.refused[0][0]))
    assert fault.message.endswith("(seed).")


async def test_another_provider_may_have_a_model_whose_version_is_gone() -> None:
    answer = Answer(422, json={"title": "Invalid version or not permitted", "detail": "It does not exist"})
    stage = Stage(Replicate)
    fault = await stage.fault(stage.submit(CUT_OUT, answer))
    assert (type(fault), fault.code) == (Transient, ErrorCode.NO_ROUTE)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Answer(429, json={"detail": "Request was throttled. Your rate limit resets in ~9s."}), 9),
        (Answer(429, json={"detail": "Throttled.", "retry_after": 4}), 4),
        (Answer(429, json={"detail": "resets in ~999999s"}), 3600),
        (Answer(429, json={"detail": "resets in ~9s"}, headers={"retry-after": "2"}), 2),
        (Answer(429, content=b""), None),
    ],
    ids=str,
)
async def test_when_to_ask_again(answer: Answer, seconds: float | None) -> None:
    stage = Stage(Replicate)
    fault = await stage.fault(stage.submit(PICTURE, answer))
    assert isinstance(fault, Transient)
    assert fault.retry_after == seconds


# --- cancel and probe


async def cancel(answer: Answer) -> Stage:
    stage = Stage(Replicate)
    reference = await stage.accepted(PICTURE, TestReplicate.accepted)
    stage._answers = [answer]
    await stage.provider.cancel(reference)
    return stage


@pytest.mark.parametrize("answer", [of_job("canceled"), of_job("succeeded"), Answer(404, json={"detail": "Not found"})])
async def test_a_job_is_stopped_whether_it_has_ended_or_not(answer: Answer) -> None:
    request = (await cancel(answer)).requests[-1]
    assert (request.method, str(request.url)) == ("POST", URLS["cancel"])


async def test_a_cancel_that_did_not_get_through_is_told() -> None:
    with pytest.raises(Transient):
        await cancel(Answer(503, content=b""))
    with pytest.raises(KeyRefused):
        await cancel(TestReplicate.bad_key)


async def test_the_probe_names_the_account() -> None:
    health = await Stage(Replicate).probe(Answer(json={"type": "organization", "username": "acme"}))
    assert (health.is_healthy, health.detail) == (True, "account acme")


@pytest.mark.parametrize("body", [[], {}, None, "x", {"id": 4}, {"id": ""}, {"id": "a/../b"}])
async def test_a_job_without_a_usable_id_may_have_been_accepted(body: Any) -> None:
    stage = Stage(Replicate)
    fault = await stage.fault(stage.submit(PICTURE, Answer(201, json=body)))
    assert not isinstance(fault, Transient | Rejected)


# --- by the vendor's own description


@pytest.fixture
def described() -> Validator:
    folder = os.environ.get("BACKLOT_SPECS")
    if not folder:
        pytest.skip("BACKLOT_SPECS does not name a folder with the vendors' API descriptions")
    spec = json.loads(Path(folder, "replicate.json").read_text())
    schema = spec["paths"]["/predictions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return Validator(schema | {"components": spec["components"]})


@pytest.mark.parametrize("order", CALLS, ids=lambda order: order.operation)
async def test_orders_are_as_described(order: Call, described: Validator) -> None:
    described.validate(await asked(replace(order, callback_url="https://backlot.test/callbacks/1")))
