"""Users who are signed in, for tests: each with a client of their own."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

from app.accounts.keys import secrets
from app.accounts.models import ApiKey, Member, Scope
from app.accounts.users import service as users
from app.core.db import Database
from app.core.ids import decode, encode, new_id
from app.core.settings import Settings
from tests.conftest import signed_in


@dataclass
class Person:
    """A user with a verified address."""

    email: str
    user_id: UUID
    workspace_id: UUID
    http: httpx.AsyncClient

    @property
    def id(self) -> str:
        return encode("user", self.user_id)

    async def make_team(self, name: str = "Northwind") -> str:
        """The id of a new team of theirs."""
        answer = await self.http.post("/v1/workspaces", json={"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def make_person(settings: Settings, database: Database, word: str = "person", **fields: Any) -> Person:
    email = f"{word}-{uuid4().hex}@example.com"
    async with database.transaction() as session:
        user, workspace = await users.vouch(session, email)
        for name, value in fields.items():
            setattr(user, name, value)
    return Person(email, user.id, workspace.id, await signed_in(settings, database, user.id))


async def seat(database: Database, team: str, person: Person, role: str) -> None:
    """Make them a member, whatever they were before."""
    async with database.transaction() as session:
        await session.merge(Member(workspace_id=decode("ws", team), user_id=person.user_id, role=role))


async def make_key(database: Database, person: Person, team: str, **fields: Any) -> tuple[str, str]:
    """An API key of the team made by this person, live and with all scopes if nothing else is said; and its secret."""
    key_id, mode = new_id(), fields.get("mode", "live")
    secret = secrets.make(mode, key_id)
    given = {"name": "tests", "mode": mode, "scopes": [scope.value for scope in Scope]} | fields
    async with database.transaction() as session:
        session.add(
            ApiKey(
                id=key_id,
                workspace_id=decode("ws", team),
                user_id=person.user_id,
                secret_hash=secrets.hash_secret(secret),
                hint=secrets.hint(secret),
                **given,
            )
        )
    return encode("key", key_id), secret
