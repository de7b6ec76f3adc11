"""The sandbox provider: valid pictures, always the same, and every way to misbehave; nothing is kept anywhere."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.ids import encode, new_id
from app.core.settings import Settings
from app.providers.adapters.local import Local
from app.providers.adapters.sandbox import Sandbox
from app.providers.adapters.sandbox.scenarios import SCENARIOS
from app.providers.base import (
    Accepted,
    Call,
    Done,
    ErrorCode,
    Offer,
    Provider,
    ProviderError,
    Rehearses,
    Rejected,
    Running,
    Transient,
    Unknown,
    UnknownScenario,
)
from tests.providers import pictures

SETTINGS = Settings(_env_file=None)
OFFER = Offer("text_to_image", "sandbox", "Rehearsal", seconds=0.1)


class Clock:
    """The sandbox's clock, moved by hand."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(clock, "now", moved)
    return moved


@pytest.fixture(autouse=True)
def _nothing_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_: float) -> None:
        return None

    monkeypatch.setattr("app.providers.adapters.sandbox.provider.sleep", nothing)


def call(scenario: str = "", operation: str = "text_to_image", **params: Any) -> Call:
    model = f"sandbox:{scenario}" if scenario else "sandbox"
    files = {} if operation == "text_to_image" else {"image": b"a"}
    return Call(operation, model, {"prompt": "a"} | params, files, encode("att", new_id()))


async def outcome(scenario: str, **params: Any) -> Any:
    """What a new sandbox answers or raises."""
    try:
        return await Sandbox(SETTINGS).submit(call(scenario, **params))
    except ProviderError as fault:
        return fault


async def answered(operation: str, files: dict[str, bytes] | None = None, **params: Any) -> list[bytes]:
    done = await Sandbox(SETTINGS).submit(Call(operation, "sandbox", params, files or {"image": b"a"}))
    assert isinstance(done, Done)
    return [output.content or b"" for output in done.outputs]


def test_it_offers_what_local_offers_and_what_models_make() -> None:
    sandbox = Sandbox(SETTINGS)

    assert isinstance(sandbox, Provider)
    assert isinstance(sandbox, Rehearses)
    offered = {(offer.operation, offer.steps) for offer in sandbox.offers}
    assert offered == {(offer.operation, offer.steps) for offer in Local.offers} | {
        (operation, (operation,))
        for operation in ("text_to_image", "image_to_image", "inpaint", "outpaint", "edit_image")
    }
    assert {offer.model for offer in sandbox.offers} == {"sandbox"}


@pytest.mark.parametrize(
    "operation", ["remove_background", "background", "composite", "transform_image", "upscale", "text_to_image"]
)
async def test_every_step_gives_the_same_picture_for_the_same_order(operation: str) -> None:
    first = await answered(operation, prompt="a", seed=1, output_format="jpeg")

    assert first == await answered(operation, prompt="a", seed=1, output_format="jpeg")
    assert first != await answered(operation, prompt="a", seed=2, output_format="jpeg")
    assert first != await answered(operation, {"image": b"b"}, prompt="a", seed=1, output_format="jpeg")
    assert pictures.decoded(first[0]).shape[:2] == (128, 128)


async def test_a_mask_is_grey_and_a_cut_out_transparent() -> None:
    [mask] = await answered("remove_background", only_mask=True)
    [cut] = await answered("remove_background")

    assert set(pictures.decoded(mask).ravel().tolist()) == {0, 255}
    assert pictures.decoded(cut).shape == (128, 128, 4)
    assert set(pictures.decoded(cut)[..., 3].ravel().tolist()) == {0, 255}


@pytest.mark.parametrize("operation", ["background", "text_to_image"])
async def test_several_images_count_the_seed_up(operation: str) -> None:
    order = Call(operation, "sandbox", {"num_images": 3, "seed": 5, "width": 64, "height": 32})
    done = await Sandbox(SETTINGS).submit(order)

    assert isinstance(done, Done)
    assert [output.seed for output in done.outputs] == [5, 6, 7]
    assert len({output.content for output in done.outputs}) == 3
    assert pictures.decoded(done.outputs[0].content).shape == (32, 64, 3)


