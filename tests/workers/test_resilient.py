"""The worker around arq: what stays in the queue, and what a Redis that comes and goes does to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from arq import func
from arq.connections import ArqRedis, RedisSettings
from arq.constants import in_progress_key_prefix
from redis.exceptions import ConnectionError as Unreachable

from app.core import queue
from app.core.queue import Job
from app.core.settings import Settings
from workers import resilient
from workers.resilient import ResilientWorker

QUEUE = "test:resilient"


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[ArqRedis]:
    redis = queue.connect(settings)
    await redis.delete(QUEUE)
    yield redis
    await redis.delete(QUEUE)
    await redis.aclose(close_connection_pool=True)


@asynccontextmanager
async def working(settings: Settings, job: Callable[..., Awaitable[None]], **options: Any) -> AsyncIterator[Any]:
    worker = ResilientWorker(
        [func(job, name="job")],  # type: ignore[arg-type]
        queue_name=QUEUE,
        redis_settings=RedisSettings.from_dsn(settings.redis.url.get_secret_value()),
        job_serializer=queue.serialize,
        job_deserializer=queue.deserialize,
        handle_signals=False,
        poll_delay=0.01,
        keep_result=0,
        **options,
    )
    running = asyncio.create_task(worker.async_run())
    try:
        yield worker
    finally:
        await worker.close()
        await asyncio.wait([running])


async def ring(redis: ArqRedis, *names: str) -> None:
    await queue.send(redis, [Job(QUEUE, "job", (name,), name) for name in names])


async def test_jobs_under_way_do_not_hide_those_that_wait(settings: Settings, redis: ArqRedis) -> None:
    begun: list[str] = []
    go_on = asyncio.Event()

    async def job(_: Any, name: str) -> None:
        begun.append(name)
        await go_on.wait()

    async with working(settings, job, max_jobs=3) as first:
        first.queue_read_limit = 3
        await ring(redis, "a", "b", "c")
        async with asyncio.timeout(30):
            while len(begun) < 3:
                await asyncio.sleep(0.01)
            assert await redis.zcard(QUEUE) == 0
            async with working(settings, job, max_jobs=3) as second:
                second.queue_read_limit = 3
                await ring(redis, "d")
                while "d" not in begun:
                    await asyncio.sleep(0.01)
                go_on.set()


async def test_a_bell_a_dead_worker_had_picked_up_can_soon_be_heard_again(settings: Settings, redis: ArqRedis) -> None:
    begun = asyncio.Event()

    async def job(_: Any, name: str) -> None:
        begun.set()
        await asyncio.sleep(0.1)

    async with working(settings, job, job_timeout=3600):
        await ring(redis, "picked up")
        await begun.wait()
        assert await redis.pttl(f"{in_progress_key_prefix}picked up") <= resilient.PICK_UP_SECONDS * 1000


async def test_a_redis_that_comes_and_goes_costs_no_places(
    settings: Settings, redis: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resilient, "PAUSE_SECONDS", 0)
    begun: list[str] = []
    go_on = asyncio.Event()
    faults = 10

    async def job(_: Any, name: str) -> None:
        begun.append(name)
        if name == "long":
            await go_on.wait()

    async with working(settings, job, max_jobs=3) as worker:
        await ring(redis, "long")
        async with asyncio.timeout(30):
            while not begun:
                await asyncio.sleep(0.01)
            pipeline = worker.pool.pipeline

            def flaky(*args: Any, **options: Any) -> Any:
                nonlocal faults
                if faults:
                    faults -= 1
                    raise Unreachable
                return pipeline(*args, **options)

            worker.pool.pipeline = flaky
            await ring(redis, "b", "c", "d", "e")
            while len(begun) < 5:
                await asyncio.sleep(0.01)
            assert worker.job_counter <= 3
            go_on.set()


async def test_a_worker_stopped_while_it_picks_up_a_bell_closes_in_good_order(
    settings: Settings, redis: ArqRedis
) -> None:
    picks_up, closed = asyncio.Event(), asyncio.Event()

    async def job(_: Any, name: str) -> None:
        raise AssertionError(name)

    async def hang(*_: Any) -> None:
        picks_up.set()
        await asyncio.sleep(60)

    async def close(_: Any) -> None:
        closed.set()

    async with working(settings, job, on_shutdown=close) as worker:
        async with asyncio.timeout(30):
            while worker._pool is None:
                await asyncio.sleep(0.01)
            worker.pool.zrem = hang
            await ring(redis, "a")
            await picks_up.wait()
    assert closed.is_set()


async def test_a_worker_closes_in_good_order_when_a_job_had_not_begun(settings: Settings) -> None:
    closed = asyncio.Event()

    async def job(_: Any, name: str) -> None: ...

    async def close(_: Any) -> None:
        closed.set()

    async with working(settings, job, on_shutdown=close) as worker:
        while worker._pool is None or worker.main_task is None:
            await asyncio.sleep(0.01)
        worker.tasks["bell"] = asyncio.create_task(worker.run_job("bell", 0))
    assert closed.is_set()
