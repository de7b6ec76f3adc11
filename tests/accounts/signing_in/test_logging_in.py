"""Signing in with a password."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update

from app.accounts.hashes import Bcrypt
from app.accounts.models import User
from app.accounts.signing_in import passwords
from app.accounts.signing_in.desk import SignInDesk
from app.accounts.signing_in.passwords import Hashers
from app.core.db import Database
from app.core.ids import decode, encode, new_id
from tests.accounts.signing_in.people import OTHER, PASSWORD, Person, a_network, settings_of
from tests.conftest import Account
from tests.waiting import until_somebody_waits

Someone = Callable[..., Person]
BCRYPT = "$2b$12$dy9XYVXRX8SsGEFWS0jAu.hJdJhQG8p7UROCzjIlKVaqfSkRAoOH6"


async def test_the_right_password_starts_a_session(member: Person) -> None:
    answer = await member.ask("GET", "/v1/tasks")
    assert answer.status_code == 200


async def test_it_stands_in_the_audit_log(member: Person, database: Database) -> None:
    answer = await member.log_in()
    rows = await database.fetch(
        """select e.workspace_id = e.chain and w.kind = 'personal' as is_own, e.actor_id, e.action, d.ip, d.data
           from audit_entries e join audit_details d on d.entry_id = e.id join workspaces w on w.id = e.workspace_id
           where e.target_kind = 'session' and e.target_id = $1""",
        decode("sess", answer.json()["id"]),
    )
    assert [tuple(row) for row in rows] == [
        (True, member.user_id, "session.started", member.network, '{"kind": "bearer"}')
    ]


async def test_many_who_wait_for_the_database_leave_room_for_others(
    member: Person, account: Account, database: Database, hashed: list[str]
) -> None:
    before = len(hashed)
    async with asyncio.TaskGroup() as signing_in, database.transaction() as session:
        await session.execute(select(User.id).where(User.id == member.user_id).with_for_update())
        answers = [signing_in.create_task(member.log_in(network=a_network())) for _ in range(12)]
        await until_somebody_waits(database, number=5, statement="session_start")
        async with asyncio.timeout(20):
            while len(hashed) < before + len(answers):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)  # whoever may wait beside these does so now
        async with asyncio.timeout(5):
            read = await account.test.get(f"/v1/tasks/{encode('task', new_id())}")
    assert read.json()["code"] == "task_not_found"
    assert [(await answer).status_code for answer in answers] == [200] * 12


async def test_cookies_are_set_when_asked_for(member: Person) -> None:
    answer = await member.log_in(cookies=True)
    assert answer.json()["access_token"] is None
    assert "HttpOnly" in answer.headers["set-cookie"]


async def test_unknown_and_known_addresses_hear_the_same(member: Person, someone: Someone) -> None:
    unknown = someone(network=member.network)
    known, other = await member.log_in(OTHER), await unknown.log_in(OTHER)
    assert (known.status_code, other.status_code) == (401, 401)
    assert without_id(known.json()) == without_id(other.json())
    assert shape(known) == shape(other)


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request_id"}


def shape(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was hashed or verified, by what it took."""
    done: list[str] = []
    make, check = Hashers.hash, Hashers.verify

    async def hash_(self: Hashers, password: str) -> str:
        made = await make(self, password)
        done.append("hash")
        return made

    async def verify(self: Hashers, password: str, stored: str | None) -> Any:
        verdict = await check(self, password, stored)
        done.append("verify")
        return verdict

    monkeypatch.setattr(Hashers, "hash", hash_)
    monkeypatch.setattr(Hashers, "verify", verify)
    return done


async def test_unknown_and_known_addresses_cost_the_same(member: Person, someone: Someone, hashed: list[str]) -> None:
    costs = []
    unverified = someone()
    await unverified.sign_up()
    for one in (member, unverified, someone()):
        for act in (
            {"act": "login", "password": OTHER},
            {"act": "signup", "password": PASSWORD},
            {"act": "forgot-password"},
        ):
            hashed.clear()
            await one.post(**{"email": one.email, **act})
            costs.append((act["act"], tuple(hashed)))
    assert set(costs) == {("login", ("verify",)), ("signup", ("hash",)), ("forgot-password", ())}


async def test_what_no_password_is_verified_against_is_as_dear_as_ours() -> None:
    assert passwords.NOBODYS.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    hashers = Hashers(1)
    ours = await hashers.hash(PASSWORD)
    assert ours.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await hashers.verify(PASSWORD, ours)).is_right
    assert not (await hashers.verify(PASSWORD, None)).is_right
    await hashers.close()


@pytest.mark.parametrize("act", ["signup", "forgot-password", "resend-verification"])
async def test_sign_up_and_mails_answer_alike_for_all(member: Person, someone: Someone, act: str) -> None:
    body = {"password": PASSWORD} if act == "signup" else {}
    unverified, unknown = someone(), someone()
    await unverified.sign_up()
    answers = [await one.post(act, email=one.email, **body) for one in (member, unverified, unknown)]
    assert len({answer.text for answer in answers}) == 1
    assert len({(answer.status_code, *shape(answer).items()) for answer in answers}) == 1


