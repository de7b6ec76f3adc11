"""Every operation of the API, by its tag: `client.send(api.credits.get_credits())`, with either client."""

from backlot_client._generated.api import (
    admin,
    api_keys,
    assets,
    audit,
    batches,
    catalog,
    credits,  # noqa: A004
    health,
    identities,
    me,
    oauth,
    privacy,
    problems,
    providers,
    sessions,
    signing_in,
    tasks,
    workspaces,
)

__all__ = [
    "admin",
    "api_keys",
    "assets",
    "audit",
    "batches",
    "catalog",
    "credits",
    "health",
    "identities",
    "me",
    "oauth",
    "privacy",
    "problems",
    "providers",
    "sessions",
    "signing_in",
    "tasks",
    "workspaces",
]
