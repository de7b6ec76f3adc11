"""Somebody with one of everything, all of which says CANARY; and what of it is in the database."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from app.accounts.identities.models import Identity
from app.accounts.sessions.models import Session
from app.core import tokens
from app.core.db import Database
from app.core.ids import decode, encode
from app.core.settings import Settings
from app.events.publisher import Publisher
from tests.accounts.people import Person, make_key, make_person, seat
from tests.conftest import PHOTOS, REACHABLE, client
from tests.tenants.requests import Maker

CANARY = f"canary{uuid4().hex[:12]}"


@dataclass
class Victim:
    """A user, a workmate, and the team they are in."""

    person: Person
    mate: Person
    team: str
    ids: dict[str, list[str]]
    """Of each kind of thing, by the prefix of its ids."""
    values: dict[str, str]
    """Of what else is theirs in paths, by operation and parameter; and of what is nobody's, by parameter."""
    secrets: list[str] = field(default_factory=list)

    @property
    def maker(self) -> Maker:
        return Maker(self.ids, self.values, CANARY)

    def seen_in(self, said: str, asked: str) -> list[str]:
        """What of theirs an answer says that the question did not."""
        found = [CANARY] if CANARY in said and CANARY not in asked else []
        return found + [one for ids in self.ids.values() for one in ids if one in said and one not in asked]


async def make_victim(settings: Settings, database: Database) -> Victim:
    person = await make_person(settings, database, CANARY, name=f"An {CANARY}", preferences={"note": CANARY})
    mate = await make_person(settings, database, f"{CANARY}-mate", name=f"Bình {CANARY}")
    team = await person.make_team(f"Team {CANARY}")
    await seat(database, team, mate, "member")
    key_id, key = await make_key(database, person, team, name=CANARY)
    await _fund(database, decode("ws", team))
    ids = {
        "ws": [team, encode("ws", person.workspace_id)],
        "user": [person.id, mate.id],
        "key": [key_id],
        "inv": [await _invitation(person, team)],
        "sess": await _sessions(database, person),
        "ident": [await _identity(database, person)],
    }
    async with client(settings, key) as live:
        ids |= await _work(live)
        ids["evt"] = await _events(database, live)
        ids["whd"] = await _deliveries(database, live)
    token = tokens.make(settings, decode("inv", ids["inv"][0]))
    return Victim(
        person,
        mate,
        team,
        ids,
        values={
            "show_invitation.token": token,
            "accept_invitation.token": token,
            "receive_callback.provider": "replicate",
            "receive_callback.token": f"{encode('att', uuid4())}.{'0' * 32}",
        },
        secrets=[token, key, person.http.headers["authorization"].partition(" ")[2]],
    )


async def _work(live: httpx.AsyncClient) -> dict[str, list[str]]:
    """Assets, tasks and a batch: a task that is open, and one that has ended."""
    named = {"files": {"file": (f"{CANARY}.jpg", (PHOTOS / "coffee.jpg").read_bytes())}}
    asset = await _made(live, "/v1/assets", **named, data={"metadata": json.dumps({"note": CANARY})})
    given = {"image": asset, "preset": "studio-white", "prompt": f"on a table of {CANARY}"}
    order = {
        "operation": "replace_background",
        "input": given,
        "metadata": {"note": CANARY},
        "webhook_url": f"http://{REACHABLE}:1/{CANARY}",
    }
    hook = {"url": f"http://{REACHABLE}:1/hook", "description": CANARY, "headers": {"X-Canary": CANARY}}
    endpoint = await _made(live, "/v1/webhook-endpoints", json=hook)
    open_task, ended = await _made(live, "/v1/tasks", json=order), await _made(live, "/v1/tasks", json=order)
    assert (await live.post(f"/v1/tasks/{ended}/cancel")).is_success
    item = {"filename": f"{CANARY}.jpg", "input": given, "metadata": {"note": CANARY}}
    order = {"operation": "replace_background", "items": [item], "metadata": {"note": CANARY}}
    batch = await _made(live, "/v1/batches", json=order)
    return {"asset": [asset], "task": [open_task, ended], "batch": [batch], "whe": [endpoint]}


