"""Which events an endpoint wants, and who may have them sent: nobody gets by webhook what they cannot read."""

from collections.abc import Sequence

from app.accounts.errors import MissingScope
from app.accounts.schemas import CallerInfo
from app.feed.schemas import EVENT_TYPES, expand

ALL = ("*",)


def may_read(caller: CallerInfo, event_type: str) -> bool:
    """Of a type there is no more, whoever reads all."""
    known = EVENT_TYPES.get(event_type)
    wanted = [known] if known else EVENT_TYPES.values()
    return all(one.scope in caller.scopes for one in wanted)


def check(caller: CallerInfo, event_types: Sequence[str] | None) -> None:
    """None: all there are. Raises InvalidRequest of one that stands for none, MissingScope of one that is not for the
    caller."""
    for name in sorted(expand(ALL if event_types is None else event_types, "/event_types")):
        if not may_read(caller, name):
            scope = EVENT_TYPES[name].scope.value
            raise MissingScope.at(
                "/event_types",
                f"Events of type {name} need the scope {scope!r}, which you lack: name the types that you may read.",
                required_scope=scope,
            )


def first(event_types: Sequence[str] | None) -> str:
    """One of those it wants."""
    wanted = expand(["task.succeeded"] if event_types is None else event_types[:1], "/event_types")
    return next(name for name in EVENT_TYPES if name in wanted)
