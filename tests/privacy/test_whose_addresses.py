"""What others wrote is erased by addresses that were shown to be the user's, as long as they were; by no others."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fastapi import FastAPI

from app.accounts.identities.models import Identity
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from app.mail import service as mail
from app.mail.sending import Postman
from app.privacy.erasure import service as erasure
from tests.accounts.people import Person as Owner
from tests.accounts.people import make_person
from tests.accounts.signed_in import let_due
from tests.accounts.signing_in.people import Person, an_address

Claim = Callable[[Person, str], Awaitable[Person]]
_STATE = """
    select (select count(*) from invitations where workspace_id = $1 and email = $2 and revoked_at is null) as open,
           (select count(*) from mails where to_address = $2 and kind = 'invitation') as mails,
           (select count(*) from audit_entries e join audit_details d on d.entry_id = e.id
            where e.chain = $1 and d.data ->> 'email' = $2) as told
"""


@pytest.fixture
async def owner(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Owner]:
    """Of workspaces the others are not in."""
    made = await make_person(settings, database, "owner")
    yield made
    await made.http.aclose()


async def _invite(owner: Owner, address: str) -> str:
    """The team."""
    team = await owner.make_team()
    answer = await owner.http.post(f"/v1/workspaces/{team}/invitations", json={"email": address, "role": "member"})
    assert answer.status_code == 201, answer.text
    return team


async def _state(database: Database, team: str, address: str) -> tuple[int, int, int]:
    """How many open invitations, mails and details of the log the workspace has with the address."""
    row = await database.fetchrow(_STATE, decode("ws", team), address)
    assert row
    return row["open"], row["mails"], row["told"]


async def _verified(person: Person) -> Person:
    assert (await person.sign_up()).status_code == 202
    assert (await person.verify(password=person.password)).status_code == 204
    assert (await person.log_in()).status_code == 200
    return person


async def _erase(settings: Settings, database: Database, tools: AssetTools, person: Person) -> None:
    row = await person.row()
    answer = await person.ask("DELETE", "/v1/me", json={"confirm": row.email})
    assert answer.status_code == 202, answer.text
    for _ in range(2):
        await let_due(database, row.id, settled=True)
        assert await erasure.erase_due(database, settings, tools, only=row.id) == 1
        await database.fetch("update mails set status = 'sent' where to_address = $1", row.email)


async def _signs_up_with_it(person: Person, victim: str) -> Person:
    person.email = victim
    assert (await person.sign_up()).status_code == 202
    assert (await person.log_in()).status_code == 200
    return person


async def _asks_for_it(person: Person, victim: str) -> Person:
    await _verified(person)
    answer = await person.post("change-email", signed_in=True, email=victim, password=person.password)
    assert answer.status_code == 202, answer.text
    return person


async def _has_it_elsewhere(person: Person, victim: str) -> Person:
    await _verified(person)
    async with person.database.transaction() as session:
        user_id = person.user_id
        session.add(Identity(user_id=user_id, issuer="https://github.com", subject=str(user_id), email=victim))
    return person


async def _has_another_of_the_mailbox(person: Person, victim: str) -> Person:
    name, _, domain = victim.partition("@")
    person.email = f"{name}+other@{domain}"
    return await _verified(person)


@pytest.mark.parametrize(
    "claim", [_signs_up_with_it, _asks_for_it, _has_it_elsewhere, _has_another_of_the_mailbox], ids=lambda f: f.__name__
)
async def test_what_is_somebody_elses_stays(
    settings: Settings, database: Database, tools: AssetTools, owner: Owner, claim: Claim
) -> None:
    victim = an_address("outlook.com")
    team = await _invite(owner, victim)
    assert await _state(database, team, victim) == (1, 1, 1)
    attacker = await claim(Person(settings, database), victim)
    await _erase(settings, database, tools, attacker)
    assert await _state(database, team, victim) == (1, 1, 1)
    assert await database.fetch("select 1 from mails where to_address = $1 and kind <> 'invitation'", victim) == []


async def test_by_a_verified_address_all_of_it_goes(
    settings: Settings, database: Database, tools: AssetTools, owner: Owner
) -> None:
    person = Person(settings, database)
    team = await _invite(owner, person.email)
    await _verified(person)
    await _erase(settings, database, tools, person)
    assert await _state(database, team, person.email) == (0, 0, 0)


async def test_by_an_earlier_address_goes_what_is_from_its_time(
    settings: Settings, database: Database, tools: AssetTools, owner: Owner
) -> None:
    """Whoever has it by now is somebody else."""
    before, after = an_address(), an_address()
    person = await _verified(Person(settings, database, email=before))
    first = await _invite(owner, before)
    assert (await person.post("change-email", signed_in=True, email=after, password=person.password)).status_code == 202
    for kind, to in (("confirm_email_change_old", before), ("confirm_email_change_new", after)):
        answer = await person.post("confirm-email-change", token=await person.link(kind, to=to))
        assert answer.status_code == 200, answer.text
    person.email = after
    second = await _invite(owner, before)
    await person.log_in()
    await _erase(settings, database, tools, person)
    assert (await _state(database, first, before))[::2] == (0, 0)
    assert await _state(database, second, before) == (1, 1, 1)
    assert len(await database.fetch("select 1 from mails where to_address = any($1)", [before, after])) == 1


async def test_an_address_that_has_theirs_in_it_is_another(
    settings: Settings, database: Database, tools: AssetTools, owner: Owner
) -> None:
    person = await _verified(Person(settings, database))
    team = await _invite(owner, f"x{person.email}")
    await _erase(settings, database, tools, person)
    assert await _state(database, team, f"x{person.email}") == (1, 1, 1)


async def test_mails_of_their_workspace_go_also_when_its_events_are_dropped(
    settings: Settings, database: Database, tools: AssetTools, server: FastAPI
) -> None:
    """Weeks of events go earlier than mails may."""
    person, other = await _verified(Person(settings, database)), an_address()
    (workspace,) = await database.fetch("select id from workspaces where owner_id = $1", person.user_id)
    async with database.transaction() as session:
        mail.post(session, "low_balance", to=other, locale="en", workspace_id=workspace["id"], facts={"left": "1"})
    await database.fetch("delete from events where workspace_id = $1", workspace["id"])
    await Postman(settings, database, database.redis).deliver()
    left = "select 1 from mails where to_address = $1 union all select 1 from caught_mails where to_address = $1"
    assert len(await database.fetch(left, other)) == 2
    await _erase(settings, database, tools, person)
    assert await database.fetch(left, other) == []
