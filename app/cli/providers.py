"""Commands on providers: whether they can be used, and for what."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.context import CommandFailed, read_settings
from app.cli.failures import in_one_line

if TYPE_CHECKING:
    from app.providers.base import Health, Provider


def check_providers(
    name: Annotated[
        str | None, typer.Argument(help="Only this one; default: all that are enabled or have a key.")
    ] = None,
) -> None:
    """Tell for each key whether it works and what it can be used for. Asks the vendors; costs nothing."""
    settings = read_settings()

    async def check() -> int:
        from app.providers import registry

        usual = (*settings.providers.enabled, *settings.providers.keys, *settings.providers.urls)
        try:
            found = registry.load(settings, [name] if name else list(dict.fromkeys(usual)))
        except (registry.UnknownProvider, registry.BrokenProvider) as fault:
            raise CommandFailed(in_one_line(fault)) from fault
        failed = 0
        for provider in found.values():
            sold = ", ".join(dict.fromkeys(offer.operation for offer in provider.offers))
            for key, health in await _probe(provider):
                failed += not health.is_healthy
                state = "works" if health.is_healthy else "FAILS"
                print(f"{provider.name:12} {key:12} {state:6} {health.detail or '-'}; {sold or 'sells nothing'}")
            await provider.close()
        return failed

    if failed := asyncio.run(check()):
        raise CommandFailed(f"{failed} of them cannot be used")


async def _probe(provider: "Provider") -> list[tuple[str, "Health"]]:
    """By key, where there are keys."""
    from app.providers.base import Health
    from app.providers.vendor import Vendor

    if not isinstance(provider, Vendor):
        return [("", await provider.probe())]
    if provider.needs is not None:
        return [("", Health(is_healthy=False, detail=f"set {provider.needs}"))]
    return await provider.probe_each()
