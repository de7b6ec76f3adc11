"""The Python client, sync and async, against the running server."""

import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from inspect import isawaitable
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from backlot_client import (
    ApiError,
    AsyncBacklot,
    AuthenticationError,
    Backlot,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    RateLimited,
    WaitTimeout,
    aio,
    api,
    client,
)
from backlot_client.models import LinkWanted, MailPromised, Task

from tests.clients.proxy import PROBLEM, Fault, Proxy
from tests.conftest import PHOTOS
from tests.dev_stack import Stack
from tests.embedded.dev import wait_until

pytestmark = [
    pytest.mark.db,
    pytest.mark.xdist_group("clients"),
    pytest.mark.parametrize("kind", [Backlot, AsyncBacklot]),
]
T = TypeVar("T")
Kind = type[Backlot] | type[AsyncBacklot]
PROMPT = {"prompt": "a lighthouse"}


async def given(answer: T | Awaitable[T]) -> T:
    """Of either client. The sync one blocks this process, and nobody else."""
    return await answer if isawaitable(answer) else answer


async def each(stream: Any) -> AsyncIterator[Any]:
    if hasattr(stream, "__aiter__"):
        async for event in stream:
            yield event
    else:
        for event in stream:
            yield event


@pytest.fixture
async def backlot(kind: Kind, stack: Stack) -> AsyncIterator[Any]:
    made = kind(stack.ready["url"], stack.ready["test_api_key"])
    yield made
    await given(made.close())


@pytest.fixture
async def proxied(kind: Kind, stack: Stack, proxy: Proxy) -> AsyncIterator[Any]:
    made = kind(proxy.url, stack.ready["test_api_key"])
    yield made
    await given(made.close())


async def test_an_order_is_run_to_its_end(backlot: Any) -> None:
    seen: list[Task] = []
    task = await given(backlot.run("text_to_image", PROMPT | {"num_images": 2}, on_progress=seen.append))
    assert (task.status, task.credits.charged, task.error) == ("succeeded", 2, None)
    assert len(task.outputs) == 2
    assert task.outputs[0].urls.full.startswith("http")
    assert [seen[0].status, seen[-1].status] == ["pending", "succeeded"]
    assert seen[-1].progress == 1


async def test_a_failed_task_is_given_back_with_its_reason(backlot: Any) -> None:
    task = await given(backlot.run("text_to_image", PROMPT, model="sandbox:reject"))
    assert (task.status, task.error.code, task.error.retryable) == ("failed", "content_rejected", False)
    assert task.credits.charged == 0


async def test_an_order_whose_answer_was_lost_is_one_task_and_one_charge(
    proxied: Any, backlot: Any, proxy: Proxy
) -> None:
    run = uuid4().hex
    proxy.plan("POST /v1/tasks", Fault(lose=True), Fault(lose=True))
    before = (await given(backlot.get_credits())).balance
    task = await given(proxied.run("text_to_image", PROMPT, metadata={"run": run}))
    keys = [headers["idempotency-key"] for headers in proxy.of("POST /v1/tasks")]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    found = await given(backlot.list_tasks(metadata={"run": run}))
    assert [one.id for one in found.data] == [task.id]
    assert (await given(backlot.get_credits())).balance == before - 1
    await given(proxied.create_task("text_to_image", PROMPT))
    assert proxy.of("POST /v1/tasks")[-1]["idempotency-key"] != keys[0]


async def test_a_key_of_the_callers_own_is_sent(proxied: Any, proxy: Proxy) -> None:
    key = f"order-{uuid4().hex}"
    tasks = [await given(proxied.create_task("text_to_image", PROMPT, idempotency_key=key)) for _ in range(2)]
    assert tasks[0].id == tasks[1].id
    assert {headers["idempotency-key"] for headers in proxy.of("POST /v1/tasks")} == {key}


async def test_what_may_not_happen_twice_is_not_sent_again(proxied: Any, proxy: Proxy) -> None:
    call = api.signing_in.forgot_password(body=LinkWanted(email="nobody@example.org"))
    proxy.plan("POST", Fault(lose=True))
    with pytest.raises(ConnectionFailed) as lost:
        await given(proxied.send(call))
    assert lost.value.was_sent
    assert len(proxy.seen) == 1
    # Of these it is known that nothing was done.
    proxy.plan("POST", Fault(answer=(429, {"retry-after": "0"}, b"")))
    assert isinstance(await given(proxied.send(call)), MailPromised)


