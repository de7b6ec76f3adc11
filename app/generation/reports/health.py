"""Whether providers work: by what became of the calls of the last minutes, else by cheap probes."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.generation.breakers import Breakers, State
from app.generation.reports import queries
from app.generation.reports.schemas import Latency, ModelHealth, ProviderHealth, Status
from app.providers import probing
from app.providers import queries as providers
from app.providers.base import ErrorCode
from app.providers.catalog import Catalog

WINDOW = timedelta(minutes=15)
QUIET = timedelta(minutes=5)
"""Without a call for so long, a provider is probed."""
STALE = timedelta(minutes=10)
"""An older probe tells nothing."""
FRESH_SECONDS = 5.0
ENOUGH_CALLS = 3
"""Fewer tell that something is wrong, not that nothing works."""
DOWN_RATE, DEGRADED_RATE = 0.5, 0.1

NOT_THEIR_FAULT = (
    ErrorCode.INVALID_IMAGE,
    ErrorCode.CONTENT_REJECTED,
    ErrorCode.PROVIDER_REJECTED,
    ErrorCode.URL_NOT_ALLOWED,
    ErrorCode.URL_UNREACHABLE,
    ErrorCode.PROVIDER_BUSY,
    ErrorCode.INTERNAL,
)
"""The customer's, or ours, who asked too often."""

Row = Mapping[str, Any]


class HealthDesk:
    """Tells all who ask, from one look every FRESH_SECONDS. One per API process."""

    def __init__(self, settings: Settings, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._breakers = Breakers(database.redis, settings)
        self._looking = asyncio.Lock()
        self._told: list[ProviderHealth] = []
        self._read_at = -FRESH_SECONDS

    async def get(self) -> list[ProviderHealth]:
        async with self._looking:
            if monotonic() - self._read_at >= FRESH_SECONDS:
                self._told = await self._look()
                self._read_at = monotonic()
            return self._told

    async def _look(self) -> list[ProviderHealth]:
        now = clock.now()
        no_faults = [code.value for code in NOT_THEIR_FAULT]
        traffic: dict[str, dict[str | None, Row]] = defaultdict(dict)
        for row in await self._database.fetch(queries.TRAFFIC, queries.least_id(now - WINDOW), no_faults):
            traffic[row["provider"]][row["model"]] = row
        probes = {row["provider"]: row for row in await self._database.fetch(providers.PROBES)}
        models = {name: self._models(name) for name in self._catalog.live}
        states = await self._breakers.states([f"{name}/{model}" for name in models for model in models[name]])
        told = []
        for name, sold in models.items():
            breakers = {model: states[f"{name}/{model}"] for model in sold}
            told.append(self._of(name, traffic[name], probes.get(name), breakers, now))
        return told

    def _models(self, provider: str) -> list[str]:
        sold = (offer.model for offer in self._catalog.offers(provider) if self._catalog.is_sold(provider, offer))
        return list(dict.fromkeys(sold))

    def _of(
        self,
        provider: str,
        traffic: Mapping[str | None, Row],
        probe: Row | None,
        breakers: Mapping[str, State],
        now: datetime,
    ) -> ProviderHealth:
        whole = traffic.get(None)
        p50, p95 = (whole["seconds"] if whole else None) or (None, None)
        needs = self._catalog.needs(provider)
        return ProviderHealth(
            provider=provider,
            status="not_configured" if needs is not None else judge(whole, probe, breakers.values(), now),
            last_success_at=_latest(
                whole["last_success_at"] if whole else None, probe["healthy_at"] if probe else None
            ),
            calls=whole["calls"] if whole else 0,
            error_rate=_rate(whole),
            latency=Latency(p50_seconds=_rounded(p50), p95_seconds=_rounded(p95)),
            models=[
                ModelHealth(
                    model=model,
                    breaker=breaker,
                    calls=traffic[model]["calls"] if model in traffic else 0,
                    error_rate=_rate(traffic.get(model)),
                )
                for model, breaker in breakers.items()
            ],
            probed_at=probe["probed_at"] if probe else None,
        )


def judge(traffic: Row | None, probe: Row | None, breakers: Iterable[State], now: datetime) -> Status:
    """By the newest evidence: a probe after the last call says whether it works at all."""
    states = set(breakers)
    if states == {State.OPEN}:
        return "down"
    troubled: Status = "degraded" if states - {State.CLOSED} else "operational"
    is_fresh = probe is not None and now - probe["probed_at"] < STALE
    if traffic is None:
        if probe is None or not is_fresh:
            return "unknown"
        return troubled if probe["is_healthy"] else "down"
    is_newer = probe is not None and is_fresh and probe["probed_at"] > traffic["last_call_at"]
    if is_newer and probe is not None and not probe["is_healthy"]:
        return "down"
    rate = traffic["errors"] / traffic["calls"]
    if rate >= DOWN_RATE and traffic["calls"] >= ENOUGH_CALLS and not is_newer:
        return "down"
    return "degraded" if rate >= DEGRADED_RATE else troubled


async def probe_quiet(database: Database, catalog: Catalog) -> None:
    """Probe those that could be used and were not lately."""
    rows = await database.fetch(queries.BUSY, queries.least_id(clock.now() - QUIET))
    busy = {row["provider"] for row in rows}
    quiet = [name for name in catalog.live if name not in busy and catalog.needs(name) is None]
    await probing.probe_providers(database, catalog, quiet)


def _rate(traffic: Row | None) -> float | None:
    return round(traffic["errors"] / traffic["calls"], 4) if traffic else None


def _rounded(seconds: Any) -> float | None:
    return None if seconds is None else round(float(seconds), 3)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
