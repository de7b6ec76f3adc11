"""Sparing vendors that fail: a circuit breaker for each provider and model, shared by all workers through Redis.

After FAILURES in a row a model is left alone for a while; then one call at a time tries it: when that fails it is left
alone for twice as long, when it succeeds all may call. A vendor that says when to come back is left alone until then,
and no longer. Without Redis each process goes by what it has seen itself.
"""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Any, cast

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from app.core.settings import Settings
from app.providers.base import Busy, ErrorCode, JobFailed, KeyRefused, ProviderError, Transient, Unknown

log = structlog.get_logger()
FAILURES = 3
LONGEST_SECONDS = 60.0
"""Of being left alone, unless the setting is longer: a vendor that is back is found out within that time."""
LONGEST_PAUSE_SECONDS = 300.0
"""Of what a vendor asks for."""
PROBE_SECONDS = 10.0
"""How long a call that tries it is waited for before another may."""
FRESH_SECONDS = 1.0
"""A closed breaker is not asked after again before."""
LIFE_SECONDS = 3600
_FAULTS = frozenset({ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.PROVIDER_TIMEOUT, ErrorCode.PROVIDER_QUOTA})


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


# KEYS: the breaker, its probe. All times are milliseconds by the server's clock.
_CLOCK = "local t = redis.call('time') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
_WAIT = (
    _CLOCK
    + """
local pause = tonumber(redis.call('hget', KEYS[1], 'pause') or 0)
if now < pause then return pause - now end
local until_ = tonumber(redis.call('hget', KEYS[1], 'until') or 0)
if until_ == 0 then return 0 end
if now < until_ then return until_ - now end
if redis.call('set', KEYS[2], 1, 'NX', 'PX', ARGV[1]) then return 0 end
return math.max(redis.call('pttl', KEYS[2]), 1)
"""
)
# A failure while it is open is of a call made before: it tells nothing new.
_FAIL = (
    _CLOCK
    + """
local until_ = tonumber(redis.call('hget', KEYS[1], 'until') or 0)
if now < until_ then return until_ - now end
local failures = redis.call('hincrby', KEYS[1], 'failures', 1)
redis.call('del', KEYS[2])
redis.call('expire', KEYS[1], ARGV[4])
if failures < tonumber(ARGV[1]) then return 0 end
local pause = math.min(ARGV[2] * 2 ^ math.min(failures - ARGV[1], 16), ARGV[3])
redis.call('hset', KEYS[1], 'until', math.floor(now + pause))
return math.floor(pause)
"""
)
_PAUSE = (
    _CLOCK
    + """
local pause = tonumber(redis.call('hget', KEYS[1], 'pause') or 0)
redis.call('hset', KEYS[1], 'pause', math.max(pause, now + ARGV[1]))
redis.call('del', KEYS[2])
redis.call('expire', KEYS[1], ARGV[2])
return ARGV[1]
"""
)
_STATE = (
    _CLOCK
    + """
local until_ = math.max(redis.call('hget', KEYS[1], 'until') or 0, redis.call('hget', KEYS[1], 'pause') or 0)
if now < until_ then return 2 end
return redis.call('hexists', KEYS[1], 'until')
"""
)
_STATES = (State.CLOSED, State.HALF_OPEN, State.OPEN)


@dataclass(slots=True)
class _Seen:
    """What this process knows of one: `until` by its own clock."""

    failures: int = 0
    until: float = 0.0
    asked_at: float = -FRESH_SECONDS

    @property
    def is_quiet(self) -> bool:
        return not self.failures and not self.until


class Breakers:
    """One per process. Names are `provider/model`."""

    def __init__(self, redis: ArqRedis, settings: Settings) -> None:
        self._redis = redis
        self._pause = settings.providers.breaker_seconds
        self._longest = max(LONGEST_SECONDS, self._pause)
        self._seen: dict[str, _Seen] = {}

    async def wait(self, name: str) -> float:
        """Seconds until it may be called; 0: now, and then its end is to be noted."""
        if not self._pause:
            return 0
        seen = self._seen.setdefault(name, _Seen())
        if seen.is_quiet and monotonic() - seen.asked_at < FRESH_SECONDS:
            return 0
        seen.asked_at = monotonic()
        left = await self._run(_WAIT, name, round(PROBE_SECONDS * 1000))
        if left is None:
            return max(seen.until - monotonic(), 0)
        seen.until = monotonic() + left / 1000 if left > 0 else seen.until
        return max(left, 0) / 1000

    async def note(self, name: str, fault: ProviderError | None) -> None:
        """How a call ended. What only says something about the order is a success of the vendor."""
        if not self._pause:
            return
        seen = self._seen.setdefault(name, _Seen())
        match fault:
            case Transient(retry_after=float() | int() as seconds) if not isinstance(fault, KeyRefused):
                await self._leave(name, seen, min(seconds, LONGEST_PAUSE_SECONDS))
            case Busy():
                pass
            case Transient() | JobFailed() | Unknown() if fault.code in _FAULTS:
                await self._fail(name, seen)
            case _:
                if not seen.is_quiet:
                    self._seen[name] = _Seen()
                    await self._forget(name)

    async def states(self, names: Iterable[str]) -> dict[str, State]:
        """Of each; as this process sees it where Redis does not answer."""
        found = {}
        for name in names:
            state = await self._run(_STATE, name)
            seen = self._seen.get(name, _Seen())
            here = State.OPEN if seen.until > monotonic() else State.CLOSED
            found[name] = here if state is None else _STATES[int(state)]
        return found

    async def _leave(self, name: str, seen: _Seen, seconds: float) -> None:
        seen.until = max(seen.until, monotonic() + seconds)
        await self._run(_PAUSE, name, round(seconds * 1000), LIFE_SECONDS)

    async def _fail(self, name: str, seen: _Seen) -> None:
        was_open = seen.until > monotonic()
        if not was_open:
            seen.failures += 1
            if seen.failures >= FAILURES:
                pause = min(self._pause * 2.0 ** min(seen.failures - FAILURES, 16), self._longest)
                seen.until = monotonic() + pause
        first, longest = round(self._pause * 1000), round(self._longest * 1000)
        left = await self._run(_FAIL, name, FAILURES, first, longest, LIFE_SECONDS)
        if left:
            seen.until = monotonic() + left / 1000
            if not was_open:
                log.warning("breaker_open", breaker=name, seconds=left / 1000)

    async def _forget(self, name: str) -> None:
        try:
            await self._redis.delete(*_keys(name))
        except (RedisError, OSError) as fault:
            log.warning("breaker_not_shared", breaker=name, error=repr(fault))

    async def _run(self, script: str, name: str, *values: Any) -> float | None:
        """None where Redis does not answer."""
        try:
            return float(await cast("Awaitable[int]", self._redis.eval(script, 2, *_keys(name), *values)))
        except (RedisError, OSError) as fault:
            log.warning("breaker_not_shared", breaker=name, error=repr(fault))
            return None


def _keys(name: str) -> tuple[str, str]:
    return f"backlot:breaker:{name}", f"backlot:breaker:{name}:probe"