async def test_it_waits_as_long_as_it_is_told_to(proxied: Any, proxy: Proxy) -> None:
    busy = b'{"code": "idempotency_key_in_flight", "detail": "still running", "status": 409}'
    proxy.plan(
        "GET /v1/credits",
        Fault(answer=(503, {"retry-after": "1", "content-type": PROBLEM}, b'{"code": "dependency_down"}')),
        Fault(answer=(409, {"content-type": PROBLEM}, busy)),
        Fault(answer=(502, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>")),
    )
    began = time.monotonic()
    await given(proxied.get_credits())
    assert time.monotonic() - began > 1
    assert len(proxy.seen) == 4


async def test_it_does_not_wait_for_hours(proxied: Any, proxy: Proxy) -> None:
    proxy.plan("GET", Fault(answer=(429, {"retry-after": "7200"}, b"")))
    with pytest.raises(RateLimited) as told:
        await given(proxied.get_credits())
    assert (told.value.retry_after, told.value.retryable, told.value.code) == (7200, True, "http_429")


async def test_it_gives_up_in_the_end(kind: Kind, proxy: Proxy, stack: Stack) -> None:
    proxied: Any = kind(proxy.url, stack.ready["test_api_key"], max_retries=1)
    proxy.plan("GET", *[Fault(answer=(503, {}, b""))] * 2)
    with pytest.raises(ApiError) as failed:
        await given(proxied.get_credits())
    assert (failed.value.status, len(proxy.seen)) == (503, 2)
    await given(proxied.close())


async def test_problems_are_typed(backlot: Any, kind: Kind, stack: Stack) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        await given(backlot.create_task("text_to_image", PROMPT | {"num_images": 99}))
    assert (invalid.value.status, invalid.value.retryable) == (422, False)
    assert [error.pointer for error in invalid.value.errors] == ["/input/num_images"]
    assert invalid.value.request_id.startswith("req_")
    with pytest.raises(NotFound) as absent:
        await given(backlot.wait_for_task("task_01jcqzm4x8e3v9tk5h2w7d6n0p"))
    assert absent.value.code == "task_not_found"
    stranger: Any = kind(stack.ready["url"], "bk_test_nobody")
    with pytest.raises(AuthenticationError):
        await given(stranger.get_credits())
    await given(stranger.close())
    nobody: Any = kind("http://127.0.0.1:9", "key", max_retries=0)
    with pytest.raises(ConnectionFailed) as away:
        await given(nobody.get_credits())
    assert not away.value.was_sent
    await given(nobody.close())


async def test_a_key_may_come_from_a_function(kind: Kind, stack: Stack) -> None:
    async def key() -> str:
        return str(stack.ready["test_api_key"])

    made: Any = kind(stack.ready["url"], key if kind is AsyncBacklot else lambda: stack.ready["test_api_key"])
    assert (await given(made.get_credits())).balance > 0
    await given(made.close())


async def test_a_photo_is_uploaded_worked_on_and_found(backlot: Any, proxied: Any, proxy: Proxy) -> None:
    proxy.plan("POST /v1/assets", Fault(lose=True))
    asset = await given(proxied.upload_asset(PHOTOS / "coffee.jpg", metadata={"sku": "A-17"}))
    assert (asset.kind, asset.filename, asset.metadata) == ("image", "coffee.jpg", {"sku": "A-17"})
    assert len(proxy.of("POST /v1/assets")) == 2
    again = await given(backlot.upload_asset((PHOTOS / "coffee.jpg").read_bytes(), filename="cup.jpg"))
    assert (again.sha256, again.filename) == (asset.sha256, "cup.jpg")
    with (PHOTOS / "coffee.jpg").open("rb") as file:
        assert (await given(backlot.upload_asset(file))).filename == "coffee.jpg"
    task = await given(backlot.run("remove_background", {"image": asset.id}))
    assert task.status == "succeeded"
    shown = await given(backlot.send(api.assets.get_asset(task.outputs[0].id)))
    assert shown.task_id == task.id


async def test_a_task_that_has_not_changed_is_not_sent_again(backlot: Any) -> None:
    task = await given(backlot.run("text_to_image", PROMPT))
    first, etag = await given(backlot.get_task_if_changed(task.id, None))
    assert first.id == task.id
    assert await given(backlot.get_task_if_changed(task.id, etag)) == (None, etag)
    changed, _ = await given(backlot.get_task_if_changed(task.id, '"another"'))
    assert changed is not None


async def test_waiting_ends_in_time_and_the_task_goes_on(backlot: Any) -> None:
    task = await given(backlot.create_task("text_to_image", PROMPT, model="sandbox:slow-60"))
    began = time.monotonic()
    with pytest.raises(WaitTimeout) as late:
        await given(backlot.wait_for_task(task.id, timeout=1.5))
    assert 1.4 < time.monotonic() - began < 3
    assert late.value.task_id == task.id
    assert (await given(backlot.cancel_task(task.id))).status == "canceled"
    assert (await given(backlot.wait_for_task(task.id))).status == "canceled"


async def test_each_event_of_a_task_comes_once_and_in_order_over_cut_connections(
    backlot: Any, proxied: Any, proxy: Proxy
) -> None:
    asset = await given(backlot.upload_asset(PHOTOS / "coffee.jpg"))
    order = {"image": asset.id, "preset": "wood"}
    task = await given(backlot.run("replace_background", order))
    whole = [(event.id, event.type) async for event in each(backlot.task_events(task.id))]
    assert [type_ for _, type_ in whole][:2] == ["task.created", "task.started"]
    proxy.plan("GET /v1/tasks/.*/events", Fault(cut=1), Fault(answer=(502, {}, b"")), Fault(cut=2))
    told = [(event.id, event.type) async for event in each(proxied.task_events(task.id))]
    assert told == whole
    resumed = [headers.get("last-event-id") for headers in proxy.of("GET")]
    assert resumed[:4] == [None, whole[0][0], whole[0][0], whole[2][0]]
    rest = [event.type async for event in each(backlot.task_events(task.id, last_event_id=whole[-2][0]))]
    assert rest == ["task.succeeded"]
    assert [event.task.status async for event in each(backlot.task_events(task.id))][-1] == "succeeded"


async def test_a_batch_is_followed(backlot: Any) -> None:
    items = [{"input": {"prompt": text}, "filename": text} for text in ("a cat", "a dog, sandbox:reject")]
    batch = await given(backlot.create_batch("text_to_image", items))
    told = [event async for event in each(backlot.batch_events(batch.id))]
    assert told[-1].type == "batch.completed"
    assert (told[-1].batch.summary.succeeded, told[-1].batch.summary.failed) == (1, 1)
    ended = await given(backlot.get_batch(batch.id, wait=5))
    assert sorted(item.status for item in ended.items) == ["failed", "succeeded"]


async def test_where_streams_do_not_pass_requests_are_held(proxied: Any, proxy: Proxy) -> None:
    proxy.plan("GET /v1/tasks/.*/events", Fault(answer=(200, {"content-type": "text/html"}, b"<h1>No</h1>")))
    task = await given(proxied.run("text_to_image", PROMPT, model="sandbox:slow-1"))
    assert task.status == "succeeded"
    assert len(proxy.of("GET /v1/tasks/.*/events")) == 1
    assert len(proxy.of(r"GET /v1/tasks/task_\w+\?wait=")) == 1


async def test_a_silent_stream_is_given_up(proxied: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (aio, client):
        monkeypatch.setattr(module, "SILENCE", 0.5)
    proxy.plan("GET /v1/tasks/.*/events", *[Fault(hush=5)] * 3)
    task = await given(proxied.run("text_to_image", PROMPT, model="sandbox:slow-1"))
    assert task.status == "succeeded"
    assert len(proxy.of(r"GET /v1/tasks/task_\w+\?wait=")) == 1


async def test_waiting_goes_on_over_a_restart_of_the_server(backlot: Any, stack: Stack) -> None:
    task = await given(backlot.create_task("text_to_image", PROMPT, model="sandbox:slow-4"))
    killed = []

    def kill(_: Task) -> None:
        if not killed:
            [pid] = pids(stack)
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    ended = await given(backlot.wait_for_task(task.id, timeout=60, on_progress=kill))
    assert (ended.status, ended.credits.charged) == ("succeeded", 1)
    wait_until(lambda: pids(stack) not in ([], killed))


def pids(stack: Stack) -> list[int]:
    import json

    found: list[int] = json.loads((stack.data / "stack.json").read_text())["pids"]["api"]
    return found
