"""Wake-ups: arq jobs and "there is something new" messages, sent after the commit in one round trip.

They are bells, never facts: losing all of Redis loses none of the truth, and the sweeper rings again.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import Settings

log = structlog.get_logger()

GENERATION = "backlot:generation"
MAINTENANCE = "backlot:maintenance"
JOB_LIFE = timedelta(hours=1)
SEND_SECONDS = 2.0


def serialize(value: Any) -> bytes:
    """Job bodies are JSON, never pickle. An exception as a result becomes its text."""
    return json.dumps(value, default=repr).encode()


def deserialize(data: bytes) -> Any:
    return json.loads(data)


def connect(settings: Settings) -> ArqRedis:
    """A client that connects when first used, so that a process starts while Redis is down."""
    pool = BlockingConnectionPool.from_url(
        settings.redis.url.get_secret_value(),
        max_connections=50,
        timeout=SEND_SECONDS,
        socket_connect_timeout=2,
        socket_timeout=5,
        socket_keepalive=True,
        health_check_interval=30,
    )
    return ArqRedis(pool, job_serializer=serialize, job_deserializer=deserialize)


@dataclass(frozen=True, slots=True)
class Job:
    """One message to a worker. The same `id` twice is one job."""

    queue: str
    function: str
    args: tuple[Any, ...]
    id: str
    delay: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Message:
    """One pub/sub message: the topic and whom it is about."""

    channel: str
    body: str


def enqueue(session: AsyncSession, job: Job) -> None:
    """Send the job once the session's transaction is committed; forgotten on rollback."""
    session.info.setdefault("outbox", []).append(job)


def publish(session: AsyncSession, channel: str, body: str) -> None:
    """Send the message once the session's transaction is committed; forgotten on rollback."""
    session.info.setdefault("outbox", []).append(Message(channel, body))


async def send(redis: ArqRedis, outbox: list[Job | Message]) -> None:
    """All of them in one pipelined call, each once. A failure is logged and made good by the sweeper."""
    try:
        async with asyncio.timeout(SEND_SECONDS), redis.pipeline(transaction=False) as pipe:
            for item in dict.fromkeys(outbox):
                match item:
                    case Job():
                        delay_ms = int(item.delay.total_seconds() * 1000)
                        at = timestamp_ms()
                        body = serialize_job(item.function, item.args, {}, None, at, serializer=serialize)
                        life_ms = delay_ms + int(JOB_LIFE.total_seconds() * 1000)
                        pipe.psetex(job_key_prefix + item.id, life_ms, body)
                        pipe.zadd(item.queue, {item.id: at + delay_ms}, nx=True)
                    case Message():
                        pipe.publish(item.channel, item.body)
            await pipe.execute()
    except (RedisError, OSError, TimeoutError) as fault:
        log.warning("wake_up_lost", error=repr(fault), count=len(outbox))
