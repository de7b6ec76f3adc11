"""fal by the conformance kit, and the shape of what it is asked."""

from base64 import b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.settings import Providers, Settings
from app.providers.adapters.fal import Fal
from app.providers.base import Call, Done, ErrorCode, JobFailed, KeyRefused, Offer, ProviderError, Rejected, Transient
from app.providers.limits import Limits
from app.providers.testing import PIXEL, SECRET, Answer, Stage, VendorConformance, call
from app.providers.testing_callbacks import SignedCallbacks, Signer

JOB = "764cabcf-b745-4b3e-ae38-1200304cf45b"
URL = f"https://queue.fal.run/fal-ai/flux/requests/{JOB}"
LINK = "https://v3.fal.media/files/lion/9xBq-1.png"
QUEUED = {
    "request_id": JOB,
    "response_url": URL,
    "status_url": f"{URL}/status",
    "cancel_url": f"{URL}/cancel",
    "queue_position": 2,
    "status": "IN_QUEUE",
}
COMPLETED = Answer(json={"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.9}})
FAILED = Answer(json={"status": "COMPLETED", "error": "Invalid status code: 500", "error_type": "runner_server_error"})


def picture(number: int = 1) -> dict[str, Any]:
    return {"url": f"{LINK}?{number}", "width": 1024, "height": 768, "content_type": "image/png"}


RESULT = {"images": [picture()], "seed": 31, "has_nsfw_concepts": [False], "prompt": "a", "timings": {"inference": 1.2}}


def invalid(kind: str, *place: Any, status: int = 422) -> Answer:
    return Answer(status, json={"detail": [{"loc": list(place), "msg": "no", "type": kind, "ctx": {}}]})


PICTURE = call(
    "text_to_image",
    "flux-dev",
    prompt="a slate hut",
    width=1000,
    height=777,
    seed=31,
    steps=28,
    guidance_scale=3.5,
    num_images=2,
    output_format="jpeg",
    output_quality=95,
)
VARIANT = call(
    "image_to_image",
    "flux-dev",
    files=("image",),
    prompt="in winter",
    width=640,
    height=512,
    strength=0.75,
    seed=7,
    num_images=1,
    output_format="webp",
)
REPAINT = call("inpaint", "flux-fill-pro", files=("image", "mask"), prompt="a vase", width=640, height=512, seed=2)
CUT_OUT = call("remove_background", "birefnet", files=("image",), only_mask=False, output_format="png")
UPSCALE = call("upscale", "real-esrgan", files=("image",), scale=4, output_format="png")


KEY_SET = "https://rest.alpha.fal.ai/.well-known/jwks.json"


def listed(key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(raw).decode().rstrip("=")}


def signs(seed: int) -> Signer:
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    def sign(body: bytes, at: datetime) -> dict[str, str]:
        parts = [JOB, "user_7", str(int(at.timestamp()))]
        signature = key.sign("\n".join([*parts, sha256(body).hexdigest()]).encode()).hex()
        names = ("request-id", "user-id", "timestamp", "signature")
        return {f"x-fal-webhook-{name}": value for name, value in zip(names, [*parts, signature], strict=True)}

    return Signer(Answer(json={"keys": [listed(key)]}), sign)


class TestFal(SignedCallbacks, VendorConformance):
    vendor = Fal
    calls = (PICTURE, VARIANT, REPAINT, CUT_OUT, UPSCALE)
    accepted = Answer(json=QUEUED)
    running = (
        Answer(202, json={"status": "IN_QUEUE", "queue_position": 0}),
        Answer(202, json={"status": "IN_PROGRESS", "logs": None}),
        Answer(json={"status": "A_STATUS_OF_NEXT_YEAR"}),
    )
    done = (COMPLETED, Answer(json=RESULT))
    failed = (
        (invalid("content_policy_violation", "body", "prompt"), ErrorCode.CONTENT_REJECTED),
        (Answer(500, json={"detail": "…", "error_type": "internal_error"}), ErrorCode.PROVIDER_UNAVAILABLE),
    )
    refused = (
        (invalid("content_policy_violation", "body", "prompt"), ErrorCode.CONTENT_REJECTED),
        (invalid("image_too_large", "body", "image_url"), ErrorCode.PROVIDER_REJECTED),
        (Answer(422, json={"detail": [None]}), ErrorCode.PROVIDER_REJECTED),
        (Answer(400, json=["odd"]), ErrorCode.PROVIDER_REJECTED),
    )
    bad_key = Answer(401, json={"detail": "No user found for Key ID and Secret"})
    broke = Answer(403, json={"detail": "User is locked. Reason: Exhausted balance."})
    signer = signs(1)
    successor = signs(2)


async def asked(order: Call, answer: Answer = TestFal.accepted) -> tuple[httpx.Request, dict[str, Any]]:
    stage = Stage(Fal)
    await stage.submit(order, answer)
    return stage.requests[0], orjson.loads(stage.requests[0].content)


async def follow(*answers: Answer, order: Call = PICTURE, accepted: Answer = TestFal.accepted) -> Stage:
    """Submit and poll once."""
    stage = Stage(Fal)
    reference = await stage.accepted(order, accepted)
    await stage.poll(reference, *answers)
    return stage


async def result(body: Any) -> Done:
    stage = Stage(Fal)
    done = await stage.poll(await stage.accepted(PICTURE, TestFal.accepted), COMPLETED, Answer(json=body))
    assert isinstance(done, Done)
    return done


async def fault_of(*answers: Answer) -> ProviderError:
    """Of a poll."""
    stage = Stage(Fal)
    reference = await stage.accepted(PICTURE, TestFal.accepted)
    return await stage.fault(stage.poll(reference, *answers))


# --- what it is asked


async def test_a_picture_of_a_size_in_pixels() -> None:
    request, body = await asked(PICTURE)
    assert (request.method, str(request.url)) == ("POST", "https://queue.fal.run/fal-ai/flux/dev")
    assert request.headers["authorization"] == f"Key {SECRET}"
    assert body == {
        "prompt": "a slate hut",
        "image_size": {"width": 992, "height": 768},
        "num_inference_steps": 28,
        "guidance_scale": 3.5,
        "seed": 31,
        "num_images": 2,
        "output_format": "jpeg",
    }


async def test_a_picture_of_a_preset_size_where_the_row_has_those() -> None:
    row = Offer(
        "text_to_image",
        "flux-dev",
        "By presets",
        path="fal-ai/flux/dev",
        parameters={"prompt": "prompt", "image_size": "image_size"},
        limits=Limits(sizes=((1024, 1024), (1024, 576), (1000, 300))),
    )
    sizes = []
    for width, height in ((2000, 2000), (1920, 1080), (1400, 400)):
        order = replace(PICTURE, offer=row, params={**PICTURE.params, "width": width, "height": height})
        sizes.append((await asked(order))[1]["image_size"])
    assert sizes == ["square_hd", "landscape_16_9", {"width": 1000, "height": 300}]


async def test_a_picture_by_aspect_ratio_where_the_row_has_those() -> None:
    order = call("text_to_image", "flux-1.1-pro-ultra", prompt="a", width=1920, height=1080, seed=1)
    request, body = await asked(order)
    assert request.url.path == "/fal-ai/flux-pro/v1.1-ultra"
    assert body == {"prompt": "a", "aspect_ratio": "16:9", "seed": 1}


async def test_a_variant_is_of_its_images_size_and_webp_is_not_made_there() -> None:
    request, body = await asked(VARIANT)
    assert request.url.path == "/fal-ai/flux/dev/image-to-image"
    assert b64decode(body.pop("image_url").removeprefix("data:image/png;base64,")) == PIXEL
    assert body == {"prompt": "in winter", "strength": 0.75, "seed": 7, "num_images": 1, "output_format": "png"}


async def test_a_mask_goes_out_as_it_is_white_is_repainted_there_too() -> None:
    order = replace(REPAINT, files={"image": PIXEL, "mask": PIXEL + b"white"})
    request, body = await asked(order)
    assert request.url.path == "/fal-ai/flux-pro/v1/fill"
    assert b64decode(body.pop("mask_url").partition(",")[2]) == order.files["mask"]
    assert b64decode(body.pop("image_url").partition(",")[2]) == PIXEL
    assert body == {"prompt": "a vase", "seed": 2}


@pytest.mark.parametrize(
    ("order", "path", "rest"),
    [
        (CUT_OUT, "/fal-ai/birefnet", {}),
        (replace(CUT_OUT, model="bria-rmbg"), "/fal-ai/bria/background/remove", {}),
        (UPSCALE, "/fal-ai/esrgan", {"scale": 4, "output_format": "png"}),
    ],
)
async def test_tools_take_an_image(order: Call, path: str, rest: dict[str, Any]) -> None:
    request, body = await asked(order)
    assert request.url.path == path
    assert body.pop("image_url").startswith("data:image/png;base64,")
    assert body == rest


async def test_it_calls_us_when_the_job_has_ended() -> None:
    address = "https://backlot.test/callbacks/1?proof=a&b=c"
    request, _ = await asked(replace(PICTURE, callback_url=address))
    assert dict(request.url.params) == {"fal_webhook": address}


# --- where its jobs are


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (QUEUED, f"/fal-ai/flux/requests/{JOB}"),
        (QUEUED | {"response_url": "https://queue.fal.run/other/place/7"}, "/other/place/7"),
        (QUEUED | {"response_url": f"https://evil.example/fal-ai/flux/requests/{JOB}"}, f"/fal-ai/flux/requests/{JOB}"),
        (QUEUED | {"response_url": f"https://queue.fal.run.evil.example/{JOB}"}, f"/fal-ai/flux/requests/{JOB}"),
        (QUEUED | {"response_url": f"{URL}?a=b"}, f"/fal-ai/flux/requests/{JOB}"),
        (QUEUED | {"response_url": None}, f"/fal-ai/flux/requests/{JOB}"),
        ({"request_id": JOB}, f"/fal-ai/flux/requests/{JOB}"),
    ],
)
async def test_a_job_is_where_it_says_on_this_host_else_where_it_is_known_to_be(
    answer: dict[str, Any], path: str
) -> None:
    stage = await follow(*TestFal.done, accepted=Answer(json=answer))
    assert [str(request.url) for request in stage.requests[1:]] == [
        f"https://queue.fal.run{path}/status",
        f"https://queue.fal.run{path}",
    ]


