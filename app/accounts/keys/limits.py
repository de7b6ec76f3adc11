"""What is looked at with each request of a key that is held back: where it comes from, and how many there were."""

import asyncio
from math import ceil
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from fastapi import Request
from redis.exceptions import RedisError

from app.accounts.keys import networks
from app.accounts.keys.errors import IpNotAllowed, OperationNotAllowed, RateLimited
from app.accounts.schemas import CallerInfo
from app.core.request_context import add_header
from app.core.settings import Settings
from app.core.visitor import client_ip

log = structlog.get_logger()

WINDOW_SECONDS = 60
REDIS_SECONDS = 0.5
ALONE_SECONDS = 2.0
"""After a failure Redis is left alone for so long."""
MOST = 10_000
_COUNTED = "rate_limit_counted"

# The generic cell rate algorithm: one moment for each key, when all it has used will be whole again. Times are Redis's
# own, in microseconds. Answers whether the request passes, how long until then, and how long until all is whole.
_TAKE = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = whole + ARGV[1] - now - ARGV[2]
if wait > 0 then
    return {0, wait, whole - now}
end
whole = whole + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.0f', whole), 'PX', math.ceil((whole - now) / 1000))
return {1, 0, whole - now}
"""


class KeyGate:
    """Lets requests of held-back keys pass or not; one per API process.

    Requests are counted in Redis, for all processes together. While it is away each process counts by itself, from
    where they stood.
    """

    def __init__(self, settings: Settings, redis: ArqRedis) -> None:
        self._settings = settings
        self._take = redis.register_script(_TAKE)
        self._whole_at: dict[UUID, float] = {}
        self._alone_until = 0.0

    async def admit(self, request: Request, caller: CallerInfo) -> None:
        """Raises IpNotAllowed or RateLimited. A request counts once, however often it is asked about."""
        limits = caller.limits
        if limits is None:
            return
        if limits.networks is not None and not networks.has(limits.networks, client_ip(request, self._settings)):
            raise IpNotAllowed
        if limits.rate_limit is None or caller.key_id is None:
            return
        state: dict[str, Any] = request.scope.setdefault("state", {})
        if state.get(_COUNTED):
            return
        state[_COUNTED] = True
        passes, wait, used = await self._count(caller.key_id, limits.rate_limit)
        left = int((WINDOW_SECONDS - used) * limits.rate_limit / WINDOW_SECONDS + 1e-6) if passes else 0
        reset = ceil(used) if passes else max(1, ceil(wait))
        add_header(request, b"ratelimit-policy", f'"key";q={limits.rate_limit};w={WINDOW_SECONDS}')
        add_header(request, b"ratelimit", f'"key";r={left};t={reset}')
        if not passes:
            raise RateLimited(
                f"This key has {limits.rate_limit} requests a minute. Try again in {reset} s.",
                headers={"Retry-After": str(reset)},
            )

    async def _count(self, key_id: UUID, rate: int) -> tuple[bool, float, float]:
        """Whether it passes, the seconds until it would, and those until all is whole again."""
        if monotonic() >= self._alone_until:
            try:
                return await self._count_together(key_id, rate)
            except (RedisError, OSError, TimeoutError) as fault:
                log.warning("rate_limits_alone", error=repr(fault))
                self._alone_until = monotonic() + ALONE_SECONDS
        return self._count_alone(key_id, rate)

    async def _count_together(self, key_id: UUID, rate: int) -> tuple[bool, float, float]:
        async with asyncio.timeout(REDIS_SECONDS):
            passes, wait, used = await self._take(
                keys=[f"backlot:rate:{key_id}"],
                args=[WINDOW_SECONDS * 1_000_000 // rate, WINDOW_SECONDS * 1_000_000],
            )
        self._remember(key_id, monotonic() + used / 1_000_000)
        return bool(passes), wait / 1_000_000, used / 1_000_000

    def _count_alone(self, key_id: UUID, rate: int) -> tuple[bool, float, float]:
        now, step = monotonic(), WINDOW_SECONDS / rate
        whole = max(self._whole_at.get(key_id, now), now)
        wait = whole + step - now - WINDOW_SECONDS
        if wait > 1e-9:
            return False, wait, whole - now
        self._remember(key_id, whole + step)
        return True, 0.0, whole + step - now

    def _remember(self, key_id: UUID, whole_at: float) -> None:
        if len(self._whole_at) >= MOST and key_id not in self._whole_at:
            now = monotonic()
            self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}
        self._whole_at[key_id] = whole_at


def check_operation(caller: CallerInfo, operation: str) -> None:
    """Raises OperationNotAllowed."""
    if caller.limits and caller.limits.operations is not None and operation not in caller.limits.operations:
        raise OperationNotAllowed.at("/operation", f"This key may not order {operation!r}.")
