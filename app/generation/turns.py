"""Asking a vendor no more often, and for no more at once, than it allows: by provider, for all workers, in Redis.

Two limits, each of which a provider may have: requests a minute (a bucket of tokens: who comes too early is given a
time of his own), and jobs at once (a place is kept from the order to its end). Who has to wait comes again; a place
that nobody speaks up for is free after a while. Without Redis all may go: the vendor says itself when it is too much.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import cast

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from app.providers.limits import Traffic

log = structlog.get_logger()
BURST_SECONDS = 6
"""So many seconds' worth of requests may go at once."""
LONGEST_WAIT_SECONDS = 15.0
"""For a place: nobody can say when one is free, so it is asked for again."""
_FORGET_SECONDS = 3600

# KEYS: when the next token is there, the times given by ticket, the places kept by ticket until when, the crowd that
# waits for one by ticket since when. ARGV: ticket, milliseconds for a token (0: any), tokens at once, places (0: any),
# milliseconds a place is kept, those after which one is forgotten, the longest wait.
_ENTER = """
local t = redis.call('time') local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ticket, interval, burst, places = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local life = math.ceil(ARGV[6] / 1000)
if places > 0 then
    redis.call('zremrangebyscore', KEYS[3], '-inf', now)
    if not redis.call('zscore', KEYS[3], ticket) and redis.call('zcard', KEYS[3]) >= places then
        redis.call('zremrangebyscore', KEYS[4], '-inf', now - ARGV[6])
        redis.call('zadd', KEYS[4], 'NX', now, ticket)
        redis.call('expire', KEYS[4], life)
        return math.min(1000 + math.floor(redis.call('zrank', KEYS[4], ticket) / places) * 1000, tonumber(ARGV[7]))
    end
end
if interval > 0 then
    local slot = tonumber(redis.call('zscore', KEYS[2], ticket) or 0)
    if slot == 0 then
        slot = math.max(tonumber(redis.call('get', KEYS[1]) or 0), now - (burst - 1) * interval)
        local spent = math.max(slot + interval - now, 0) + burst * interval
        redis.call('set', KEYS[1], slot + interval, 'PX', math.ceil(spent))
    end
    if slot > now then
        redis.call('zremrangebyscore', KEYS[2], '-inf', now - ARGV[6])
        redis.call('zadd', KEYS[2], slot, ticket)
        redis.call('expire', KEYS[2], life + math.ceil((slot - now) / 1000))
        return math.ceil(slot - now)
    end
    redis.call('zrem', KEYS[2], ticket)
end
if places > 0 then
    redis.call('zrem', KEYS[4], ticket)
    redis.call('zadd', KEYS[3], now + ARGV[5], ticket)
    redis.call('expire', KEYS[3], life)
end
return 0
"""
_KEEP = """
local t = redis.call('time') local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('zadd', KEYS[3], 'XX', now + ARGV[2], ARGV[1])
return 0
"""
_LEAVE = "for key = 2, 4 do redis.call('zrem', KEYS[key], ARGV[1]) end return 0"


@dataclass(frozen=True, slots=True)
class Turns:
    """One per process. A ticket stands for one call at a time; its place is kept for `place_seconds` from `keep`."""

    redis: ArqRedis
    place_seconds: float

    async def enter(self, provider: str, ticket: str, traffic: Traffic) -> float:
        """Seconds until its turn comes; 0: now."""
        if traffic.is_free:
            return 0
        interval, burst = 0.0, 1
        if traffic.requests_per_minute is not None:
            interval = 60_000 / traffic.requests_per_minute
            burst = max(1, round(traffic.requests_per_minute * BURST_SECONDS / 60))
        return await self._run(
            _ENTER,
            provider,
            ticket,
            interval,
            burst,
            traffic.jobs_at_once or 0,
            round(self.place_seconds * 1000),
            _FORGET_SECONDS * 1000,
            round(LONGEST_WAIT_SECONDS * 1000),
        )

    async def keep(self, provider: str, ticket: str, traffic: Traffic) -> None:
        """The job goes on."""
        if traffic.jobs_at_once is not None:
            await self._run(_KEEP, provider, ticket, round(self.place_seconds * 1000))

    async def leave(self, provider: str, ticket: str, traffic: Traffic) -> None:
        """The call has ended, or is not wanted here any more."""
        if not traffic.is_free:
            await self._run(_LEAVE, provider, ticket)

    async def _run(self, script: str, provider: str, *values: str | float) -> float:
        base = f"backlot:turns:{{{provider}}}"
        keys = [f"{base}:{name}" for name in ("next", "booked", "places", "crowd")]
        try:
            answer = self.redis.eval(script, len(keys), *keys, *map(str, values))
            return float(await cast("Awaitable[int]", answer)) / 1000
        except (RedisError, OSError) as fault:
            log.warning("turns_not_shared", provider=provider, error=repr(fault))
            return 0
