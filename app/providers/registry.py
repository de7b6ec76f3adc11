"""Loads the enabled providers from the entry points of group `backlot.providers`, ours and those of plug-ins."""

from collections.abc import Collection, Sequence
from importlib.metadata import EntryPoint, entry_points

from app.core.settings import Settings
from app.providers.base import Provider


class UnknownProvider(Exception):
    """A provider is enabled that no installed package offers."""


class BrokenProvider(Exception):
    """An installed package offers the provider, and it cannot be used."""


def load(settings: Settings, names: Collection[str]) -> dict[str, Provider]:
    """Make the named providers, in that order. Raises UnknownProvider naming those that exist, or BrokenProvider."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group="backlot.providers"):
        found.setdefault(entry.name, []).append(entry)
    missing = [name for name in names if name not in found]
    if missing:
        raise UnknownProvider(f"no provider {missing[0]!r}; installed: {', '.join(sorted(found))}")
    return {name: _make(found[name], settings) for name in names}


def _make(entries: Sequence[EntryPoint], settings: Settings) -> Provider:
    entry, *others = entries
    if others:
        packages = " and ".join(sorted(map(_package, entries)))
        raise BrokenProvider(f"provider {entry.name!r} is offered by {packages}: uninstall all but one")
    name = f"provider {entry.name!r} of {_package(entry)}"
    try:
        provider = entry.load()(settings)
    except Exception as fault:  # others' code, and their rows: it may be anything
        raise BrokenProvider(f"{name} cannot be loaded: {type(fault).__name__}: {fault}") from fault
    if not isinstance(provider, Provider):
        raise BrokenProvider(f"{name} is no provider: {entry.value} lacks what app.providers.base.Provider asks for")
    if provider.name != entry.name:
        raise BrokenProvider(f"{name} calls itself {provider.name!r}: give class and entry point the same name")
    return provider


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
