"""Every request the OpenAPI document knows, with somebody else's ids in it."""

import copy
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.accounts.permissions import NEEDS, Need
from tests.test_openapi import OPERATIONS, examples, resolve

Json = dict[str, Any]
ID = re.compile(r"\b([a-z]+)_[0-7][0-9a-hjkmnp-tv-z]{25}\b")
"""A public id, and its prefix."""
_ID_PATTERN = re.compile(r"\^([a-z]+)_\[0-7\]")
NOWHERE = "http://127.0.0.2:1/picture.png"
"""Instead of URLs of others: nothing answers there."""
MISSING_NEED = (
    "{0} has no entry in NEEDS: say in app/accounts/permissions.py who may call it (PUBLIC, USER, CONFIRMED, or the"
    " scope the route asks for), then `make openapi` writes docs/permissions.md"
)
MISSING_ID = (
    "{0} takes an id that begins with {1}_, and tests/tenants/victim.py makes none: add one to `make_victim`, whose"
    " data say CANARY, so that others can be seen to get nothing of it"
)
MISSING_VALUE = "{0} has a path parameter {1} that is no id and has no example: add it to VALUES in tests/tenants"


@dataclass(frozen=True)
class Operation:
    """One route."""

    id: str
    method: str
    path: str
    raw: Json

    @cached_property
    def need(self) -> Need:
        assert self.id in NEEDS, MISSING_NEED.format(self.id)
        return NEEDS[self.id]

    def parameters(self, place: str) -> list[Json]:
        return [one for one in self.raw.get("parameters", ()) if one["in"] == place]

    def bodies(self) -> Iterator[tuple[str, Any]]:
        """Each example, and its content type."""
        for kind, media in self.raw.get("requestBody", {}).get("content", {}).items():
            for value in examples(media):
                yield kind, value


@dataclass(frozen=True)
class Request:
    """What is sent."""

    operation: Operation
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    body: tuple[str, Any] | None = None
    is_theirs: bool = False
    """Whether the path has an id of the victim's in it."""

    def arguments(self) -> Json:
        """For httpx."""
        sent: Json = {"params": self.query} if self.query else {}
        if self.body is None:
            return sent
        kind, value = self.body
        if kind == "multipart/form-data":
            files = {name: ("a.png", b"no picture") for name in value if name == "file"}
            return sent | {"files": files, "data": {name: part for name, part in value.items() if name not in files}}
        if kind == "application/x-www-form-urlencoded":
            return sent | {"data": value}
        return sent | {"content": json.dumps(value), "headers": {"Content-Type": kind}}

    @property
    def text(self) -> str:
        """All that is in it: what an answer may say again."""
        return json.dumps([self.path, self.query, self.body])

    def __str__(self) -> str:
        return f"{self.operation.id}: {self.operation.method} {self.path} {self.query or ''} {self.body or ''}"[:300]


ALL = [Operation(raw["operationId"], name.split()[0], name.split()[1], raw) for name, raw in OPERATIONS.items()]


def _prefix(schema: Json) -> str | None:
    """Of which kind of id a parameter is, if of any."""
    for one in (schema, *schema.get("anyOf", ())):
        if found := _ID_PATTERN.match(resolve(one).get("pattern", "")):
            return found[1]
    return None


class Maker:
    """Makes requests about the things of somebody."""

    def __init__(self, ids: Mapping[str, Sequence[str]], values: Mapping[str, str], words: str) -> None:
        self._ids, self._values, self._words = ids, values, words

    def requests(self, operation: Operation, own_workspace: str | None = None) -> list[Request]:
        """With each id of theirs; with each way to search; with each example of a body."""
        paths = self._paths(operation)
        if own_workspace and len({name for name, _ in paths[0][1]}) > 1:
            theirs = next((value for name, value in paths[0][1] if name == "workspace_id"), None)
            if theirs:  # the rest of theirs behind an id of one's own
                paths.append((paths[0][0].replace(theirs, own_workspace), paths[0][1]))
        bodies: list[tuple[str, Any] | None] = [
            (kind, self._with_ids(operation, value)) for kind, value in operation.bodies()
        ]
        queries: list[list[tuple[str, str]]] = [self._required(operation)]
        queries += [[*queries[0], pair] for pair in self._searches(operation)]
        return [
            Request(operation, path, query, body, is_theirs=bool(used))
            for (path, used), query, body in itertools.product(paths, queries, bodies or [None])
        ]

    def _paths(self, operation: Operation) -> list[tuple[str, list[tuple[str, str]]]]:
        choices: list[list[tuple[str, str, bool]]] = []
        for parameter in operation.parameters("path"):
            name, schema = parameter["name"], parameter["schema"]
            if prefix := _prefix(schema):
                choices.append([(name, value, True) for value in self._of(operation, prefix)])
            elif value := self._values.get(f"{operation.id}.{name}") or self._values.get(name):
                choices.append([(name, value, f"{operation.id}.{name}" in self._values)])
            else:
                found = [*schema.get("enum", ()), *schema.get("examples", ())]
                assert found, MISSING_VALUE.format(operation.id, name)
                choices.append([(name, found[0], False)])
        made = []
        for chosen in itertools.product(*choices):
            path = operation.path
            for name, value, _ in chosen:
                path = path.replace(f"{{{name}}}", value)
            made.append((path, [(name, value) for name, value, is_theirs in chosen if is_theirs]))
        return made

    def _required(self, operation: Operation) -> list[tuple[str, str]]:
        made = []
        for parameter in operation.parameters("query"):
            if parameter.get("required"):
                schema = resolve(parameter["schema"])
                found = [*schema.get("enum", ()), *schema.get("examples", ()), self._words]
                made.append((parameter["name"], str(found[0])))
        return made

    def _searches(self, operation: Operation) -> Iterator[tuple[str, str]]:
        """Filters that ask for their things: by id, or by a word that is in them alone."""
        for parameter in operation.parameters("query"):
            name, schema = parameter["name"], parameter["schema"]
            kinds = [resolve(one) for one in (schema, *schema.get("anyOf", ()))]
            if prefix := _prefix(schema):
                yield name, self._of(operation, prefix)[0]
            elif parameter.get("style") == "deepObject":
                yield f"{name}[note]", self._words
            elif name != "cursor" and any(kind.get("type") == "string" and not _is_closed(kind) for kind in kinds):
                yield name, self._words

    def _with_ids(self, operation: Operation, value: Any) -> Any:
        match value:
            case dict():
                return {name: self._with_ids(operation, part) for name, part in value.items()}
            case list():
                return [self._with_ids(operation, part) for part in value]
            case str() if found := ID.fullmatch(value):
                return self._of(operation, found[1])[0]
            case str() if value.startswith(("http://", "https://")):
                return NOWHERE
        return copy.copy(value)

    def _of(self, operation: Operation, prefix: str) -> Sequence[str]:
        assert prefix in self._ids, MISSING_ID.format(operation.id, prefix)
        return self._ids[prefix]


def _is_closed(schema: Json) -> bool:
    return "enum" in schema or "format" in schema or "const" in schema