@pytest.mark.parametrize(
    "answer",
    [{"request_id": "a/../b"}, {"request_id": ""}, {"request_id": 7}, {"response_url": "https://evil.example"}],
)
async def test_a_job_without_a_usable_place_may_have_been_accepted(answer: dict[str, Any]) -> None:
    stage = Stage(Fal)
    fault = await stage.fault(stage.submit(PICTURE, Answer(json=answer)))
    assert not isinstance(fault, Transient | Rejected)


# --- what it answers


async def test_pictures_and_their_seed() -> None:
    done = await result(RESULT | {"images": [picture(1), picture(2)], "has_nsfw_concepts": [False, False]})
    assert [(one.url, one.seed) for one in done.outputs] == [(f"{LINK}?1", 31), (f"{LINK}?2", 31)]
    assert done.cost_microusd is None


async def test_tools_answer_with_one_image_which_may_be_a_data_uri() -> None:
    done = await result({"image": {"url": "data:image/png;base64,iVBORw=="}, "mask_image": picture()})
    assert [(one.content, one.seed) for one in done.outputs] == [(b"\x89PNG", None)]


async def test_what_it_blackened_is_no_result() -> None:
    done = await result(RESULT | {"images": [picture(1), picture(2)], "has_nsfw_concepts": [True, False]})
    assert [one.url for one in done.outputs] == [f"{LINK}?2"]


