"""Mails of what is told: to whom they go, how often, and who has turned them off; and that they hinder nothing."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.accounts.models import User
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from app.events.publisher import Publisher
from app.generation import transitions
from app.mail.writing import Order, Writer
from app.privacy.erasure import queries as erasure
from app.providers.base import ErrorCode
from tests.accounts.people import Person, make_key, make_person, seat
from tests.conftest import PHOTOS, client
from tests.events.test_types_of_credits import spend
from tests.events.told import names
from tests.ledger.purse import Purse

MAILS = "select * from mails where workspace_id = $1 and kind in ('low_balance', 'task_failed') order by id"
PHOTO = (PHOTOS / "coffee.jpg").read_bytes()


@dataclass
class Team:
    """A team with ten live credits, and its owner."""

    settings: Settings
    database: Database
    owner: Person
    id: str
    purse: Purse

    @property
    def workspace_id(self) -> UUID:
        return decode("ws", self.id)

    async def publish(self) -> None:
        await Publisher(self.database, self.database.redis).publish()

    async def mails(self) -> list[dict[str, Any]]:
        """What was posted about the team once all is published."""
        await self.publish()
        rows = await self.database.fetch(MAILS, self.workspace_id)
        return [{**row, "facts": json.loads(row["facts"])} for row in rows]

    async def set(self, person: Person, **fields: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(update(User).where(User.id == person.user_id).values(fields))

    async def join(self, role: str, **fields: Any) -> Person:
        person = await make_person(self.settings, self.database, role)
        await seat(self.database, self.id, person, role)
        if fields:
            await self.set(person, **fields)
        await person.http.aclose()
        return person

    async def fail(self, *headers: dict[str, str]) -> list[str]:
        """A live task ordered with each, which fails; their ids."""
        made = []
        for shown in headers:
            async with client(self.settings, **shown) as http:
                asset = (await http.post("/v1/assets", files={"file": ("coffee.jpg", PHOTO)})).json()["id"]
                answer = await http.post("/v1/tasks", json={"operation": "upscale", "input": {"image": asset}})
            assert answer.status_code == 202, answer.text
            made.append(answer.json()["id"])
        async with self.database.transaction() as session:
            for task in await erasure.lock_open_tasks(session, self.workspace_id, "live", 10):
                await transitions.fail(session, task, ErrorCode.PROVIDER_UNAVAILABLE, "The provider was away.", "acme")
        return made

    def signed_in(self, person: Person) -> dict[str, str]:
        return {"Authorization": person.http.headers["authorization"], "X-Workspace-Id": self.id}


@pytest.fixture
async def team(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Team]:
    owner = await make_person(settings, database, "owner", name="An", locale="vi")
    team = await owner.make_team("Northwind")
    purse = Purse(database, settings, decode("ws", team))
    await purse.grant(10)
    yield Team(settings, database, owner, team, purse)
    await owner.http.aclose()


def words(settings: Settings, mail: dict[str, Any], locale: str = "en") -> tuple[str, str]:
    letter = Writer(settings).write(Order(**{name: mail[name] for name in Order.__slots__} | {"locale": locale}))
    return letter.subject, letter.text


async def test_owners_are_told_that_credits_run_low(team: Team) -> None:
    second = await team.join("owner")
    await team.join("owner", email_verified_at=None)
    await team.join("owner", status="suspended")
    await team.join("admin")
    await spend(team.purse, 9)
    mails = await team.mails()
    assert {mail["to_address"]: mail["locale"] for mail in mails} == {team.owner.email: "vi", second.email: "en"}
    assert {mail["kind"] for mail in mails} == {"low_balance"}
    assert mails[0]["facts"] == {"workspace": "Northwind", "left": "1"}
    subject, text = words(team.settings, mails[0])
    assert subject == "Few Backlot credits are left"
    assert "Of the credits of Northwind, 1 are left." in text
    assert "Northwind còn 1 tín dụng" in words(team.settings, mails[0], "vi")[1]
    events = await team.database.fetch(
        "select type, data from events where id = any ($1)", [mail["id"] for mail in mails]
    )
    assert [(row["type"], json.loads(row["data"])) for row in events] == [
        ("mail.low_balance", {"kind": "low_balance"})
    ] * 2
    assert len(await team.mails()) == 2, "published once, mailed once"


async def test_who_falls_to_zero_at_once_gets_one_mail(team: Team) -> None:
    await spend(team.purse, 10)
    (mail,) = await team.mails()
    subject, text = words(team.settings, mail)
    assert subject == "Your Backlot credits are used up"
    assert "Northwind has no credits left" in text
    assert await names(team.database, team.workspace_id, "credits") == [
        "credits.granted",
        "credits.low",
        "credits.exhausted",
    ]


async def test_low_and_then_nothing_are_two_mails(team: Team) -> None:
    await spend(team.purse, 9)
    await team.publish()
    await spend(team.purse, 1)
    assert [mail["facts"]["left"] for mail in await team.mails()] == ["1", None]


async def test_who_has_nothing_by_now_is_not_told_of_the_little_before(team: Team) -> None:
    await spend(team.purse, 9)
    await spend(team.purse, 1)
    assert [mail["facts"]["left"] for mail in await team.mails()] == [None]


async def test_test_credits_are_nobodys_worry(team: Team, database: Database) -> None:
    _, secret = await make_key(database, team.owner, team.id, mode="test")
    async with client(team.settings, secret) as http:
        assert (await http.get("/v1/credits")).json()["balance"] == 1000
    await database.fetch(
        "update credit_accounts set balance = 0 where workspace_id = $1 and mode = 'test'", team.workspace_id
    )
    assert await names(database, team.workspace_id, "credits") == [
        *("credits.granted", "credits.granted"),
        *("credits.low", "credits.exhausted"),
    ]
    assert await team.mails() == []
    await database.fetch(
        "update credit_accounts set balance = 1000000000 where workspace_id = $1 and mode = 'test'", team.workspace_id
    )


@pytest.mark.parametrize(
    ("preferences", "gets"),
    [
        ({"notifications": {"low_balance": False}}, False),
        ({"notifications": {"low_balance": True}}, True),
        ({"notifications": {"task_failed": False}}, True),
        ({"notifications": {"low_balance": "false"}}, True),
        ({"notifications": "none"}, True),
        ({"notifications": [False]}, True),
        ({"notifications": None}, True),
    ],
)
async def test_they_can_be_turned_off(team: Team, preferences: dict[str, Any], gets: bool) -> None:
    answer = await team.owner.http.put("/v1/me/preferences", json=preferences)
    assert answer.is_success, answer.text
    await spend(team.purse, 9)
    assert len(await team.mails()) == gets


async def test_who_ordered_a_task_is_told_that_it_failed(team: Team) -> None:
    mate = await make_person(team.settings, team.database, "mate")
    await seat(team.database, team.id, mate, "member")
    (task_id,) = await team.fail(team.signed_in(mate))
    (mail,) = await team.mails()
    assert (mail["kind"], mail["to_address"]) == ("task_failed", mate.email)
    assert mail["facts"] == {
        "workspace": "Northwind",
        "operation": "upscale",
        "task": task_id,
        "reason": "The provider was away.",
    }
    assert "There may be more" in words(team.settings, mail)[1]
    assert task_id in words(team.settings, mail, "vi")[1]
    await mate.http.aclose()


async def test_of_many_that_fail_one_is_told_within_an_hour(team: Team) -> None:
    shown = team.signed_in(team.owner)
    first, _, _ = await team.fail(shown, shown, shown)
    assert [mail["facts"]["task"] for mail in await team.mails()] == [first]
    await team.fail(shown)
    assert len(await team.mails()) == 1
    await team.database.fetch(
        "update mails set created_at = created_at - interval '61 minutes' where workspace_id = $1", team.workspace_id
    )
    await team.fail(shown)
    assert len(await team.mails()) == 2


async def test_orders_by_keys_are_the_programs_affair(team: Team) -> None:
    _, secret = await make_key(team.database, team.owner, team.id)
    await team.fail({"Authorization": f"Bearer {secret}"})
    assert await names(team.database, team.workspace_id, "task") == ["task.created", "task.failed"]
    assert await team.mails() == []


async def test_who_has_left_or_wants_none_gets_none(team: Team) -> None:
    mate = await make_person(team.settings, team.database, "mate")
    await seat(team.database, team.id, mate, "member")
    await team.owner.http.put("/v1/me/preferences", json={"notifications": {"task_failed": False}})
    await team.fail(team.signed_in(mate), team.signed_in(team.owner))
    gone = await team.owner.http.delete(f"/v1/workspaces/{team.id}/members/{mate.id}")
    assert gone.status_code == 204
    assert await team.mails() == []
    await mate.http.aclose()


async def test_what_was_long_ago_is_no_news(team: Team) -> None:
    await team.fail(team.signed_in(team.owner))
    await spend(team.purse, 9)
    await team.database.fetch(
        "update events set created_at = created_at - interval '25 hours' where workspace_id = $1", team.workspace_id
    )
    assert await team.mails() == []


async def test_what_was_erased_meanwhile_hinders_nobody(team: Team) -> None:
    await team.fail(team.signed_in(team.owner))
    await spend(team.purse, 10)
    await team.database.fetch("update events set data = '{}' where workspace_id = $1", team.workspace_id)
    kinds = [mail["kind"] for mail in await team.mails()]
    left = "select count(*) as left from event_outbox where workspace_id = $1"
    assert (await team.database.fetch(left, team.workspace_id))[0]["left"] == 0
    assert sorted(kinds) == ["low_balance", "task_failed"]
