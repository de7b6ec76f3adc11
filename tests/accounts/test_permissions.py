"""The permission table says what the routes do: each operation's entry, its dependencies, the document and the page."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from app.accounts import caller
from app.accounts.models import Scope, WorkspaceRole
from app.accounts.permissions import NEEDS, ROLE_SCOPES
from app.core.settings import Settings
from app.main import create_app
from scripts import permissions
from tests.tenants.requests import ALL, MISSING_NEED, Operation
from tests.test_openapi import DOCUMENT

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
ROLES = ("viewer", "member", "admin", "owner")


def _walk(dependant: Any) -> Iterator[Any]:
    yield dependant
    for one in dependant.dependencies:
        yield from _walk(one)


CONTEXTS = list(iter_route_contexts(create_app(Settings(_env_file=None)).routes))  # type: ignore[call-arg]
DEPENDANTS = {
    context.operation_id: list(_walk(context.dependant))
    for context in CONTEXTS
    if getattr(context, "operation_id", None)
}
HIDDEN = {
    "/openapi.json": "the document itself",
    "/docs": "the document, shown",
    "/static-offline-docs": "what shows it",
    "/files/": "a signed URL is all it takes",
    "/account/": "pages that are the same for all",
    "/dev/mail": "in development only",
}
"""Routes that are not in the document, by how their paths begin, and why nobody has to be asked who they are."""
every = pytest.mark.parametrize("operation", [one for one in ALL if one.id in NEEDS], ids=lambda one: str(one.id))


def test_each_operation_has_an_entry() -> None:
    missing = [MISSING_NEED.format(one.id) for one in ALL if one.id not in NEEDS]
    assert not missing, "\n".join(missing)


def test_each_entry_has_an_operation() -> None:
    assert NEEDS.keys() - {one.id for one in ALL} == set(), "take out of NEEDS what is no route any more"


def test_what_is_not_in_the_document_is_named_here() -> None:
    """The requests of the two-tenant test are made from the document: what is not in it is not tried."""
    hidden = {context.path for context in CONTEXTS if not getattr(context, "operation_id", None)}
    assert [path for path in sorted(hidden) if not path.startswith(tuple(HIDDEN))] == []


@every
def test_the_document_says_what_the_entry_says(operation: Operation) -> None:
    need, ways = operation.need, operation.raw.get("security", [])
    asked = {name: scopes for way in ways for name, scopes in way.items()}
    if need.is_public:
        assert not ways
    elif need.user or need.admin:
        assert asked == {"Bearer": [], "Cookie": []}
    else:
        assert need.scope is not None
        assert asked == {way: [need.scope.value] for way in ("Bearer", "ApiKey", "Cookie")}


@every
def test_the_route_asks_for_what_the_entry_says(operation: Operation) -> None:
    need, found = operation.need, DEPENDANTS[operation.id]
    calls = {one.call for one in found}
    scopes = {scope for one in found for scope in one.own_oauth_scopes or ()}
    assert need.is_public == (caller._recognised not in calls)
    assert (need.user or need.admin) == (caller._signed_in in calls)
    assert need.confirmed == (caller._confirmed in calls)
    assert need.admin == (caller._admin in calls)
    if need.user or need.admin:
        assert need.leaving == (caller._staying not in calls)
    if not need.user:  # else the service asks, as in `seats.take`
        assert scopes == ({need.scope.value} if need.scope else set())


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ROLES)))
def test_each_role_may_do_what_the_one_below_may(lower: str, higher: str) -> None:
    assert ROLE_SCOPES[lower] <= ROLE_SCOPES[higher]


def test_owners_have_every_scope_and_viewers_change_nothing() -> None:
    assert ROLE_SCOPES[WorkspaceRole.OWNER] == set(Scope)
    assert not [scope for scope in ROLE_SCOPES[WorkspaceRole.VIEWER] if scope.value.endswith(":write")]


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text() == permissions.page(DOCUMENT), "write it anew with `make openapi`"
