"""The page of who may do what, from the permission table and the OpenAPI document; `make openapi` writes it."""

from collections import defaultdict
from typing import Any

from app.accounts.models import Scope, WorkspaceRole
from app.accounts.permissions import KEY_SCOPES, NEEDS, ROLE_SCOPES, Need
from app.openapi import TAGS

ROLES = tuple(reversed(WorkspaceRole))
HEAD = """\
# Who may do what

Written by `make openapi` from `app/accounts/permissions.py` and the routes; a test holds the three together.

A **user** in a workspace has a role, and a role is a set of scopes. An **API key** has scopes of its own, of which
count those its maker's role has at that moment. The workspace is that of the path where the path names one; else that
of `X-Workspace-Id`, else the user's personal one; a key's is its own. Of other workspaces, and of what is in them, the
answer is 404. A test key sees and changes test data only: of live data the answer is 404, and of members and
invitations 403.

Owners alone make owners, hand a team over and delete it; admins manage everybody else. A key acts as an admin at most.
"""


def _yes(is_so: bool) -> str:
    return "✓" if is_so else ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _scopes() -> list[str]:
    rows = [_row("scope", *ROLES, "a new key"), _row(*["---"] * (len(ROLES) + 2))]
    for scope in Scope:
        held = (_yes(scope in ROLE_SCOPES[role]) for role in ROLES)
        rows.append(_row(f"`{scope.value}`", *held, _yes(scope in KEY_SCOPES)))
    return rows


def _need(need: Need) -> str:
    words = [f"`{need.scope.value}`"] if need.scope else []
    words += ["signed in"] if need.user else []
    words += ["confirmed"] if need.confirmed else []
    words += ["owner"] if need.owner else []
    words += ["admin of the installation"] if need.admin else []
    words += ["leaving too"] if need.leaving else []
    return ", ".join(words) or "public"


def _operation(method: str, path: str, operation: dict[str, Any]) -> str | None:
    need = NEEDS.get(operation["operationId"])
    if need is None:
        return None
    # A scope asks for a role; who is signed in has one of them all, and admins are told by another.
    roles = ["" if need.admin else _yes(need.is_public or need.has(role)) for role in ROLES]
    keys = _yes(not need.user)
    return _row(f"`{method.upper()} {path}`", _need(need), *roles, keys)


def page(document: dict[str, Any]) -> str:
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if row := _operation(method, path, operation):
                by_tag[operation["tags"][0]].append(row)
    lines = [HEAD, "## Scopes of roles", "", *_scopes(), "", "## What each route needs", ""]
    lines += [
        "*Signed in*: no API keys. *Confirmed*: with `POST /v1/auth/confirm` in the last ten minutes. *Leaving too*:",
        "users may while their account waits for its deletion; all else is 403 `deletion_scheduled` then. The roles",
        "are those in the workspace; the last column is for keys with the scope. To remove others than oneself from a",
        "workspace takes `workspace:write`.",
        "",
    ]
    for tag in TAGS:
        if by_tag[tag]:
            lines += [f"### {tag}", "", _row("route", "needs", *ROLES, "key"), _row(*["---"] * (len(ROLES) + 3))]
            lines += [*by_tag[tag], ""]
    return "\n".join(lines).rstrip() + "\n"
