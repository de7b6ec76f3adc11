"""Users who are signed in, as the tests need them."""

from uuid import UUID

import httpx
from sqlalchemy import text

from app.accounts.models import Member, Workspace, WorkspaceKind
from app.accounts.sessions import access, service
from app.accounts.sessions.keyring import Keyring
from app.accounts.users import queries as users
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.visitor import Visitor
from tests.conftest import Account, client

VISITOR = Visitor("203.0.113.7", "Mozilla/5.0 (tests)")


async def sign_in(
    settings: Settings, database: Database, account: Account, *, is_confirmed: bool = True
) -> httpx.AsyncClient:
    """A client with an access token of the account's user."""
    async with database.transaction() as session:
        user = await users.find_user(session, account.email)
        assert user
        made = await service.start(session, settings, user, VISITOR, kind="bearer", is_confirmed=is_confirmed)
    signer = await Keyring(settings, database).signer()
    return client(settings, access.make(settings, signer, user.id, made.id, made.expires_at))


async def user_of(database: Database, account: Account) -> UUID:
    row = await database.fetchrow("select owner_id from workspaces where id = $1", account.workspace_id)
    assert row
    user_id: UUID = row["owner_id"]
    return user_id


async def make_team(database: Database, name: str, **members: UUID) -> UUID:
    """A team with these owners, admins, members and viewers, by role; `owner2` is another owner."""
    workspace = Workspace(id=new_id(), name=name, kind=WorkspaceKind.TEAM)
    async with database.transaction() as session:
        session.add(workspace)
        await session.flush()
        for role, user_id in members.items():
            session.add(Member(workspace_id=workspace.id, user_id=user_id, role=role.rstrip("0123456789")))
    return workspace.id


async def make_admin(database: Database, account: Account) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("update users set role = 'admin' where id = :id"), {"id": await user_of(database, account)}
        )


async def let_due(database: Database, user_id: UUID, *, settled: bool = False) -> None:
    """The grace is over; `settled`: what was under way is over too."""
    shift = "10 minutes" if settled else "0"
    await database.fetch(
        "update erasures set due_at = clock_timestamp() - interval '1 second', "
        f"begun_at = begun_at - interval '{shift}' where user_id = $1",
        user_id,
    )
