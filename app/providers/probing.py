"""Probes of refused keys and of quiet providers. No transaction is open while a vendor is asked."""

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import datetime
from time import monotonic

import structlog

from app.core.db import UNREACHABLE, Database
from app.providers import queries
from app.providers.base import Health
from app.providers.catalog import Catalog
from app.providers.vendor import Vendor

log = structlog.get_logger()
PROBE_SECONDS = 60.0
BROKE_PROBE_SECONDS = 600.0
LONGEST_PROBE_SECONDS = 3600.0
PATIENCE_SECONDS = 20.0
"""For one probe."""


def first_probe_seconds(*, is_broke: bool) -> float:
    """How long after its refusal a key is probed: one that has nothing to spend is not paid for in a minute."""
    return BROKE_PROBE_SECONDS if is_broke else PROBE_SECONDS


async def probe_keys(database: Database, catalog: Catalog) -> None:
    """Try the refused keys whose time has come, each by one process: those that work are used again by all."""
    ours = [(name, key.id) for name, ring in catalog.rings().items() for key in ring]
    if not ours:
        return
    due = await database.fetch(
        queries.CLAIM_KEYS,
        [name for name, _ in ours],
        [key_id for _, key_id in ours],
        BROKE_PROBE_SECONDS,
        PROBE_SECONDS,
        LONGEST_PROBE_SECONDS,
    )
    await asyncio.gather(*(_probe_key(database, catalog, *row) for row in due))
    await database.fetch(queries.FORGET_KEYS)


async def _probe_key(database: Database, catalog: Catalog, name: str, key_id: str, refused_at: datetime) -> None:
    vendor = catalog.providers[name]
    key = catalog.rings()[name].find(key_id)
    if key is None or not isinstance(vendor, Vendor):
        return
    health = await _ask(name, vendor.probe_key(key))
    log.info("key_probed", provider=name, key=key_id, works=health.is_healthy)
    if health.is_healthy:
        await mend(database, name, key_id, refused_at)


async def mend(database: Database, provider: str, key_id: str, seen_at: datetime) -> None:
    """It works: all may use it, unless it was refused again since."""
    try:
        await database.fetch(queries.MEND_KEY, provider, key_id, seen_at)
    except UNREACHABLE as fault:
        log.warning("mended_key_not_shared", provider=provider, key=key_id, error=repr(fault))


async def probe_providers(database: Database, catalog: Catalog, names: Iterable[str]) -> None:
    """Ask each whether it works, and record what it says."""
    await asyncio.gather(*(_probe_provider(database, catalog, name) for name in names))


async def _probe_provider(database: Database, catalog: Catalog, name: str) -> None:
    began = monotonic()
    health = await _ask(name, catalog.providers[name].probe())
    taken = round((monotonic() - began) * 1000)
    await database.fetch(queries.RECORD_PROBE, name, health.is_healthy, health.detail, taken)


async def _ask(name: str, probe: Awaitable[Health]) -> Health:
    """An answer in any case: a plug-in's fault is no reason not to probe the others."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await probe
    except TimeoutError:
        return Health(is_healthy=False, detail=f"no answer in {PATIENCE_SECONDS:g} s")
    except Exception:
        log.exception("probe_crashed", provider=name)
        return Health(is_healthy=False, detail="the probe crashed: see the log")
