"""Who is after it: each with what they show of themselves, and how each request of theirs has to end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import func, text, update

from app.accounts import csrf
from app.accounts.keys import secrets
from app.accounts.models import ApiKey, Scope, User
from app.accounts.permissions import Need
from app.accounts.sessions import service as sessions
from app.accounts.sessions import tokens
from app.core.db import Database
from app.core.ids import decode, new_id
from app.core.settings import Settings
from app.core.visitor import Visitor
from tests.accounts.people import Person, make_key, make_person, seat
from tests.tenants.requests import Operation, Request
from tests.tenants.victim import MISLED, Victim

Headers = dict[str, str]
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Scene:
    """Where it happens."""

    settings: Settings
    database: Database
    victim: Victim


@dataclass(frozen=True)
class Attack:
    """What one attacker sends with each request, and a team of their own if they have one."""

    headers: Headers
    own_team: str | None = None


Verdict = str | None
"""What is wrong with an answer."""


@dataclass(frozen=True)
class Attacker:
    """Who they are. `begin` makes them anew after each change they could make: it may be the last they can send."""

    name: str
    begin: Callable[[Scene, Operation], Awaitable[Attack]]
    judge: Callable[[Request, httpx.Response], Verdict]
    may_read: bool = False
    """They are in the team, so what they are told of it is theirs to know."""
    is_of_one_operation: bool = False
    """They show something else for each operation."""
    told: frozenset[str] = frozenset()
    """Operations that tell them of the workspace, as they should."""
    concerns: Callable[[Operation], bool] = lambda _: True


def _is(answer: httpx.Response, *wanted: int | str) -> Verdict:
    """The status or the code is one of these."""
    code = answer.json().get("code") if answer.headers.get("content-type", "").endswith("problem+json") else None
    if answer.status_code in wanted or code in wanted:
        return None
    return f"{answer.status_code} {code}, not {' or '.join(map(str, wanted))}"


# --- nobody, and what is no credential


def _showing(name: str, headers: Mapping[str, str]) -> Attacker:
    async def begin(scene: Scene, operation: Operation) -> Attack:
        return Attack(dict(headers))

    def judge(request: Request, answer: httpx.Response) -> Verdict:
        return None if request.operation.need.is_public else _is(answer, 401)

    return Attacker(name, begin, judge)


_JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyXzAxamNxem00eDhlM3Y5dGs1aDJ3N2Q2bjBwIn0."
STRANGE = [
    _showing("nobody", {}),
    _showing("garbage", {"Authorization": "Bearer garbage"}),
    _showing("basic", {"Authorization": "Basic YTpi"}),
    _showing("a key that is none", {"X-API-Key": "bk_live_" + "0" * 71}),
    _showing("a key that was never made", {"Authorization": f"Bearer {secrets.make('live', new_id())}"}),
    _showing("a token nobody signed", {"Authorization": f"Bearer {_JWT}"}),
    _showing("a cookie that is none", {"Cookie": f"{csrf.SESSION_COOKIE}=bkc_{'A' * 64}"}),
]


# --- somebody else


async def stranger(scene: Scene) -> tuple[Person, str]:
    """Another customer, and their team."""
    person = await make_person(scene.settings, scene.database, "stranger")
    team = await person.make_team("elsewhere")
    await person.http.aclose()
    return person, team


def _theirs_is_not_there(request: Request, answer: httpx.Response) -> Verdict:
    need = request.operation.need
    if need.is_public:
        return None
    if need.admin:
        return _is(answer, "admin_required", "session_required", "confirmation_required")
    if request.is_theirs:
        # 403 where who they are is asked before what it is about: for a session, a live key, an invitation of theirs.
        return _is(answer, 404, "session_required", "confirmation_required", "live_key_required", "other_invitee")
    return None  # what they do to themselves; that they learn nothing is judged for all


async def _by_session(scene: Scene, operation: Operation) -> Attack:
    person, team = await stranger(scene)
    return Attack({"Authorization": person.http.headers["authorization"]}, team)


async def _by_session_there(scene: Scene, operation: Operation) -> Attack:
    attack = await _by_session(scene, operation)
    return Attack(attack.headers | {"X-Workspace-Id": scene.victim.team}, attack.own_team)


def _by_key(mode: str, *, there: bool = False) -> Callable[[Scene, Operation], Awaitable[Attack]]:
    async def begin(scene: Scene, operation: Operation) -> Attack:
        person, team = await stranger(scene)
        _, secret = await make_key(scene.database, person, team, mode=mode)
        headers = {"Authorization": f"Bearer {secret}"}
        return Attack(headers | ({"X-Workspace-Id": scene.victim.team} if there else {}), team)

    return begin


def _workspace_is_not_there(request: Request, answer: httpx.Response) -> Verdict:
    return None if request.operation.need.is_public else _is(answer, "workspace_not_found")


STRANGERS = [
    Attacker("a stranger", _by_session, _theirs_is_not_there),
    Attacker("a stranger who names the workspace", _by_session_there, _workspace_is_not_there),
    Attacker("a stranger's key", _by_key("live"), _theirs_is_not_there),
    Attacker("a stranger's key that names the workspace", _by_key("live", there=True), _workspace_is_not_there),
    Attacker("a stranger's test key", _by_key("test"), _theirs_is_not_there),
]


# --- members who may not


def _member(role: str) -> Callable[[Scene, Operation], Awaitable[Attack]]:
    async def begin(scene: Scene, operation: Operation) -> Attack:
        person, team = await stranger(scene)
        await seat(scene.database, scene.victim.team, person, role)
        authorization = person.http.headers["authorization"]
        return Attack({"Authorization": authorization, "X-Workspace-Id": scene.victim.team}, team)

    return begin


def _in_role(role: str) -> Callable[[Request, httpx.Response], Verdict]:
    def judge(request: Request, answer: httpx.Response) -> Verdict:
        need = request.operation.need
        if need.is_public:
            return None
        if need.admin:
            return _is(answer, "admin_required")
        if not need.has(role):
            return _is(answer, "missing_scope", "forbidden_role", 404)
        if request.operation.id == "remove_member":  # of others
            return _is(answer, "missing_scope", 404)
        return f"{answer.status_code}, and it may be seen" if _should_be_there(request, answer) else None

    return judge


def _should_be_there(request: Request, answer: httpx.Response) -> bool:
    """Reading with the team's ids has to work, or all this proves nothing."""
    asked = request.operation
    is_whole = asked.need.scope is not None and request.is_theirs and len(request.query) == 0
    return asked.method == "GET" and is_whole and answer.status_code not in (200, 302) and "ws_" not in request.path


