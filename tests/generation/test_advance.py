"""What becomes of a task, whatever the provider and the worker do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from app.generation import advance, files, service
from app.ledger.verify import verify
from app.providers.base import Accepted, Done, ErrorCode, Offer, Output, Rejected, Running, Transient, Unknown
from app.providers.catalog import Catalog
from tests.generation.conftest import Stage
from tests.generation.scripted import done, png

UNAVAILABLE = Transient(ErrorCode.PROVIDER_UNAVAILABLE, "down")


async def test_a_task_that_is_done_is_charged_once_and_told(stage: Stage) -> None:
    stage.first.script = [done()]
    task_id = await stage.order()
    assert await stage.credits() == (9, 1, 0)
    task = await stage.advance(task_id)
    assert task.status == "succeeded"
    assert len(task.outputs) == 1
    assert (task.progress, task.provider, task.credits.charged) == (1.0, "scripted", 1_000_000)
    assert await stage.credits() == (9, 0, 1)
    assert await stage.events(task_id) == ["task.created", "task.started", "task.succeeded"]
    assert [attempt.status for attempt in task.attempts] == ["succeeded"]


async def test_looking_again_at_an_ended_task_does_nothing(stage: Stage) -> None:
    stage.first.script = [done()]
    task_id = await stage.order()
    await stage.advance(task_id)
    await stage.advance(task_id)
    assert len(stage.first.calls) == 1


async def test_two_workers_at_once_make_one_call(stage: Stage) -> None:
    stage.first.script = [0.2, done()]
    task_id = await stage.order()
    await asyncio.gather(*(advance.advance_task(stage.engine, task_id) for _ in range(5)))
    assert len(stage.first.calls) == 1
    assert (await stage.read(task_id)).status == "succeeded"


async def test_a_partial_result_is_charged_in_part(stage: Stage) -> None:
    stage.first.script = [done(2)]
    task_id = await stage.order("replace_background", input={"num_images": 4})
    assert await stage.credits() == (6, 4, 0)
    task = await stage.advance(task_id)
    assert (task.status, len(task.outputs), task.credits.charged) == ("succeeded", 2, 2_000_000)
    assert await stage.credits() == (8, 0, 2)


async def test_more_results_than_ordered_cost_no_more(stage: Stage) -> None:
    stage.first.script = [done(3)]
    task = await stage.advance(await stage.order())
    assert task.credits.charged == 1_000_000


async def test_a_rejection_ends_the_task_and_costs_nothing(stage: Stage) -> None:
    stage.first.script = [Rejected(ErrorCode.CONTENT_REJECTED, "not nice")]
    task_id = await stage.order()
    task = await stage.advance(task_id)
    assert task.status == "failed"
    assert task.error is not None
    assert (task.error.code, task.error.retryable, task.error.provider) == ("content_rejected", False, "scripted")
    assert await stage.credits() == (10, 0, 0)
    assert (await stage.events(task_id))[-1] == "task.failed"
    assert stage.second.calls == []


async def test_a_passing_fault_is_tried_again_up_to_three_times_then_elsewhere(stage: Stage) -> None:
    stage.first.script = [UNAVAILABLE] * 3
    stage.second.script = [done()]
    task_id = await stage.order()
    assert (await stage.advance(task_id)).status == "processing"
    assert (await stage.advance(task_id)).status == "processing"
    task = await stage.advance(task_id)
    assert (task.status, task.provider) == ("succeeded", "second")
    assert [(one.provider, one.status) for one in task.attempts] == [("scripted", "failed")] * 3 + [
        ("second", "succeeded")
    ]
    assert await stage.credits() == (9, 0, 1)


async def test_without_fallback_nobody_else_is_asked(stage: Stage) -> None:
    stage.first.script = [UNAVAILABLE] * 3
    task_id = await stage.order(routing={"fallback": False})
    for _ in range(3):
        task = await stage.advance(task_id)
    assert (task.status, stage.second.calls) == ("failed", [])
    assert await stage.credits() == (10, 0, 0)


async def test_a_provider_out_of_quota_is_not_asked_again(stage: Stage) -> None:
    stage.first.script = [Transient(ErrorCode.PROVIDER_QUOTA, "no money")]
    stage.second.script = [done()]
    task = await stage.advance(await stage.order())
    assert (task.status, task.provider, len(stage.first.calls)) == ("succeeded", "second", 1)


async def test_retry_after_is_honoured(stage: Stage) -> None:
    stage.first.script = [Transient(ErrorCode.PROVIDER_UNAVAILABLE, "busy", retry_after=30)]
    task_id = await stage.order()
    await stage.advance(task_id)
    row = await stage.row(task_id)
    assert row.started_at is not None
    assert (row.wake_at - row.started_at).total_seconds() > 25
    await advance.advance_task(stage.engine, task_id)
    assert len(stage.first.calls) == 1


async def test_a_bug_in_an_adapter_is_a_failure_not_a_loss(stage: Stage) -> None:
    def crash() -> None:
        raise KeyError("oops")

    stage.first.is_repeatable = True
    stage.first.script = [crash] * 3  # type: ignore[list-item]
    task_id = await stage.order()
    for _ in range(3):
        task = await stage.advance(task_id)
    assert task.status == "failed"
    assert task.error is not None
    assert (task.error.code, "oops" in task.error.message) == ("internal", False)
    assert await stage.credits() == (10, 0, 0)


SPOILT = Done([Output(content=b"<html>sorry</html>")])


async def test_a_result_that_is_no_image_is_not_delivered(stage: Stage) -> None:
    stage.first.is_repeatable = True
    stage.first.script = [SPOILT, Done([Output(content=png()[:40])]), done()]
    task_id = await stage.order()
    assert (await stage.advance(task_id)).attempts[0].error.code == "provider_unavailable"  # type: ignore[union-attr]
    await stage.advance(task_id)
    assert (await stage.advance(task_id)).status == "succeeded"
    assert await stage.credits() == (9, 0, 1)


@pytest.mark.parametrize("spoilt", [SPOILT, Done([]), Done([Output(url="https://192.0.2.1/gone.png")])])
async def test_a_result_that_cannot_be_used_is_not_bought_there_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, spoilt: Done
) -> None:
    monkeypatch.setattr(files, "PAUSE_SECONDS", 0.01)
    stage.first.script, stage.second.script = [replace(spoilt, cost_microusd=30)], [done()]
    task_id = await stage.order()
    task = await stage.advance(task_id)
    assert (task.status, task.provider, len(stage.first.calls)) == ("succeeded", "second", 1)
    assert [one.cost_microusd for one in (await stage.row(task_id)).attempts] == [30, 40]
    stage.first.script = [spoilt]
    task = await stage.advance(await stage.order(routing={"fallback": False}))
    assert task.error is not None
    assert (task.status, task.error.code, task.error.retryable) == ("failed", "provider_unavailable", True)
    assert len(stage.first.calls) == 2
    assert await stage.credits() == (9, 0, 1)


async def test_a_dead_link_of_a_job_is_asked_for_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Done([Output(url="https://192.0.2.1/gone.png")])
    stage.first.script = [Accepted("job-1"), gone, done()]
    task_id = await stage.order()
    await stage.advance(task_id)
    assert (await stage.advance(task_id)).status == "succeeded"
    assert (len(stage.first.calls), stage.first.polls) == (1, ["job-1", "job-1"])


async def test_a_job_id_puts_the_task_to_sleep_until_it_is_polled(stage: Stage) -> None:
    stage.first.script = [Accepted("job-1"), Running(0.5), done()]
    task_id = await stage.order()
    task = await stage.advance(task_id)
    assert (task.status, task.attempts[0].status) == ("processing", "accepted")
    assert (await stage.advance(task_id)).status == "processing"
    assert (await stage.advance(task_id)).status == "succeeded"
    assert (stage.first.polls, len(stage.first.calls)) == (["job-1", "job-1"], 1)


async def test_a_failed_poll_is_no_failed_job(stage: Stage) -> None:
    stage.first.script = [Accepted("job-1"), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, done()]
    task_id = await stage.order()
    for _ in range(5):
        assert (await stage.advance(task_id)).status == "processing"
    assert (await stage.advance(task_id)).status == "succeeded"
    assert len(stage.first.calls) == 1


async def test_the_provider_gets_our_reference_and_the_files(stage: Stage) -> None:
    stage.first.script = [done()]
    await stage.advance(await stage.order())
    [call] = stage.first.calls
    assert call.reference.startswith("att_")
    assert call.files["image"].startswith(b"\xff\xd8")
    assert call.params["scale"] == 2


async def _die_in_the_call(stage: Stage) -> UUID:
    """A worker that vanishes while the provider works: no code of its runs any more."""
    task_id = await stage.order()
    stage.first.script = [60.0, done()]
    work = asyncio.create_task(advance.advance_task(stage.engine, task_id))
    while not stage.first.calls:
        await asyncio.sleep(0.01)
    advance_hand_over = advance._hand_over

    async def nothing(*_: object) -> None:
        return None

    advance._hand_over = nothing  # type: ignore[assignment]
    work.cancel()
    await asyncio.wait([work])
    advance._hand_over = advance_hand_over
    return task_id


async def test_after_a_crash_in_house_work_is_done_again(stage: Stage) -> None:
    stage.first.is_repeatable = True
    task_id = await _die_in_the_call(stage)
    stage.first.script = [done()]
    await stage.advance(task_id)
    task = await stage.advance(task_id)
    assert (task.status, [one.status for one in task.attempts]) == ("succeeded", ["failed", "succeeded"])
    assert await stage.credits() == (9, 0, 1)


async def test_after_a_crash_a_paid_call_is_asked_for_and_never_sent_again(stage: Stage) -> None:
    task_id = await _die_in_the_call(stage)
    stage.first.found = [Accepted("job-9")]
    stage.first.script = [done()]
    await stage.advance(task_id)
    assert (await stage.advance(task_id)).status == "succeeded"
    assert (len(stage.first.calls), stage.first.polls) == (1, ["job-9"])


async def test_an_outcome_nobody_knows_is_reconciled_then_given_up(stage: Stage) -> None:
    stage.first.script = [Unknown(ErrorCode.PROVIDER_TIMEOUT, "no answer")]
    task_id = await stage.order()
    task = await stage.advance(task_id)
    assert (task.status, task.attempts[0].status) == ("reconciling", "unknown")
    assert await stage.credits() == (9, 1, 0)
    assert (await stage.advance(task_id)).status == "reconciling"
    await stage.leave(task_id, seconds=0)
    task = await stage.advance(task_id)
    assert task.status == "failed"
    assert task.error is not None
    assert task.error.code == "provider_timeout"
    assert len(stage.first.calls) == 1
    assert stage.second.calls == []
    assert await stage.credits() == (10, 0, 0)


async def test_what_was_surely_not_accepted_is_sent_again(stage: Stage) -> None:
    task_id = await _die_in_the_call(stage)
    stage.first.found, stage.first.script = [Transient(ErrorCode.PROVIDER_UNAVAILABLE, "never heard of it")], [done()]
    await stage.advance(task_id)
    assert (await stage.advance(task_id)).status == "succeeded"
    assert (len(stage.first.calls), len(stage.first.asked)) == (2, 1)


async def test_a_provider_that_is_not_enabled_any_more_may_have_accepted(stage: Stage) -> None:
    task_id = await _die_in_the_call(stage)
    providers = dict(stage.engine.catalog.providers)
    del providers["scripted"]
    engine = replace(stage.engine, catalog=Catalog(providers, ["second"]))
    await stage.make_due(task_id)
    await advance.advance_task(engine, task_id)
    assert (await stage.read(task_id)).status == "reconciling"
    assert stage.second.calls == []


PRESET = {"num_images": 3}
THREE = Offer("replace_background", "one", "One", steps=("remove_background", "background", "composite"))


async def _three_composites(stage: Stage) -> UUID:
    """A task whose next step is three calls."""
    stage.first.sells = [THREE]
    task_id = await stage.order("replace_background", input=PRESET)
    stage.first.script = [done(), done(3), Rejected(ErrorCode.PROVIDER_REJECTED, "no")]
    assert (await stage.advance(task_id)).status == "failed"
    async with stage.database.transaction() as session:
        await service.retry_task(session, stage.engine.settings, stage.caller, task_id)
    stage.first.calls.clear()
    return task_id


async def test_each_call_of_a_step_is_an_attempt_with_a_reference_of_its_own(stage: Stage) -> None:
    task_id = await _three_composites(stage)
    stage.first.script = [done(), done(), done()]
    task = await stage.advance(task_id)
    assert (task.status, len(task.outputs), task.credits.charged) == ("succeeded", 3, 3_000_000)
    assert len({call.reference for call in stage.first.calls}) == 3
    assert [(one.part, len(one.asset_ids)) for one in (await stage.row(task_id)).attempts[-3:]] == [
        (0, 1),
        (1, 1),
        (2, 1),
    ]


async def test_a_crash_between_the_calls_of_a_step_repeats_none(stage: Stage) -> None:
    task_id = await _three_composites(stage)
    stage.first.script = [done(), Transient(ErrorCode.PROVIDER_UNAVAILABLE, "busy"), done(), done()]
    assert (await stage.advance(task_id)).status == "processing"
    task = await stage.advance(task_id)
    assert (task.status, len(task.outputs), len(stage.first.calls)) == ("succeeded", 3, 4)


async def test_calls_of_one_step_may_all_be_jobs(stage: Stage) -> None:
    task_id = await _three_composites(stage)
    stage.first.script = [Accepted("a"), done(), Accepted("b"), done(), done()]
    for _ in range(2):
        assert (await stage.advance(task_id)).status == "processing"
    task = await stage.advance(task_id)
    assert (task.status, len(task.outputs), stage.first.polls) == ("succeeded", 3, ["a", "b"])


async def test_an_unknown_outcome_found_later_is_delivered(stage: Stage) -> None:
    stage.first.script = [Unknown(ErrorCode.PROVIDER_TIMEOUT, "no answer")]
    task_id = await stage.order()
    await stage.advance(task_id)
    stage.first.found = [done()]
    assert (await stage.advance(task_id)).status == "succeeded"
    assert await stage.credits() == (9, 0, 1)


async def test_a_task_past_its_deadline_fails_and_costs_nothing(stage: Stage) -> None:
    stage.first.script = [5.0, done()]
    task_id = await stage.order()
    await advance.advance_task(stage.with_settings(image_deadline_seconds=0.3), task_id)
    task = await stage.read(task_id)
    assert task.status == "failed"
    assert task.error is not None
    assert task.error.code == "deadline_exceeded"
    assert await stage.credits() == (10, 0, 0)


async def test_a_cancel_in_the_middle_wins_over_the_result(stage: Stage) -> None:
    stage.first.script = [1.5, done()]
    task_id = await stage.order()
    work = asyncio.create_task(advance.advance_task(stage.engine, task_id))
    while not stage.first.calls:
        await asyncio.sleep(0.01)
    async with stage.database.transaction() as session:
        await service.cancel_task(session, stage.caller, task_id)
    await work
    task = await stage.read(task_id)
    assert (task.status, task.outputs, task.steps[0].status) == ("canceled", [], "canceled")
    assert await stage.credits() == (10, 0, 0)
    assert (await stage.events(task_id))[-1] == "task.canceled"


async def test_a_canceled_job_is_canceled_at_the_provider_too(stage: Stage) -> None:
    stage.first.script = [Accepted("job-1")]
    task_id = await stage.order()
    await stage.advance(task_id)
    async with stage.database.transaction() as session:
        task = await service.cancel_task(session, stage.caller, task_id)
    await advance.cancel_at_provider(stage.engine, task.attempts[0].id)
    assert stage.first.canceled == ["job-1"]


async def test_a_late_worker_cannot_write(stage: Stage) -> None:
    """The first worker sleeps past its lease; another finishes; the first one's result changes nothing."""
    stage.first.script = [0.5, done(), done()]
    stage.first.is_repeatable = True
    task_id = await stage.order()
    slow = asyncio.create_task(advance.advance_task(stage.engine, task_id))
    while not stage.first.calls:
        await asyncio.sleep(0.01)
    stage.first.script.insert(0, done())
    await stage.advance(task_id)
    await stage.advance(task_id)
    await slow
    task = await stage.read(task_id)
    assert (task.status, len(task.outputs)) == ("succeeded", 1)
    assert await stage.credits() == (9, 0, 1)