@pytest.mark.parametrize("flags", [[True], True, [True, False]])
async def test_where_all_was_blackened_the_content_is_refused(flags: Any) -> None:
    fault = await fault_of(COMPLETED, Answer(json=RESULT | {"has_nsfw_concepts": flags}))
    assert (type(fault), fault.code) == (Rejected, ErrorCode.CONTENT_REJECTED)


@pytest.mark.parametrize("flags", [None, [], [None], "odd", {"a": 1}, [False, True]])
async def test_other_flags_are_none(flags: Any) -> None:
    assert len((await result(RESULT | {"has_nsfw_concepts": flags, "seed": "odd"})).outputs) == 1


@pytest.mark.parametrize(
    "body", [{}, [], None, "x", {"images": None}, {"images": [None]}, {"images": [{"url": 4}]}, {"image": []}]
)
async def test_a_result_that_makes_no_sense_is_asked_for_again(body: Any) -> None:
    assert type(await fault_of(COMPLETED, Answer(json=body))) is Transient


# --- jobs that failed: completed too


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (COMPLETED, invalid("content_policy_violation", "body", "prompt"), ErrorCode.CONTENT_REJECTED),
        (FAILED, invalid("content_policy_violation", "body", "prompt"), ErrorCode.CONTENT_REJECTED),
        (COMPLETED, invalid("greater_than", "body", "num_images"), ErrorCode.PROVIDER_REJECTED),
        (FAILED, Answer(500, json={"detail": "Internal Server Error"}), ErrorCode.PROVIDER_UNAVAILABLE),
        (FAILED, Answer(504, content=b""), ErrorCode.PROVIDER_UNAVAILABLE),
        (FAILED, Answer(json={"detail": "odd"}), ErrorCode.PROVIDER_UNAVAILABLE),
        (
            COMPLETED,
            Answer(500, json=None, headers={"x-fal-error-type": "runner_error"}),
            ErrorCode.PROVIDER_UNAVAILABLE,
        ),
        (
            Answer(json={"status": "COMPLETED", "error_type": "content_policy_violation"}),
            Answer(500, json=None),
            ErrorCode.CONTENT_REJECTED,
        ),
    ],
    ids=str,
)
async def test_a_job_that_failed_is_not_asked_for_again(status: Answer, answer: Answer, code: ErrorCode) -> None:
    fault = await fault_of(status, answer)
    assert (type(fault), fault.code) == (JobFailed if code == ErrorCode.PROVIDER_UNAVAILABLE else Rejected, code)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(502, content=b"<html>Bad Gateway</html>"),
        Answer(400, json={"detail": "Request is still in progress"}),
        Answer(fails=httpx.ReadTimeout("silent")),
    ],
    ids=str,
)
async def test_a_result_that_did_not_come_is_asked_for_again(answer: Answer) -> None:
    assert type(await fault_of(COMPLETED, answer)) is Transient