async def test_large_sizes_are_answered_small() -> None:
    [content] = await answered("background", width=4096, height=1024)

    assert pictures.decoded(content).shape == (32, 128, 3)


async def test_an_unknown_operation_is_rejected() -> None:
    with pytest.raises(Rejected) as error:
        await answered("text_to_video")

    assert error.value.code is ErrorCode.PROVIDER_REJECTED


# --- scenarios


def test_scenarios_are_named_by_the_model_or_in_a_prompt() -> None:
    sandbox = Sandbox(SETTINGS)

    def played(model: str, prompt: str = "a") -> Offer | None:
        return sandbox.rehearse(OFFER, model, {"prompt": prompt, "negative_prompt": None})

    assert played("auto") is None
    assert played("some-model", "a sandbox: with toys") is None
    assert played("sandbox:slow") == replace(OFFER, model="sandbox:slow", seconds=10.1)
    assert played("auto", "a cat, sandbox:slow-7") == replace(OFFER, model="sandbox:slow-7", seconds=7.1)
    assert played("sandbox:reject", "sandbox:slow") == replace(OFFER, model="sandbox:reject")


@pytest.mark.parametrize("word", ["nope", "slow-0", "slow-601", "slow-9999", "fail-503x"])
def test_an_unknown_scenario_is_told_with_those_there_are(word: str) -> None:
    with pytest.raises(UnknownScenario, match=r"fail-500, fail-503.*slow-1 to slow-600") as of_model:
        Sandbox(SETTINGS).rehearse(OFFER, f"sandbox:{word}", {})
    with pytest.raises(UnknownScenario) as of_prompt:
        Sandbox(SETTINGS).rehearse(OFFER, "auto", {"prompt": f"sandbox:{word}"})

    assert (of_model.value.field, of_prompt.value.field) == ("model", "prompt")


@pytest.mark.parametrize(
    ("word", "kind", "code"),
    [
        ("fail-500", Transient, "provider_unavailable"),
        ("fail-503", Transient, "provider_unavailable"),
        ("fail-429", Transient, "provider_unavailable"),
        ("fail-once", Transient, "provider_unavailable"),
        ("timeout-before-accept", Transient, "provider_timeout"),
        ("timeout-after-accept", Unknown, "provider_timeout"),
        ("timeout-lost", Unknown, "provider_timeout"),
        ("reject", Rejected, "content_rejected"),
        ("invalid-image", Rejected, "invalid_image"),
        ("quota", Transient, "provider_quota"),
    ],
)
async def test_refusals_are_of_their_kind(word: str, kind: type[ProviderError], code: str) -> None:
    fault = await outcome(word)

    assert type(fault) is kind
    assert fault.code == code
    assert await outcome(word) is not fault


async def test_too_many_requests_come_with_a_time_to_wait() -> None:
    assert (await outcome("fail-429")).retry_after == 3


async def test_the_second_try_of_what_fails_once_succeeds_in_any_process() -> None:
    order = call("fail-once")
    with pytest.raises(Transient):
        await Sandbox(SETTINGS).submit(order)

    assert isinstance(await Sandbox(SETTINGS).submit(replace(order, attempt=2)), Done)


@pytest.mark.parametrize("word", [word for word, scenario in SCENARIOS.items() if scenario.works is not None])
async def test_a_job_is_worked_on_and_ends_whoever_asks(word: str, time: Clock) -> None:
    if word.startswith("timeout"):
        found = await Sandbox(SETTINGS).find(encode("att", new_id()), f"sandbox:{word}")
        assert found is None
        return
    accepted = await Sandbox(SETTINGS).submit(call(word, num_images=2, seed=4, width=100, height=50))
    assert isinstance(accepted, Accepted)
    seconds = (SCENARIOS[word].works or 0) + (300 if word == "late" else 0)
    if seconds:
        time.move(min(seconds / 2, 2.5))
        assert isinstance(await Sandbox(SETTINGS).poll(accepted.reference), Running)
        time.move(seconds + 4)
    done = await Sandbox(SETTINGS).poll(accepted.reference)

    assert isinstance(done, Done)
    assert [output.seed for output in done.outputs] == [4, 5]
    assert pictures.decoded(done.outputs[0].content).shape == (50, 100, 3)
    assert done == await Sandbox(SETTINGS).poll(accepted.reference)