async def test_answers_that_might_tell_come_at_one_pace(member: Person, someone: Someone, server: FastAPI) -> None:
    """A pace that is longer than all that is done: none is earlier, and none takes two steps."""
    loop = asyncio.get_running_loop()
    async with settings_of(server, pace_seconds=1.5):
        for one in (member, someone()):
            for act, body in (("login", {"password": OTHER}), ("forgot-password", {})):
                started = loop.time()
                await one.post(act, email=one.email, **body)
                assert 1.45 <= loop.time() - started < 2.9, (act, one is member)


async def test_who_signs_in_does_not_wait_for_the_pace(member: Person, server: FastAPI) -> None:
    async with settings_of(server, pace_seconds=10), asyncio.timeout(8):
        assert (await member.log_in()).status_code == 200


async def test_a_suspended_user_hears_so_only_with_the_password(member: Person) -> None:
    async with member.database.transaction() as session:
        await session.execute(update(User).where(User.id == member.user_id).values(status="suspended"))
    assert (await member.log_in(OTHER)).json()["code"] == "invalid_credentials"
    assert (await member.log_in()).json()["code"] == "account_suspended"


async def imported(person: Person, stored: str) -> None:
    await person.sign_up()
    async with person.database.transaction() as session:
        user = (await person.row()).id
        await session.execute(update(User).where(User.id == user).values(password_hash=stored))


async def test_a_bcrypt_hash_verifies_and_is_upgraded(person: Person) -> None:
    stored = Bcrypt(rounds=12).hash(PASSWORD)
    await imported(person, stored)
    assert (await person.log_in(OTHER)).status_code == 401
    assert (await person.row()).password_hash == stored
    assert (await person.log_in()).status_code == 200
    upgraded = (await person.row()).password_hash
    assert upgraded is not None
    assert upgraded.startswith("$argon2id$")
    assert (await person.log_in()).status_code == 200
    assert (await person.row()).password_hash == upgraded


async def test_two_who_upgrade_at_once_are_both_let_in(person: Person) -> None:
    await imported(person, Bcrypt(rounds=6).hash(PASSWORD))
    answers = await asyncio.gather(*(person.log_in() for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_of_a_long_password_bcrypt_read_the_first_72_bytes(person: Person) -> None:
    long = "violet kayak " * 8
    await imported(person, Bcrypt(rounds=6).hash(long[:72]))
    assert (await person.log_in(long)).status_code == 200
    assert (await person.log_in(long + "!")).status_code == 401, "upgraded, all of it counts"


async def test_weaker_argon2_is_upgraded_too(person: Person) -> None:
    weak = Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await imported(person, weak)
    assert (await person.log_in()).status_code == 200
    assert "m=19456,t=2,p=1" in str((await person.row()).password_hash)


@pytest.mark.parametrize(
    "stored", ["", "plain", "$2b$12$tooshort", "$argon2id$v=19$m=19456,t=2,p=1$bad$bad", BCRYPT[:-1] + "$"]
)
async def test_a_broken_hash_is_nobodys_password(person: Person, stored: str) -> None:
    await imported(person, stored)
    assert (await person.log_in()).status_code == 401


async def test_a_session_does_not_outlive_a_reset_it_overlapped(member: Person, server: FastAPI) -> None:
    """The password was right when it was looked at, and another when the session began."""
    desk: SignInDesk = server.state.sign_in
    looked, go_on = asyncio.Event(), asyncio.Event()
    check = desk.hashers.verify

    async def verify(password: str, stored: str | None) -> Any:
        verdict = await check(password, stored)
        looked.set()
        await go_on.wait()
        return verdict

    desk.hashers.verify = verify  # type: ignore[method-assign]
    try:
        signing_in = asyncio.create_task(member.log_in())
        await looked.wait()
        desk.hashers.verify = check  # type: ignore[method-assign]
        assert (await member.reset()).status_code == 204
        go_on.set()
        assert (await signing_in).status_code == 401
    finally:
        desk.hashers.verify = check  # type: ignore[method-assign]


async def test_who_comes_when_too_many_wait_is_told_so_and_not_counted(
    member: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", 0)
    for _ in range(7):
        answer = await member.log_in(OTHER)
        assert (answer.status_code, answer.json()["code"]) == (503, "too_many_sign_ins")
        assert int(answer.headers["retry-after"]) > 0
    monkeypatch.undo()
    assert (await member.log_in()).status_code == 200


async def test_what_waited_too_long_is_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_SECONDS", 0.0)
    hashers = Hashers(1)
    with pytest.raises(passwords.TooManySignIns):
        await hashers.hash(PASSWORD)
    monkeypatch.undo()
    assert await hashers.hash(PASSWORD), "others go on"
    await hashers.close()


async def test_hashing_has_the_lower_priority() -> None:
    hashers = Hashers(1)
    await hashers.hash(PASSWORD)
    (child,) = hashers._pool._idle
    assert os.getpriority(os.PRIO_PROCESS, child.process.pid) == passwords.NICENESS
    assert os.getpriority(os.PRIO_PROCESS, 0) == 0
    await hashers.close()