def _beyond(role: str) -> Callable[[Operation], bool]:
    return lambda operation: operation.need.admin or not operation.need.has(role)


ROLES = [
    Attacker("a viewer", _member("viewer"), _in_role("viewer"), may_read=True),
    *(
        Attacker(f"a mere {role}", _member(role), _in_role(role), may_read=True, concerns=_beyond(role))
        for role in ("member", "admin")
    ),
]


# --- keys of the team


async def _lacking_the_scope(scene: Scene, operation: Operation) -> Attack:
    scopes = [scope.value for scope in Scope if scope != operation.need.scope]
    victim = scene.victim
    _, secret = await make_key(scene.database, victim.person, victim.team, scopes=scopes)
    return Attack({"Authorization": f"Bearer {secret}"})


def _scope_is_missing(request: Request, answer: httpx.Response) -> Verdict:
    need: Need = request.operation.need
    if need.user or need.admin:
        return _is(answer, "session_required")
    # Of a personal workspace in the path, of which the key is not, nothing is told at all.
    return _is(answer, "missing_scope", "workspace_not_found")


async def _test_key(scene: Scene, operation: Operation) -> Attack:
    victim = scene.victim
    _, secret = await make_key(scene.database, victim.person, victim.team, mode="test")
    return Attack({"Authorization": f"Bearer {secret}"})


TOLD_TO_TEST_KEYS = frozenset({"get_me", "list_workspaces", "get_workspace"})
"""Whose they are, and of which workspace."""


def _live_is_not_there(request: Request, answer: httpx.Response) -> Verdict:
    need = request.operation.need
    if need.is_public or request.operation.id in TOLD_TO_TEST_KEYS:
        return None
    if need.user or need.admin:
        return _is(answer, "session_required")
    return _is(answer, 404, "live_key_required") if request.is_theirs else None


KEYS = [
    Attacker(
        "a key that lacks the scope",
        _lacking_the_scope,
        _scope_is_missing,
        is_of_one_operation=True,
        concerns=lambda operation: not operation.need.is_public,
    ),
    Attacker("a test key of the team", _test_key, _live_is_not_there, told=TOLD_TO_TEST_KEYS),
]


# --- whose time is over, or whose browser is misled


async def _browser(scene: Scene, operation: Operation) -> Attack:
    """The victim's own browser, sent here by another page."""
    async with scene.database.transaction() as session:
        user = await session.get_one(User, scene.victim.mate.user_id)
        made = await sessions.start(
            session, scene.settings, user, Visitor("", MISLED), kind="cookie", is_confirmed=True
        )
    cookie = tokens.cookie(scene.settings, made.id, made.nonce)
    return Attack({"Cookie": f"{csrf.SESSION_COOKIE}={cookie}", "X-Workspace-Id": scene.victim.team})


