"""What operators change at run time, and what other processes found out about keys, brought into this process.

One look every LOOK_SECONDS: a statement that answers with nothing while nothing has changed. Without the database each
process goes on with what it knows; refused keys it has found by itself come back by its own clock.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
import structlog

from app.core.db import UNREACHABLE, Database
from app.providers import overrides, queries
from app.providers.base import Offer
from app.providers.catalog import Catalog
from app.providers.keys import REFUSED_SECONDS
from app.providers.limits import Traffic
from app.providers.overrides import Changes, Override
from app.providers.probing import first_probe_seconds

log = structlog.get_logger()
LOOK_SECONDS = 2.0

Rows = Sequence[Mapping[str, Any]]


class Board:
    """One per process."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._version = 0
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """What is to be known is known when this returns, if the database answers."""
        await self._try()
        self._watching = asyncio.create_task(self._watch(), name="board")

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def look(self) -> None:
        """Tell what this process found out, and learn what is new. Raises what the database raises."""
        rings = self._catalog.rings()
        for provider, ring in rings.items():
            for refusal in ring.untold():
                wait = first_probe_seconds(is_broke=refusal.is_broke)
                said = (refusal.key_id, refusal.reason, refusal.is_broke, wait)
                await self._database.fetch(queries.REFUSE, provider, *said)
                ring.told(refusal)
        row = await self._database.fetchrow(queries.READ, self._version)
        if row is None:
            return
        refused: dict[str, dict[str, float]] = defaultdict(dict)
        for key in orjson.loads(row["keys"]):
            # Where nobody probes it, it is tried again: probes are the maintenance worker's, which may be away.
            refused[key["provider"]][key["key_id"]] = key["seconds"] + REFUSED_SECONDS
        for provider, ring in rings.items():
            ring.share(refused[provider])
        self._version = row["version"]  # what follows is not to be tried again and again where it cannot be
        self._catalog.change(self._changes(*(orjson.loads(row[name]) for name in ("models", "settings", "aliases"))))
        log.info("catalogue_read", version=self._version)

    def _changes(self, models: Rows, settings: Rows, aliases: Rows) -> Changes:
        offers: dict[str, Sequence[Offer]] = {}
        withdrawn: set[tuple[str, str, str]] = set()
        said = _by_provider(models)
        for provider in said.keys() & self._catalog.providers.keys():
            own, former = self._catalog.providers[provider].offers, self._catalog.offers(provider)
            offers[provider], faults = overrides.apply(own, said[provider], former)
            for name, fault in faults.items():
                problems = fault.errors(include_url=False, include_input=False)
                what = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems]
                log.error("row_ignored", provider=provider, model=name, faults=what)
            for operation, model in overrides.withdrawn(offers[provider], said[provider]):
                withdrawn.add((provider, operation, model))
        ways: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for way in aliases:
            ways[way["alias"]].append((way["provider"], way["model"]))
        return Changes(
            offers=offers,
            withdrawn=frozenset(withdrawn),
            closed=frozenset(one["provider"] for one in settings if not one["is_enabled"]),
            traffic={one["provider"]: self._traffic(one) for one in settings},
            aliases=dict(ways),
        )

    def _traffic(self, said: Mapping[str, Any]) -> Traffic:
        own: Traffic = getattr(self._catalog.providers.get(said["provider"]), "traffic", Traffic())
        return Traffic(
            requests_per_minute=said["requests_per_minute"] or own.requests_per_minute,
            jobs_at_once=said["jobs_at_once"] or own.jobs_at_once,
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._try()

    async def _try(self) -> None:
        """Whatever is wrong with the database, or with what somebody wrote into it, the service goes on."""
        try:
            await self.look()
        except UNREACHABLE as fault:
            log.warning("catalogue_not_read", error=repr(fault))
        except Exception:
            log.exception("catalogue_not_understood")


def _by_provider(models: Rows) -> dict[str, list[Override]]:
    said: dict[str, list[Override]] = defaultdict(list)
    for one in models:
        said[one["provider"]].append(Override(one["name"], one["operation"], one["row"], one["is_enabled"]))
    return said
