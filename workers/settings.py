"""The worker classes, one per queue, and how a process becomes one of them."""

from datetime import timedelta
from typing import Any

from arq import cron, func
from arq.connections import RedisSettings

from app.core import queue
from app.core.settings import get_settings
from workers import generation as _generation
from workers import maintenance as _maintenance
from workers.context import close_engine, open_engine, start_posting, start_pulling
from workers.resilient import ResilientWorker

generation: Any = _generation  # arq's types ask for coroutines that take anything
maintenance: Any = _maintenance


EXPORT_SECONDS = 6 * 3600


class _Worker:
    """What all have in common. arq's own tries and results are not used: the task's row has them."""

    job_serializer = queue.serialize
    job_deserializer = queue.deserialize
    on_startup = open_engine
    on_shutdown = close_engine
    poll_delay = 0.1
    keep_result = 0
    log_results = False
    max_tries = 1_000_000
    job_completion_wait = 10
    health_check_interval = 10


class Generation(_Worker):
    """Works on tasks, which it pulls by itself: arq is its frame, and brings it the small errands around them."""

    queue_name = queue.GENERATION
    on_startup = start_pulling
    functions = (func(generation.cancel_at_provider, timeout=30),)


class Maintenance(_Worker):
    """Keeps the house by the clock, and sends mails and webhooks, which it pulls by itself."""

    queue_name = queue.MAINTENANCE
    on_startup = start_posting
    functions = (func(maintenance.make_exports, timeout=EXPORT_SECONDS),)
    cron_jobs = (
        cron(maintenance.sweep_assets, second=7, timeout=300),
        cron(maintenance.sweep_stray_files, hour=3, minute=27, second=31, timeout=3600),
        cron(maintenance.sweep_webhooks, minute=57, second=11, timeout=600),
        cron(maintenance.keep_weeks, minute=37, second=21, timeout=300),
        cron(maintenance.expire_credits, second=37, timeout=300),
        cron(maintenance.probe_keys, second={3, 23, 43}, timeout=60),
        cron(maintenance.probe_providers, second=13, timeout=60),
        cron(maintenance.sweep_idempotency_keys, minute=17, second=11, timeout=60),
        cron(maintenance.sweep_signing_in, minute={9, 24, 39, 54}, second=41, timeout=300),
        cron(maintenance.sweep_sessions, minute=34, second=51, timeout=300),
        cron(maintenance.sweep_callbacks, minute=47, second=21, timeout=300),
        cron(maintenance.sweep_mails, minute=27, second=41, timeout=300),
        cron(maintenance.make_exports, second=27, timeout=EXPORT_SECONDS),
        cron(maintenance.sweep_exports, minute=7, second=41, timeout=300),
        cron(maintenance.sweep_stray_exports, hour=4, minute=27, second=31, timeout=3600),
        cron(maintenance.erase_accounts, second={17, 47}, timeout=6 * 3600),
    )


WORKERS: dict[str, type[_Worker]] = {"generation": Generation, "maintenance": Maintenance}


def make(name: str, *, handle_signals: bool = True) -> ResilientWorker:
    """The worker of that queue. Raises KeyError."""
    settings = get_settings()
    kind = WORKERS[name]
    options: dict[str, Any] = {key: getattr(kind, key) for key in dir(kind) if not key.startswith("_")}
    redis = RedisSettings.from_dsn(settings.redis.url.get_secret_value())
    redis.conn_retries, redis.conn_retry_delay = 60, 1
    return ResilientWorker(
        **options,
        redis_settings=redis,
        handle_signals=handle_signals,
        max_jobs=settings.worker.concurrency,
        expires_extra_ms=int(timedelta(hours=1).total_seconds() * 1000),
    )


def run(name: str) -> None:
    """Be the worker of that queue until a signal ends it. Raises KeyError."""
    make(name).run()
