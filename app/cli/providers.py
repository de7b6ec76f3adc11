"""Commands on providers: whether they can be used, and for what."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.context import CommandFailed, opened, read_settings, settings_with_database, transaction
from app.cli.failures import in_one_line

if TYPE_CHECKING:
    from app.core.settings import Settings
    from app.providers.base import Health, Provider


def check_providers(
    name: Annotated[
        str | None, typer.Argument(help="Only this one; default: all that are enabled or have a key.")
    ] = None,
) -> None:
    """Tell for each key whether it works and what it can be used for. Asks the vendors; costs nothing.

    A key that had been refused and works again is used again at once.
    """
    settings, has_database = _settings()

    async def check() -> int:
        from app.providers import registry

        urls = (one for one in settings.providers.urls if not one.endswith("-keys"))
        usual = (*settings.providers.enabled, *settings.providers.keys, *urls)
        try:
            found = registry.load(settings, [name] if name else list(dict.fromkeys(usual)))
        except (registry.UnknownProvider, registry.BrokenProvider) as fault:
            raise CommandFailed(in_one_line(fault)) from fault
        failed = 0
        working: list[tuple[str, str]] = []
        for provider in found.values():
            sold = ", ".join(dict.fromkeys(offer.operation for offer in provider.offers))
            for key, health in await _probe(provider):
                failed += not health.is_healthy
                working += [(provider.name, key)] if health.is_healthy else []
                state = "works" if health.is_healthy else "FAILS"
                print(f"{provider.name:12} {key:12} {state:6} {health.detail or '-'}; {sold or 'sells nothing'}")
            await provider.close()
        if has_database:
            await _mend(settings, working)
        return failed

    with _no_logs():
        failed = asyncio.run(check())
    if failed:
        raise CommandFailed(f"{failed} of them cannot be used")


@contextmanager
def _no_logs() -> Iterator[None]:
    """What is wrong is told in words for whoever asked."""
    import logging

    import structlog

    config = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**config)


def _settings() -> "tuple[Settings, bool]":
    """They are wanted without a database too: before there is one, keys can be tried."""
    try:
        return settings_with_database(), True
    except CommandFailed:
        return read_settings(), False


async def _mend(settings: "Settings", working: "list[tuple[str, str]]") -> None:
    from app.core import clock
    from app.providers import probing

    async with opened(settings) as database:
        for name, key_id in working:
            await probing.mend(database, name, key_id, clock.now())


def list_providers() -> None:
    """Show the enabled providers: what they need, how much they take, refused keys, the last probe."""
    settings = settings_with_database()

    async def show() -> None:
        from app.providers import queries
        from app.providers.catalog import Catalog

        catalog = Catalog.load(settings)
        async with transaction(settings) as session:
            said = {row.provider: row for row in await queries.list_settings(session)}
            probes = {row.provider: row for row in await queries.list_probes(session)}
            refused = await queries.list_keys(session)
        for name in catalog.live:
            row, traffic, probe = said.get(name), catalog.traffic(name), probes.get(name)
            state = "off" if row is not None and not row.is_enabled else "on"
            per_minute = (row.requests_per_minute if row else None) or traffic.requests_per_minute
            at_once = (row.jobs_at_once if row else None) or traffic.jobs_at_once
            limits = f"{per_minute or 'any'} requests per minute, {at_once or 'any'} jobs at once"
            needs = f"; needs {catalog.needs(name)}" if catalog.needs(name) else ""
            print(f"{name:12} {state:4} {limits}{needs}")
            for key in refused:
                if key.provider == name:
                    print(f"{'':12} key {key.key_id} refused at {key.refused_at:%F %T}: {key.reason}")
            if probe is not None:
                worked = "worked" if probe.is_healthy else "FAILED"
                print(
                    f"{'':12} probe at {probe.probed_at:%F %T} {worked} in {probe.latency_ms} ms: {probe.detail or '-'}"
                )
        await catalog.close()

    asyncio.run(show())


def set_provider(
    name: Annotated[str, typer.Argument(help="One of BACKLOT_PROVIDERS_ENABLED.")],
    requests_per_minute: Annotated[int | None, typer.Option(min=0, help="0: as its file says.")] = None,
    jobs_at_once: Annotated[int | None, typer.Option(min=0, help="0: as its file says.")] = None,
) -> None:
    """Set how much a provider may be asked for, by all processes together."""
    settings = settings_with_database()
    given = {"requests_per_minute": requests_per_minute, "jobs_at_once": jobs_at_once}
    limits = {limit: value or None for limit, value in given.items() if value is not None}
    if not limits:
        raise CommandFailed("say --requests-per-minute or --jobs-at-once")

    async def change() -> None:
        from app.providers import service

        _check_name(settings, name)
        async with transaction(settings) as session:
            await service.set_limits(session, name, **limits)

    asyncio.run(change())


def switch_off(name: Annotated[str, typer.Argument(help="One of BACKLOT_PROVIDERS_ENABLED.")]) -> None:
    """Order nothing more from a provider. What was ordered is finished."""
    _switch(name, is_enabled=False)


def switch_on(name: Annotated[str, typer.Argument(help="One of BACKLOT_PROVIDERS_ENABLED.")]) -> None:
    """Order from a provider again."""
    _switch(name, is_enabled=True)


def _switch(name: str, *, is_enabled: bool) -> None:
    settings = settings_with_database()

    async def change() -> None:
        from app.providers import service

        _check_name(settings, name)
        async with transaction(settings) as session:
            await service.switch_provider(session, name, is_enabled=is_enabled)

    asyncio.run(change())


def _check_name(settings: "Settings", name: str) -> None:
    enabled = settings.providers.enabled
    if name not in enabled:
        among = ", ".join(enabled)
        raise CommandFailed(f"{name} is not in BACKLOT_PROVIDERS_ENABLED ({among}): add it there and restart")


async def _probe(provider: "Provider") -> list[tuple[str, "Health"]]:
    """By key, where there are keys."""
    from app.providers.base import Health
    from app.providers.vendor import Vendor

    if not isinstance(provider, Vendor):
        return [("", await provider.probe())]
    if provider.needs is not None:
        return [("", Health(is_healthy=False, detail=f"set {provider.needs}"))]
    return await provider.probe_each()