def _no_page_of_ours(request: Request, answer: httpx.Response) -> Verdict:
    return _is(answer, "csrf_failed")


async def _suspended(scene: Scene, operation: Operation) -> Attack:
    attack = await _member("owner")(scene, operation)
    await _suspend(scene, attack)
    return attack


async def _suspend(scene: Scene, attack: Attack) -> None:
    await _set(scene, attack, status="suspended")


async def _set(scene: Scene, attack: Attack, **fields: Any) -> None:
    assert attack.own_team is not None
    async with scene.database.transaction() as session:
        owner = "select user_id from members where workspace_id = :team"
        user_id = (await session.execute(text(owner), {"team": decode("ws", attack.own_team)})).scalar_one()
        await session.execute(update(User).where(User.id == user_id).values(fields))


async def _suspended_key(scene: Scene, operation: Operation) -> Attack:
    attack = await _by_key("live")(scene, operation)
    await _suspend(scene, attack)
    return attack


def _is_suspended(request: Request, answer: httpx.Response) -> Verdict:
    return None if request.operation.need.is_public else _is(answer, "account_suspended")


async def _leaving(scene: Scene, operation: Operation) -> Attack:
    attack = await _member("owner")(scene, operation)
    await _set(scene, attack, erase_at=func.now())
    return attack


async def _leaving_key(scene: Scene, operation: Operation) -> Attack:
    attack = await _by_key("live")(scene, operation)
    await _set(scene, attack, erase_at=func.now())
    return attack


def _is_leaving(request: Request, answer: httpx.Response) -> Verdict:
    need = request.operation.need
    if need.is_public:
        return None
    if need.leaving:
        return None if _is(answer, "deletion_scheduled") else "403 deletion_scheduled, and it stays open for them"
    return _is(answer, "deletion_scheduled")


def _is_of_who_is_leaving(request: Request, answer: httpx.Response) -> Verdict:
    need = request.operation.need
    if need.is_public:
        return None
    return _is(answer, "session_required" if need.user or need.admin else "deletion_scheduled")


async def _removed(scene: Scene, operation: Operation) -> Attack:
    person, team = await stranger(scene)
    await seat(scene.database, scene.victim.team, person, "admin")
    async with httpx.AsyncClient(base_url=scene.settings.api.public_url, headers=person.http.headers) as http:
        gone = await http.delete(f"/v1/workspaces/{scene.victim.team}/members/{person.id}")
        assert gone.status_code == 204, gone.text
    return Attack({"Authorization": person.http.headers["authorization"]}, team)


async def _removed_there(scene: Scene, operation: Operation) -> Attack:
    attack = await _removed(scene, operation)
    return Attack(attack.headers | {"X-Workspace-Id": scene.victim.team}, attack.own_team)


async def _revoked_key(scene: Scene, operation: Operation) -> Attack:
    person, _ = await stranger(scene)
    await seat(scene.database, scene.victim.team, person, "admin")
    key_id, secret = await make_key(scene.database, person, scene.victim.team)
    async with scene.database.transaction() as session:
        gone = update(ApiKey).where(ApiKey.id == decode("key", key_id))
        await session.execute(gone.values(revoked_at=ApiKey.created_at))
    return Attack({"Authorization": f"Bearer {secret}"})


def _is_nobody(request: Request, answer: httpx.Response) -> Verdict:
    return None if request.operation.need.is_public else _is(answer, 401)


PAST = [
    Attacker(
        "a browser another page misleads",
        _browser,
        _no_page_of_ours,
        may_read=True,
        concerns=lambda operation: operation.method in CHANGING and not operation.need.is_public,
    ),
    Attacker("somebody suspended", _suspended, _is_suspended),
    Attacker("a key of somebody suspended", _suspended_key, _is_suspended),
    Attacker("an owner whose account is to be deleted", _leaving, _is_leaving, may_read=True),
    Attacker("a key of somebody whose account is to be deleted", _leaving_key, _is_of_who_is_leaving),
    Attacker("a member who was removed", _removed, _theirs_is_not_there),
    Attacker("a member who was removed, and names the workspace", _removed_there, _workspace_is_not_there),
    Attacker("a key that was revoked", _revoked_key, _is_nobody),
]
ATTACKERS = [*STRANGE, *STRANGERS, *ROLES, *KEYS, *PAST]