async def test_a_slow_job_gives_what_an_instant_one_gives(time: Clock) -> None:
    order = call("slow-5", num_images=2, seed=9)
    accepted = await Sandbox(SETTINGS).submit(order)
    assert isinstance(accepted, Accepted)
    time.move(2)
    assert await Sandbox(SETTINGS).poll(accepted.reference) == Running(0.4)
    time.move(3)
    slow = await Sandbox(SETTINGS).poll(accepted.reference)
    quick = await Sandbox(SETTINGS).submit(order.__class__(order.operation, "sandbox", order.params))

    assert slow == quick


async def test_a_late_job_outlasts_the_deadline(time: Clock) -> None:
    accepted = await outcome("late")
    time.move(SETTINGS.tasks.image_deadline_seconds)
    assert isinstance(await Sandbox(SETTINGS).poll(accepted.reference), Running)
    time.move(11)
    assert isinstance(await Sandbox(SETTINGS).poll(accepted.reference), Done)


async def test_polls_fail_now_and_then(time: Clock) -> None:
    accepted = await outcome("poll-errors")
    answers = []
    for _ in range(12):
        try:
            answers.append(type(await Sandbox(SETTINGS).poll(accepted.reference)))
        except Transient as fault:
            answers.append(type(fault))
        time.move(1)

    assert answers == [Running] * 3 + [Transient] * 3 + [Done] * 3 + [Transient] * 3


@pytest.mark.parametrize("reference", ["", "job-1", "sandbox:nope/1/2/g/1/1/1//00", "sandbox:slow/1/2/x/1/1/1//00"])
async def test_a_reference_of_nobody_is_rejected(reference: str) -> None:
    with pytest.raises(Rejected):
        await Sandbox(SETTINGS).poll(reference)


async def test_results_are_spoilt_in_their_way() -> None:
    whole = (await outcome("")).outputs
    [part] = (await outcome("truncated")).outputs
    assert (len(part.content), part.content_type) == (len(whole[0].content) // 2, "image/png")
    [page] = (await outcome("wrong-type")).outputs
    assert (page.content[:9], page.content_type) == (b"<!doctype", "image/png")
    [link] = (await outcome("expired-link")).outputs
    assert (link.content, link.url) == (None, "https://192.0.2.1/expired.png")
    assert (await outcome("empty", num_images=3)).outputs == []
    assert len((await outcome("fewer", num_images=3)).outputs) == 2
    assert len((await outcome("fewer", num_images=1)).outputs) == 1


# --- what became of a call whose answer was lost


async def test_a_job_whose_answer_was_lost_is_found_later_and_ends(time: Clock) -> None:
    reference = encode("att", new_id())
    model = "sandbox:timeout-after-accept"
    time.move(0.5)
    assert await Sandbox(SETTINGS).find(reference, model) is None
    time.move(3)
    found = await Sandbox(SETTINGS).find(reference, model)
    assert isinstance(found, Accepted)
    assert found == await Sandbox(SETTINGS).find(reference, model)
    done = await Sandbox(SETTINGS).poll(found.reference)
    assert isinstance(done, Done)
    assert pictures.decoded(done.outputs[0].content).shape == (128, 128, 3)


async def test_a_slow_job_is_found_by_our_reference_and_is_not_done_early(time: Clock) -> None:
    found = await Sandbox(SETTINGS).find(encode("att", new_id()), "sandbox:slow")
    assert isinstance(found, Accepted)
    assert isinstance(await Sandbox(SETTINGS).poll(found.reference), Running)
    time.move(11)
    assert isinstance(await Sandbox(SETTINGS).poll(found.reference), Done)


async def test_a_lost_job_is_never_found(time: Clock) -> None:
    reference = encode("att", new_id())
    time.move(3600)
    assert await Sandbox(SETTINGS).find(reference, "sandbox:timeout-lost") is None


@pytest.mark.parametrize("model", ["sandbox", "sandbox:fail-503", "sandbox:timeout-before-accept", "sandbox:fewer"])
async def test_of_what_is_answered_at_once_no_trace_is_kept(model: str) -> None:
    """Transient with nothing accepted: the engine may send it again."""
    with pytest.raises(Transient):
        await Sandbox(SETTINGS).find(encode("att", new_id()), model)
