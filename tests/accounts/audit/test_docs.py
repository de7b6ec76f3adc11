"""docs/audit.md lists every action there is, and every check."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app.accounts.audit.queries import CHECKS, ERASED
from app.accounts.audit.verify import PINNED

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "audit.md").read_text()
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
_PLACES = {"audit.record": 2, "audit.entry": 1}
"""Where each takes the action."""
LISTED = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \|", re.MULTILINE)


def _name(call: ast.Call) -> str:
    """The last word of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_record(call: ast.Call) -> bool:
    """Of the audit log, not of the event log."""
    return ast.unparse(call.func) in _PLACES


def _action(call: ast.Call) -> ast.expr | None:
    place = _PLACES[ast.unparse(call.func)]
    return call.args[place] if len(call.args) > place else None


def _values(call: ast.Call) -> Iterator[ast.expr]:
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        yield from ast.walk(value) if isinstance(value, ast.IfExp) else (value,)


def _trees() -> list[ast.Module]:
    return [ast.parse(path.read_text()) for path in (ROOT / "app").rglob("*.py")]


def _noting(tree: ast.Module) -> set[str]:
    """Functions that pass what they are given on to the audit log, as the action."""
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        parameters = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and _is_record(call):
                action = _action(call)
                if isinstance(action, ast.Name) and action.id in parameters:
                    found.add(function.name)
    return found


def _actions() -> set[str]:
    trees = _trees()
    noting = set().union(*map(_noting, trees))
    found = {ERASED}
    for call in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not (_is_record(call) or _name(call) in noting):
            continue
        texts = [value.value for value in _values(call) if isinstance(value, ast.Constant)]
        found |= {text for text in texts if isinstance(text, str) and ACTION.fullmatch(text)}
    return found


def test_the_actions_are_found_also_where_a_function_stands_between() -> None:
    assert {"session.started", "user.suspended", "account.deletion_scheduled", "member.removed"} <= _actions()


def test_every_action_is_listed_and_every_listed_one_exists() -> None:
    assert set(LISTED.findall(DOCS)) == _actions()


def test_every_check_is_listed() -> None:
    assert re.findall(r"^\| (A\d+) \|", DOCS, re.MULTILINE) == [*CHECKS, PINNED]
