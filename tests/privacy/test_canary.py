"""Whatever a person left anywhere is gone after the erasure: a word is planted in every column of every table.

Tables and columns are read from the database itself: a new one has to take its place in `places.py`, and be erased.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit import verify as audit_verify
from app.assets.storage import LocalStorage
from app.assets.tools import AssetTools
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.visitor import Visitor
from app.ledger.verify import verify
from app.mail import service as mail
from app.privacy.erasure import service as erasure
from app.privacy.export import service as exports
from tests.accounts.signed_in import let_due, make_team, sign_in, user_of
from tests.conftest import PHOTOS, REACHABLE, Account
from tests.privacy.places import KEPT, NOT_PERSONAL, WHOSE

WORD = "kanarienvogel"
"""As it is; hidden inside of bytes it is found by its hexadecimal form."""

HOOK = f"http://{REACHABLE}:1/{WORD}"

_COLUMNS = """
    select c.table_name, c.column_name, c.udt_name from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.is_generated = 'NEVER'
      and c.table_name not in (select relname from pg_class where relispartition)
      and c.udt_name in ('text', 'varchar', 'json', 'jsonb', 'bytea', '_text', '_varchar', 'inet', 'cidr')
"""
_PLANT = {
    "text": "left('{word} ' || {column}, 250)",
    "varchar": "left('{word} ' || {column}, 250)",
    "json": """jsonb_build_object('code', 'internal', '{word}', '{word}', 'in', {column})""",
    "jsonb": """jsonb_build_object('code', 'internal', '{word}', '{word}', 'in', {column})""",
    "bytea": "'{word}'::bytea || coalesce({column}, '')",
    "_text": "array['{word}']",
    "_varchar": "array['{word}']",
}


@dataclass
class Person:
    """Somebody who has left a word everywhere."""

    account: Account
    client: httpx.AsyncClient
    user_id: UUID
    address: str
    alone: UUID
    """A team of their own."""
    shared: UUID
    """One with somebody else."""
    invitation: UUID


async def _columns(database: Database) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in await database.fetch(_COLUMNS):
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["udt_name"]
    return found


async def _finds(database: Database, root: Path) -> list[str]:
    """Every table and every file that has the word."""
    found = []
    tables = await database.fetch(
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    for name in (row["table_name"] for row in tables):
        rows = await database.fetch(
            f"select t::text as row from {name} t where t::text ilike $1 or t::text ilike $2 limit 3",
            f"%{WORD}%",
            f"%{WORD.encode().hex()}%",
        )
        found += [f"{name}: {row['row'][:300]}" for row in rows]
    return found + await asyncio.to_thread(_files_with_word, root)


def _files_with_word(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("*") if path.is_file() and WORD.encode() in path.read_bytes()]


@asynccontextmanager
async def _triggers_off(database: Database, tables: list[str]) -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        for name in tables:
            await session.execute(text(f"alter table {name} disable trigger user"))
        yield session
        await session.flush()
        guards = await session.execute(
            text(
                "select c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid"
                " where not tgisinternal and tgenabled = 'D'"
            )
        )
        for name, trigger in guards.all():
            await session.execute(text(f"alter table {name} enable trigger {trigger}"))


@pytest.fixture
async def person(
    account: Account, neighbour: Account, settings: Settings, database: Database, tools: AssetTools
) -> AsyncIterator[Person]:
    """Uses everything there is, and has the word in all of it."""
    user_id, other = await user_of(database, account), await user_of(database, neighbour)
    alone = await make_team(database, WORD, owner=user_id)
    shared = await make_team(database, "Lacquer", owner=other, member=user_id)
    address = f"{WORD}.{user_id.hex}@example.com"
    await database.fetch("update users set email = $2 where id = $1", user_id, address)
    account.email = address
    client = await sign_in(settings, database, account)
    image = await account.upload((PHOTOS / "coffee.jpg").read_bytes(), f"{WORD}.jpg")
    order = {
        "operation": "replace_background",
        "input": {"image": image, "prompt": f"a {WORD} in a tree"},
        "metadata": {"note": WORD},
        "webhook_url": HOOK,
    }
    hook = {"url": HOOK, "description": WORD, "headers": {"X-Word": WORD}}
    assert (await account.live.post("/v1/webhook-endpoints", json=hook)).status_code == 201
    key = {"Idempotency-Key": f"{WORD}-1"}
    task = (await account.live.post("/v1/tasks", json=order, headers=key)).json()
    assert (await account.live.post(f"/v1/tasks/{task['id']}/cancel")).status_code == 200
    item = {"filename": f"{WORD}.jpg", "input": order["input"], "metadata": {"note": WORD}}
    batch = {"operation": "replace_background", "items": [item, {"input": {"prompt": WORD}}], "metadata": {"x": WORD}}
    made = await account.live.post("/v1/batches", json=batch, headers={"Idempotency-Key": f"{WORD}-2"})
    assert made.status_code == 202, made.text
    assert (await account.live.post("/v1/api-keys", json={"name": WORD})).status_code == 201
    invitation = new_id()
    async with database.transaction() as session:
        await _fill(session, account, user_id, other, shared, invitation)
        actor = audit.Actor("user", user_id, visitor=Visitor("203.0.113.7", f"Mozilla {WORD}"))
        for workspace_id in (account.workspace_id, alone, shared, None):
            audit.record(session, actor, "thing.done", workspace_id=workspace_id, data={"x": WORD})
        # By others, about them.
        by = audit.Actor("user", other)
        data = {"email": address}
        audit.record(
            session, by, "invitation.created", workspace_id=shared, target=("invitation", invitation), data=data
        )
        audit.record(session, by, "member.removed", workspace_id=shared, target=("user", user_id), data={"n": WORD})
        audit.record(session, audit.Actor("anonymous"), "login.failed", workspace_id=None, data=data)
        for kind, facts in (("export_ready", {"x": WORD}), ("password_changed", {})):
            mail.post(session, kind, to=address, locale="vi", workspace_id=account.workspace_id, facts=facts)  # type: ignore[arg-type]
        mail.post(
            session,
            "invitation",
            to="friend@example.com",
            locale="vi",
            workspace_id=shared,
            facts={"inviter": WORD},
            token_id=new_id(),
            expires_at=clock.now() + timedelta(days=1),
        )
        export = await exports.ask(session, user_id, actor)
        await session.flush()
        # As in development, where mails are kept as they were made.
        await session.execute(
            text(
                "insert into caught_mails (id, kind, to_address, subject, text, html, raw, created_at)"
                " select id, kind, to_address, '', '', '', '', now() from mails"
                " where to_address in (:address, 'friend@example.com')"
            ),
            {"address": address},
        )
    await _move_on(database, account.workspace_id, shared, user_id, other)
    async with database.transaction() as session:
        mailed = await session.execute(text("select token_id from mails where to_address = 'friend@example.com'"))
        values = {"id": mailed.scalars().first(), "workspace": shared, "user": user_id, "now": clock.now()}
        await session.execute(
            text(
                "insert into invitations (id, workspace_id, email, role, invited_by, created_at, expires_at)"
                " values (:id, :workspace, 'friend@example.com', 'viewer', :user, :now, :now)"
            ),
            values,
        )
    await tools.storage.put(export.key, WORD.encode(), "application/zip")
    yield Person(account, client, user_id, address, alone, shared, invitation)
    await client.aclose()


async def _move_on(database: Database, personal: UUID, shared: UUID, user_id: UUID, other: UUID) -> None:
    """They had another address before, by which others know them."""
    old, invitation = f"before.{WORD}.{user_id.hex}@example.com", new_id()
    statement = """
        insert into invitations (id, workspace_id, email, role, invited_by, created_at, expires_at)
        values (:id, :workspace, :email, 'member', :by, :now, :now)"""
    async with database.transaction() as session:
        now = clock.now()
        values = {"id": invitation, "workspace": shared, "email": old, "by": other, "now": now}
        await session.execute(text(statement), values)
        mail.post(
            session,
            "invitation",
            to=old,
            locale="vi",
            workspace_id=shared,
            token_id=invitation,
            expires_at=now + timedelta(days=1),
        )
        by = audit.Actor("user", other)
        audit.record(session, by, "invitation.withdrawn", workspace_id=shared, data={"email": old})
    async with database.transaction() as session:
        data = {"old_email": old, "new_email": f"{WORD}@example.com"}
        by, target = audit.Actor("user", user_id), ("user", user_id)
        audit.record(session, by, "email.changed", workspace_id=personal, target=target, data=data)


async def _fill(
    session: AsyncSession, account: Account, user_id: UUID, other: UUID, shared: UUID, invitation: UUID
) -> None:
    """A row in what is not easily reached from outside."""
    now = clock.now()
    rows: dict[str, dict[str, Any]] = {
        "identities": {
            "id": new_id(),
            "user_id": user_id,
            "issuer": WORD,
            "subject": f"{WORD} {user_id}",
            "created_at": now,
        },
        "proofs": {
            "id": new_id(),
            "user_id": user_id,
            "purpose": "verify_email",
            "email": f"old-{WORD}@example.com",
            "created_at": now,
            "expires_at": now,
        },
        "invitations": {
            "id": invitation,
            "workspace_id": shared,
            "email": account.email,
            "role": "member",
            "invited_by": other,
            "created_at": now,
            "expires_at": now + timedelta(days=1),
        },
    }
    for table, row in rows.items():
        names = ", ".join(row)
        await session.execute(
            text(f"insert into {table} ({names}) values ({', '.join(':' + name for name in row)})"), row
        )
    values = {"workspace": account.workspace_id, "now": now, "id": new_id(), "word": WORD.encode()}
    statements = (
        """insert into task_attempts (id, task_id, run, position, provider, model, status, started_at)
           select :id, id, 1, 0, 'local', 'x', 'failed', :now from tasks where workspace_id = :workspace limit 1""",
        """insert into inbound_callbacks (id, attempt_id, provider, digest, body, body_bytes)
           values (:id, :id, 'local', :word, :word, 5)""",
        """insert into imported_files (batch_id, url_digest, asset_id)
           select id, :word, :id from batches where workspace_id = :workspace""",
        f"""insert into webhook_deliveries (id, workspace_id, mode, target_id, url, event_id, event_type, payload,
               status, attempts, tries, due_at, created_at)
           values (:id, :workspace, 'live', :id, '{HOOK}', :id, 'task.failed', '{WORD}',
               'pending', 1, 1, :now, :now)""",
        """insert into webhook_attempts (delivery_id, number, workspace_id, mode, started_at, seconds, url,
               request_headers, request_body, response_body)
           values (:id, 1, :workspace, 'live', :now, 1, '', '{}', '', '')""",
    )
    for statement in statements:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await session.execute(text(statement), used)


async def _plant(database: Database, person: Person) -> None:
    """The word into every column, beside what was there."""
    tables = await _columns(database)
    values = {
        "user": person.user_id,
        "workspace": person.account.workspace_id,
        "alone": person.alone,
        "word": f"%{WORD}%",
        "invitation": person.invitation,
    }
    async with _triggers_off(database, [name for name in WHOSE if WHOSE[name] != "false"]) as session:
        for name, whose in WHOSE.items():
            columns = {
                column: kind
                for column, kind in tables[name].items()
                if column not in KEPT.get(name, ()) and (name, column) != ("users", "email")
            }
            if not columns or whose == "false":
                continue
            planted = {column: _PLANT[kind].format(word=WORD, column=f'"{column}"') for column, kind in columns.items()}
            if name == "batch_items":  # an item has a task, or an error
                planted["error"] = f"case when task_id is null then {planted['error']} end"
            if name == "api_keys":  # an old secret has an end
                planted["previous_until"] = "now() + interval '1 day'"
            if name == "identities":  # two are never the same
                planted["subject"] = f"'{WORD} ' || id"
            sets = ", ".join(f'"{column}" = {value}' for column, value in planted.items())
            used = {key: value for key, value in values.items() if f":{key}" in whose}
            touched = await session.execute(text(f"update {name} set {sets} where {whose} returning 1"), used)
            assert touched.first(), f"nothing of {name} is there to be erased"


async def test_every_table_has_its_place_here(database: Database) -> None:
    tables = await _columns(database)
    assert set(tables) - set(NOT_PERSONAL) == set(WHOSE), (
        "say in tests/privacy/test_canary.py whose a new table's rows are"
    )


async def _erase(settings: Settings, database: Database, tools: AssetTools, person: Person) -> None:
    """To the end: the last mail goes out, and all is gone through again."""
    for _ in range(2):
        await let_due(database, person.user_id, settled=True)
        assert await erasure.erase_due(database, settings, tools, only=person.user_id) == 1
        await database.fetch("update mails set status = 'sent' where to_address = $1", person.address)
    row = await database.fetchrow("select ended_at from erasures where user_id = $1", person.user_id)
    assert row
    assert row["ended_at"] is not None


async def _schedule(person: Person) -> None:
    answer = await person.client.request("DELETE", "/v1/me", json={"confirm": person.address})
    assert answer.status_code == 202, answer.text


async def _is_clean(database: Database, tools: AssetTools) -> None:
    assert isinstance(tools.storage, LocalStorage)
    assert await _finds(database, tools.storage.root) == []
    async with database.transaction() as session:
        assert await verify(session) == []
        assert (await audit_verify.verify(session)).breaches == []


async def test_the_word_is_nowhere_after_the_erasure(
    settings: Settings, database: Database, tools: AssetTools, person: Person
) -> None:
    await _schedule(person)
    await _plant(database, person)
    assert isinstance(tools.storage, LocalStorage)
    before = await _finds(database, tools.storage.root)
    assert {find.partition(":")[0] for find in before} >= set(WHOSE) - {"exports"}  # which has its file
    assert any(find.endswith("export.zip") for find in before)
    await _erase(settings, database, tools, person)
    await _is_clean(database, tools)


class Killed(BaseException):
    """As if the process had died here."""


class Dying:
    """A database in whose process nothing happens any more before, or after, the commit of the nth transaction."""

    def __init__(self, database: Database, number: int, *, commits: bool) -> None:
        self._database, self._left, self._commits = database, number, commits

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        self._left -= 1
        async with self._database.transaction() as session:
            yield session
            if self._left == 0 and not self._commits:
                raise Killed
        if self._left == 0:
            raise Killed


async def test_a_worker_may_die_at_any_moment_of_it(
    settings: Settings, database: Database, tools: AssetTools, person: Person
) -> None:
    await _schedule(person)
    await _plant(database, person)
    number = 1
    while True:
        died = 0
        for commits in (False, True):
            await let_due(database, person.user_id)
            try:
                await erasure.erase_due(
                    Dying(database, number, commits=commits),  # type: ignore[arg-type]
                    settings,
                    tools,
                    only=person.user_id,
                )
            except Killed:
                died += 1
        if died == 0:
            break
        number += 1
    assert number > 20
    await _erase(settings, database, tools, person)
    await _is_clean(database, tools)