async def _events(database: Database, live: httpx.AsyncClient) -> list[str]:
    """One that says CANARY."""
    await Publisher(database, database.redis).publish()
    told = (await live.get("/v1/events", params={"type": "task.created"})).json()["data"]
    assert CANARY in str(told[0])
    return [told[0]["id"]]


async def _deliveries(database: Database, live: httpx.AsyncClient) -> list[str]:
    """One of a task, and what was sent and came back."""
    query = {"event_type": "task.created"}
    (delivery, *_) = (await live.get("/v1/webhook-deliveries", params=query)).json()["data"]
    attempt = """insert into webhook_attempts (
            delivery_id, number, workspace_id, mode, started_at, seconds, url, request_headers, request_body, status,
            response_headers, response_body)
        select id, 1, workspace_id, mode, now(), 1, '', '{}', $2, 500, '{}', $2 from webhook_deliveries where id = $1"""
    await database.fetch(attempt, decode("whd", delivery["id"]), CANARY)
    return [delivery["id"]]


async def _made(live: httpx.AsyncClient, path: str, **body: Any) -> str:
    answer = await live.post(path, **body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def _fund(database: Database, workspace_id: UUID) -> None:
    grant = "select ledger_grant(:workspace, 'live', 'grant', 90000000, :reason, :reference)"
    values = {"workspace": workspace_id, "reason": CANARY, "reference": f"test:{workspace_id}"}
    async with database.transaction() as session:
        await session.execute(text("select ledger_open(:workspace, 'live', 0, '')"), {"workspace": workspace_id})
        await session.execute(text(grant), values)


async def _invitation(person: Person, team: str) -> str:
    return await _made(person.http, f"/v1/workspaces/{team}/invitations", json={"email": f"new-{CANARY}@example.com"})


async def _sessions(database: Database, person: Person) -> list[str]:
    """Theirs, from a device that is named."""
    async with database.transaction() as session:
        query = text("update sessions set user_agent = :agent where user_id = :user returning id")
        rows = await session.execute(query, {"agent": CANARY, "user": person.user_id})
        return [encode("sess", row.id) for row in rows]


async def _identity(database: Database, person: Person) -> str:
    async with database.transaction() as session:
        row = Identity(
            user_id=person.user_id, issuer="https://accounts.google.com", subject=uuid4().hex, email=person.email
        )
        session.add(row)
        await session.flush()
        return encode("ident", row.id)


# --- what is in the database

_VOLATILE = ("last_used_at", "last_used_ip", "confirmed_at")
_UNTOLD = {"idempotency_keys", "audit_entries"}
"""What is remembered of a refused request, and what grows with what is made ready for the attackers."""
MISLED = "a browser of the mate's"
_OF_TESTS = ('"name": "tests"', f'"user_agent": "{MISLED}"')
"""Keys and sessions that are made for attackers."""
_COLUMNS = """
select c.table_name, array_agg(c.column_name::text) as names from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where c.table_schema = 'public' and t.table_type = 'BASE TABLE' group by c.table_name
"""


async def all_of(database: Database, victim: Victim) -> dict[str, set[str]]:
    """Every row of every table that is of the victim or their team, live, as text."""
    users = [victim.person.user_id, victim.mate.user_id]
    workspaces = [decode("ws", one) for one in victim.ids["ws"]]
    found = {}
    async with database.transaction() as session:
        tables = {row.table_name: set(row.names) for row in await session.execute(text(_COLUMNS))}
        for table, columns in tables.items():
            if table in _UNTOLD:
                continue
            wanted = []
            if "workspace_id" in columns:
                wanted.append("workspace_id = any(:workspaces)")
            if "user_id" in columns:
                wanted.append("user_id = any(:users)")
            if table in ("users", "workspaces"):
                wanted.append(f"id = any(:{table})")
            if not wanted:
                continue
            live = " and mode = 'live'" if "mode" in columns else ""
            row = "to_jsonb(t)" + "".join(f" - '{name}'" for name in _VOLATILE)
            query = text(f"select ({row})::text as row from {table} t where ({' and '.join(wanted)}){live}")
            values = {"users": users, "workspaces": workspaces}
            named = {name: value for name, value in values.items() if f":{name}" in str(query)}
            found[table] = {
                one.row for one in await session.execute(query, named) if not any(mark in one.row for mark in _OF_TESTS)
            }
    assert found["tasks"], "the victim has lost everything"
    assert Session.__tablename__ in found
    return found
