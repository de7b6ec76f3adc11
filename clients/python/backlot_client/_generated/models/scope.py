from typing import Literal, cast

Scope = Literal[
    "assets:read",
    "assets:write",
    "audit:read",
    "credits:read",
    "events:read",
    "keys:read",
    "keys:write",
    "tasks:read",
    "tasks:write",
    "webhooks:read",
    "webhooks:write",
    "workspace:read",
    "workspace:write",
]


def check_scope(value: str) -> Scope:
    return cast(Scope, value)
