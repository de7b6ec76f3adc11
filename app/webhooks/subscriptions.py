"""Which events an endpoint wants, and who may have them sent: nobody gets by webhook what they cannot read."""

from collections.abc import Collection, Iterable

from app.accounts.errors import MissingScope
from app.accounts.models import Scope
from app.accounts.schemas import CallerInfo
from app.feed.schemas import examples

TYPES: tuple[str, ...] = tuple(examples)
_SCOPES = {
    "task": Scope.TASKS_READ,
    "batch": Scope.TASKS_READ,
    "asset": Scope.ASSETS_READ,
    "credits": Scope.CREDITS_READ,
    "api_key": Scope.KEYS_READ,
    "webhook_endpoint": Scope.WEBHOOKS_READ,
}
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(f"{name.partition('.')[0]}.*" for name in TYPES))


def may_read(caller: CallerInfo, event_type: str) -> bool:
    return _SCOPES[event_type.partition(".")[0]] in caller.scopes


def check(caller: CallerInfo, event_types: Collection[str] | None) -> None:
    """Raises MissingScope when the caller cannot read all of these; None: of all there are."""
    for name in event_types or FAMILIES:
        if not may_read(caller, name):
            scope = _SCOPES[name.partition(".")[0]].value
            raise MissingScope.at(
                "/event_types",
                f"Events of type {name} need the scope {scope!r}, which you lack: name the types that you may read.",
                required_scope=scope,
            )


def unknown(event_types: Iterable[str]) -> list[str]:
    return [name for name in event_types if name not in TYPES and name not in FAMILIES]
