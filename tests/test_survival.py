"""The promise of durability, on the whole stack as `backlot dev` runs it: kill what you like, the task ends once."""

import asyncio
import signal
from collections.abc import Iterator

import asyncpg
import pytest
from redis import Redis

from tests.dev_stack import WITHIN_SECONDS, Stack

pytestmark = pytest.mark.xdist_group("survival")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("survival") / "data")
    yield stack
    stack.stop()


def _ended_once(stack: Stack, task_id: str) -> None:
    task, seconds = stack.end_of(task_id)
    assert task["status"] == "succeeded", task
    assert seconds < WITHIN_SECONDS
    assert len(task["outputs"]) == 1
    assert stack.charges(task_id) == [-1]
    checked = stack.verify()
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_worker_killed_in_the_middle_of_a_task(stack: Stack) -> None:
    task_id = stack.order()
    stack.wait_until_processing(task_id)
    for worker in stack.workers():
        worker.send_signal(signal.SIGKILL)
    _ended_once(stack, task_id)


def test_valkey_killed_in_the_middle_of_a_task(stack: Stack) -> None:
    task_id = stack.order()
    stack.wait_until_processing(task_id)
    stack.valkey().send_signal(signal.SIGKILL)
    _ended_once(stack, task_id)


def test_everything_in_valkey_flushed_right_after_an_order(stack: Stack) -> None:
    redis = Redis.from_url(stack.ready["redis_url"])
    tasks = []
    for _ in range(2):
        tasks.append(stack.order(scale=2))
        redis.flushall()
    redis.close()
    for task_id in tasks:
        _ended_once(stack, task_id)
    assert stack.api.get("/v1/credits").json()["held"] == 0


def test_worker_and_valkey_killed_at_once(stack: Stack) -> None:
    task_id = stack.order(scale=2)
    for process in (*stack.workers(), stack.valkey()):
        process.send_signal(signal.SIGKILL)
    _ended_once(stack, task_id)


def test_a_breach_is_named(stack: Stack) -> None:
    """Last: it spoils the books."""

    assert stack.api.get("/v1/credits").status_code == 200  # there are books to spoil

    async def spoil() -> None:
        connection = await asyncpg.connect(stack.ready["database_url"])
        await connection.execute("update credit_accounts set balance = balance + 1000000 where mode = 'live'")
        await connection.close()

    asyncio.run(spoil())
    checked = stack.verify()
    assert checked.returncode == 1
    assert "I5" in checked.stdout + checked.stderr
