"""What a task looks like to its owner, and the ETag that tells whether it still does."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from sqlalchemy import text

from app.core.ids import encode
from app.core.wire import dumps
from app.generation import reading, service
from app.generation.models import TaskAttempt
from app.providers.base import ErrorCode, Rejected
from tests.generation.conftest import Stage, parsed
from tests.generation.scripted import done

NO = Rejected(ErrorCode.PROVIDER_REJECTED, "no")


async def shown(stage: Stage, task_id: UUID, etag: str | None = None) -> httpx.Response:
    headers = {"If-None-Match": etag} if etag else {}
    return await stage.account.live.get(f"/v1/tasks/{encode('task', task_id)}", headers=headers)


async def make_pending(stage: Stage) -> UUID:
    return await stage.order(metadata={"sku": "A-17", "big": 10**40, "half": 0.5})


async def make_failed(stage: Stage) -> UUID:
    stage.first.script = [NO]
    task_id = await stage.order()
    await stage.advance(task_id)
    return task_id


async def make_done(stage: Stage) -> UUID:
    stage.first.script = [done(2)]
    task_id = await stage.order("replace_background", input={"num_images": 2})
    for _ in range(4):
        await stage.advance(task_id)
    return task_id


async def make_canceled(stage: Stage) -> UUID:
    task_id = await stage.order()
    async with stage.database.transaction() as session:
        await service.cancel_task(session, stage.caller, task_id)
    return task_id


KINDS = [make_pending, make_failed, make_done, make_canceled]


@pytest.mark.parametrize("make", KINDS)
async def test_every_body_is_as_documented(
    stage: Stage, server: FastAPI, make: Callable[[Stage], Awaitable[UUID]]
) -> None:
    task_id = await make(stage)
    read = (await shown(stage, task_id)).json()
    [listed] = (await stage.account.live.get("/v1/tasks")).json()["data"]
    async with stage.database.transaction() as session:
        task = await service.get_task(session, stage.caller, task_id)
        through_orm = json.loads(dumps(await reading.read(session, stage.engine.assets, task)))
    assert read == listed == through_orm
    assert list(read) == list(through_orm)
    document = server.openapi()
    schema = document["components"]["schemas"]["TaskRead"] | {"components": document["components"]}
    assert [fault.message for fault in Draft202012Validator(schema).iter_errors(read)] == []
    assert set(schema["properties"]) == set(read)
    assert parsed(read).id == task_id


async def test_numbers_of_any_size_are_shown_as_they_were_given(stage: Stage) -> None:
    read = (await shown(stage, await make_pending(stage))).json()
    assert read["metadata"] == {"sku": "A-17", "big": 10**40, "half": 0.5}


async def test_what_has_not_changed_is_not_sent_again(stage: Stage) -> None:
    for make in KINDS:
        task_id = await make(stage)
        first = await shown(stage, task_id)
        again = await shown(stage, task_id, first.headers["etag"])
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert (await shown(stage, task_id, '"another"')).headers["etag"] == first.headers["etag"]


async def run(stage: Stage, statement: str, **values: Any) -> None:
    async with stage.database.transaction() as session:
        await session.execute(text(statement), values)


def asset_path(task: dict[str, Any]) -> str:
    return f"/v1/assets/{task['outputs'][0]['id']}"


async def favorite(stage: Stage, task: dict[str, Any]) -> None:
    await stage.account.live.patch(asset_path(task), json={"favorite": True})


async def note(stage: Stage, task: dict[str, Any]) -> None:
    await stage.account.live.patch(asset_path(task), json={"metadata": {"a": "b"}, "filename": "b.png"})


async def delete(stage: Stage, task: dict[str, Any]) -> None:
    await stage.account.live.delete(asset_path(task))


@pytest.mark.parametrize("change", [favorite, note, delete])
async def test_a_change_of_a_result_is_a_change_of_the_task(
    stage: Stage, change: Callable[[Stage, dict[str, Any]], Awaitable[None]]
) -> None:
    task_id = await make_done(stage)
    before = await shown(stage, task_id)
    await change(stage, before.json())
    after = await shown(stage, task_id, before.headers["etag"])
    assert after.status_code == 200
    assert after.json()["outputs"] != before.json()["outputs"]


async def test_renewed_links_are_a_change(stage: Stage, server: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = await make_done(stage)
    before = await shown(stage, task_id)
    storage = server.state.asset_tools.storage
    monkeypatch.setattr(storage, "_url_seconds", storage._url_seconds + 7)
    after = await shown(stage, task_id, before.headers["etag"])
    assert after.status_code == 200
    assert after.json()["outputs"][0]["urls"] != before.json()["outputs"][0]["urls"]


@pytest.mark.parametrize(
    "change",
    [
        "status = 'processing'",
        "provider = 'second'",
        "balance = balance - 1",
        "estimated_seconds = estimated_seconds + 1",
        'error = \'{"code": "internal", "message": "m", "retryable": true, "provider": null}\'',
        "batch_id = gen_random_uuid()",
        "started_at = now()",
        "completed_at = now()",
        "metadata = '{\"a\": 1}'",
    ],
)
async def test_no_writer_can_forget_to_count_a_visible_change(stage: Stage, change: str) -> None:
    task_id = await make_pending(stage)
    before = await shown(stage, task_id)
    await run(stage, f"update tasks set {change} where id = :id", id=task_id)
    after = await shown(stage, task_id, before.headers["etag"])
    assert after.status_code == 200
    assert after.json() != before.json()


async def test_the_count_never_goes_back(stage: Stage) -> None:
    task_id = await make_pending(stage)
    counts = []
    for change in ("version = 1", "version = 0", "charged = charged", "wake_at = now()", "provider = 'x', version = 5"):
        await run(stage, f"update tasks set {change} where id = :id", id=task_id)
        counts.append((await stage.row(task_id)).version)
    assert counts[0] <= counts[1] == counts[2] == counts[3] < counts[4]


async def test_steps_and_attempts_are_part_of_it(stage: Stage) -> None:
    """Whoever writes them, and whether or not the task's own row is written too."""
    task_id = await make_failed(stage)
    for change in (
        "update task_attempts set status = 'unknown' where task_id = :id",
        "update task_steps set status = 'canceled' where task_id = :id",
        "delete from task_attempts where task_id = :id",
    ):
        before = await shown(stage, task_id)
        await run(stage, change, id=task_id)
        after = await shown(stage, task_id, before.headers["etag"])
        assert (after.status_code, change) == (200, change)
        assert after.json() != before.json()


async def test_a_lease_is_no_change(stage: Stage) -> None:
    task_id = await make_pending(stage)
    before = await shown(stage, task_id)
    await run(
        stage, "update tasks set wake_at = now() + interval '1 hour', fence = fence + 1 where id = :id", id=task_id
    )
    assert (await shown(stage, task_id, before.headers["etag"])).status_code == 304


async def test_an_attempt_is_shown_with_its_step_and_seconds(stage: Stage) -> None:
    task_id = await make_failed(stage)
    [attempt] = (await shown(stage, task_id)).json()["attempts"]
    async with stage.database.transaction() as session:
        [row] = (await session.execute(TaskAttempt.__table__.select().where(TaskAttempt.task_id == task_id))).all()
    assert attempt == {
        "step": "upscale",
        "provider": "scripted",
        "model": row.model,
        "status": "failed",
        "error": {"code": "provider_rejected", "message": "no", "retryable": False, "provider": "scripted"},
        "duration": round((row.ended_at - row.started_at).total_seconds(), 3),
    }
