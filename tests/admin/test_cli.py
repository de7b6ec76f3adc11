"""Who administers the installation, said on the command line; and the audit log checked there."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.accounts.audit.service import OPERATOR
from app.accounts.users import queries as users
from app.admin import service
from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.signed_in import user_of
from tests.conftest import Account
from tests.embedded.dev import backlot

Run = Callable[..., Awaitable[CompletedProcess[str]]]


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Run:
    """The command line on the database of the tests, without holding up whoever listens here."""
    env = {
        "BACKLOT_DATABASE_URL": settings.database.url.get_secret_value(),
        "BACKLOT_REDIS_URL": settings.redis.url.get_secret_value(),
    }

    return lambda *command: asyncio.to_thread(backlot, *command, cwd=tmp_path, env=env)


async def test_an_admin_is_made_listed_and_removed_even_the_last(run: Run, database: Database) -> None:
    address = f"{uuid4().hex}@example.com"
    made = await run("admins", "add", "--email", address)
    assert made.returncode == 0, made.stderr
    assert "forgot-password" in made.stdout
    assert address in (await run("admins", "list")).stdout
    removed = await run("admins", "remove", "--email", address)
    assert "no admin any more" in removed.stdout
    assert "was no admin" in (await run("admins", "remove", "--email", address)).stdout
    assert address not in (await run("admins", "list")).stdout
    row = await database.fetchrow("select id, email_verified_at, settled_at from users where email = $1", address)
    assert row
    assert row["email_verified_at"]
    assert row["settled_at"]
    entries = await database.fetch(
        "select action, actor_kind from audit_entries where target_id = $1 and workspace_id is null order by number",
        row["id"],
    )
    assert [tuple(entry) for entry in entries] == [("admin.added", "operator"), ("admin.removed", "operator")]


async def test_what_somebody_set_up_who_never_showed_the_mailbox_is_dropped(database: Database) -> None:
    """A stranger signs up with the address of who is to be an admin, and the owner of the mailbox opens the link."""
    address = f"{uuid4().hex}@example.com"
    async with database.transaction() as session:
        await users.add_user_if_absent(session, address, address, name=None, locale="en")
        user = await users.lock_user_by_email(session, address)
        assert user
        await users.add_personal_workspace_if_absent(session, user)
        user.password_hash = "a stranger's"
        await session.execute(text("update users set email_verified_at = now() where id = :id"), {"id": user.id})
    async with database.transaction() as session:
        admin, has_password = await service.add_admin(session, address)
    assert (admin.role, has_password, admin.password_hash) == ("admin", False, None)
    async with database.transaction() as session:
        await service.remove_admin(session, address)


async def test_a_user_is_suspended_and_let_in_again(run: Run, account: Account, database: Database) -> None:
    assert (await account.live.get("/v1/credits")).status_code == 200
    done = await run("users", "suspend", "--email", account.email, "--reason", "stolen cards")
    assert done.returncode == 0, done.stderr
    async with asyncio.timeout(5):
        while (await account.live.get("/v1/credits")).status_code != 403:
            await asyncio.sleep(0.02)
    assert (await run("users", "reinstate", "--email", account.email)).returncode == 0
    rows = await database.fetch(
        "select actor_kind, action from audit_entries"
        " where chain = $1 and action in ('user.suspended', 'user.reinstated') order by number",
        account.workspace_id,
    )
    assert [tuple(row) for row in rows] == [("operator", "user.suspended"), ("operator", "user.reinstated")]


async def test_an_unknown_address_is_one_line(run: Run) -> None:
    for command in (("users", "suspend", "--reason", "x"), ("users", "reinstate"), ("admins", "remove")):
        failed = await run(*command, "--email", "nobody@example.com")
        assert failed.returncode == 1
        assert failed.stderr == "backlot: There is no user with the address nobody@example.com.\n"


async def test_the_audit_log_is_checked_against_what_was_written_down(
    run: Run, account: Account, database: Database, tmp_path: Path
) -> None:
    async with database.transaction() as session:
        await service.suspend(session, await user_of(database, account), OPERATOR, reason="x")
    ends = await run("audit", "ends")
    assert ends.returncode == 0, ends.stderr
    file = tmp_path / "ends.json"
    file.write_text(ends.stdout)
    good = await run("audit", "verify", "--against", str(file))
    assert good.returncode == 0, good.stdout + good.stderr
    assert "A1 OK" in good.stdout
    assert "A7 OK" in good.stdout
    changed = json.loads(ends.stdout)
    changed[0]["hash"] = "00" * 32
    file.write_text(json.dumps(changed))
    bad = await run("audit", "verify", "--against", str(file))
    assert bad.returncode == 1
    assert f"entry {changed[0]['number']} of {changed[0]['chain']}" in bad.stdout
    file.write_text("nonsense")
    assert "is not what `backlot audit ends` prints" in (await run("audit", "verify", "--against", str(file))).stderr