async def test_a_field_that_is_refused_is_named_if_it_is_a_name() -> None:
    stage = Stage(Fal)
    named = await stage.fault(stage.submit(PICTURE, invalid("greater_than", "body", "num_images")))
    odd = await stage.fault(stage.submit(PICTURE, invalid("greater_than", "body", "https://fal.ai")))
    assert named.message.endswith("(num_images).")
    assert odd.message.endswith("422.")


# --- cancel and probe


async def cancel(answer: Answer) -> httpx.Request:
    stage = Stage(Fal)
    reference = await stage.accepted(PICTURE, TestFal.accepted)
    stage._answers = [answer]
    await stage.provider.cancel(reference)
    return stage.requests[-1]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(202, json={"status": "CANCELLATION_REQUESTED"}),
        Answer(400, json={"status": "ALREADY_COMPLETED"}),
        Answer(404, json={"detail": "Request not found"}),
    ],
    ids=str,
)
async def test_a_job_is_stopped_whether_it_has_ended_or_not(answer: Answer) -> None:
    request = await cancel(answer)
    assert (request.method, str(request.url)) == ("PUT", f"{URL}/cancel")


async def test_a_cancel_that_did_not_get_through_is_told() -> None:
    with pytest.raises(Transient):
        await cancel(Answer(503, content=b""))
    with pytest.raises(KeyRefused):
        await cancel(TestFal.bad_key)


async def test_a_key_is_good_where_nobodys_job_is_said_not_to_be_there() -> None:
    stage = Stage(Fal)
    health = await stage.probe(Answer(404, json={"detail": "Request not found"}))
    assert health.is_healthy
    assert stage.requests[0].method == "GET"
    assert not (await stage.probe(TestFal.broke)).is_healthy


# --- what it signs


async def test_its_keys_are_public_and_asked_for_without_ours() -> None:
    stage = Stage(Fal)
    one = TestFal.signer
    assert await stage.verify(one.callback(), one.told) == JOB
    [request] = stage.requests
    assert (request.method, request.url) == ("GET", KEY_SET)
    assert "authorization" not in request.headers
    assert SECRET not in str(request.headers)


async def test_its_keys_may_be_had_elsewhere() -> None:
    urls = {"fal": "http://127.0.0.1:9000/fal", "fal-keys": "http://127.0.0.1:9000/keys.json"}
    asked: list[str] = []

    def give(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return TestFal.signer.told.give(request)

    settings = Settings(_env_file=None, providers=Providers(urls=urls))  # type: ignore[call-arg]
    vendor = Fal(settings, client=httpx.AsyncClient(transport=httpx.MockTransport(give)))
    assert await vendor.verify(TestFal.signer.callback()) == JOB
    assert asked == [urls["fal-keys"]]


async def test_any_key_of_the_set_will_do_and_others_are_passed_over() -> None:
    [key] = TestFal.signer.told.json["keys"]
    others = [{"kty": "RSA", "n": "AQAB"}, None, {**key, "x": "AAAA"}, {**key, "x": "é"}, *signs(3).told.json["keys"]]
    told = Answer(json={"keys": [*others, key]})
    assert await Stage(Fal).verify(TestFal.signer.callback(), told) == JOB


@pytest.mark.parametrize("keys", [[], {}, None, [{"kty": "RSA"}], [{"kty": "OKP", "crv": "Ed25519", "x": ""}]])
async def test_a_set_without_a_usable_key_tells_nothing(keys: Any) -> None:
    stage = Stage(Fal)
    fault = await stage.fault(stage.verify(TestFal.signer.callback(), Answer(json={"keys": keys})))
    assert type(fault) is Transient