async def test_a_retry_holds_again_and_goes_on_at_the_failed_step(stage: Stage) -> None:
    stage.first.script = [Rejected(ErrorCode.PROVIDER_REJECTED, "no"), done()]
    task_id = await stage.order()
    assert (await stage.advance(task_id)).status == "failed"
    async with stage.database.transaction() as session:
        await service.retry_task(session, stage.engine.settings, stage.caller, task_id)
        session.info.pop("outbox", None)
    assert await stage.credits() == (9, 1, 0)
    task = await stage.advance(task_id)
    assert (task.status, task.error) == ("succeeded", None)
    assert await stage.credits() == (9, 0, 1)


async def test_an_input_deleted_meanwhile_is_a_clear_failure(stage: Stage) -> None:
    task_id = await stage.order()
    image = (await stage.read(task_id)).input["image"]
    assert (await stage.account.live.delete(f"/v1/assets/{image}")).status_code == 204
    task = await stage.advance(task_id)
    assert task.error is not None
    assert (task.status, task.error.code) == ("failed", "invalid_image")


@pytest.fixture(autouse=True)
async def _the_books_are_right(stage: Stage) -> AsyncIterator[None]:
    yield
    async with stage.database.transaction() as session:
        assert await verify(session) == []


async def test_metadata_of_any_size_disturbs_nobody(stage: Stage) -> None:
    """What is recorded together with others' is written as JSON again; not every writer of it knows large numbers."""
    stage.first.script = [done()]
    task_id = await stage.order(metadata={"big": 10**40, "small": -(10**40)})
    task = await stage.advance(task_id)
    assert (task.status, task.metadata) == ("succeeded", {"big": 10**40, "small": -(10**40)})
