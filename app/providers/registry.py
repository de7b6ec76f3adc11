"""Loads the enabled providers from the entry points of group `backlot.providers`."""

from collections.abc import Collection
from importlib.metadata import entry_points

from app.core.settings import Settings
from app.providers.base import Provider


class UnknownProvider(Exception):
    """A provider is enabled that no installed package offers."""


def load(settings: Settings, names: Collection[str]) -> dict[str, Provider]:
    """Make the named providers, in that order. Raises UnknownProvider naming those that exist."""
    found = {entry.name: entry for entry in entry_points(group="backlot.providers")}
    missing = [name for name in names if name not in found]
    if missing:
        raise UnknownProvider(f"no provider {missing[0]!r}; installed: {', '.join(sorted(found))}")
    return {name: found[name].load()(settings) for name in names}
