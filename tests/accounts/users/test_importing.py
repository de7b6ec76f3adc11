"""Users of another system keep their passwords."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from app.accounts.hashes import Bcrypt, why_not
from app.accounts.users import importing
from app.accounts.users.importing import BadLine, ImportedUser
from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.signing_in.people import OTHER, PASSWORD, Person
from tests.embedded.dev import backlot

BCRYPT = Bcrypt(rounds=5).hash(PASSWORD)
ARGON2 = Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
Someone = Callable[..., Person]


@pytest.fixture
def someone(settings: Settings, database: Database, server: Any) -> Someone:
    return lambda **known: Person(settings, database, **known)


async def added(database: Database, **values: Any) -> int:
    async with database.transaction() as session:
        return await importing.add(session, [ImportedUser.model_validate(values)])


@pytest.mark.parametrize("stored", [BCRYPT, BCRYPT.replace("$2b$", "$2y$"), ARGON2], ids=["2b", "2y", "argon2"])
async def test_the_old_password_signs_in_and_its_hash_is_made_anew(someone: Someone, stored: str) -> None:
    person = someone()
    assert await added(person.database, email=person.email, password_hash=stored, email_verified=True) == 1
    assert (await person.log_in(OTHER)).status_code == 401
    assert (await person.log_in()).status_code == 200
    user = await person.row()
    assert user.email_verified_at is not None
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in str(user.password_hash)


async def test_who_was_not_verified_there_is_not_here(someone: Someone) -> None:
    person = someone()
    await added(person.database, email=person.email, password_hash=BCRYPT)
    user = await person.row()
    assert (user.email_verified_at, user.settled_at) == (None, None)


async def test_who_has_an_account_keeps_it(someone: Someone) -> None:
    person = someone(password=OTHER)
    await person.sign_up()
    await person.verify()
    assert await added(person.database, email=person.email.upper(), password_hash=BCRYPT, email_verified=True) == 0
    assert (await person.log_in()).status_code == 200


async def test_who_signed_up_first_with_anothers_address_loses_it(someone: Someone) -> None:
    squatter = someone(password=OTHER)
    await squatter.sign_up()
    await squatter.log_in()
    assert await added(squatter.database, email=squatter.email, password_hash=BCRYPT, email_verified=True) == 1
    assert not await squatter.has_session()
    assert (await squatter.log_in()).status_code == 401
    assert (await squatter.log_in(PASSWORD)).status_code == 200


def test_json_lines_and_csv_are_read() -> None:
    lines = [json.dumps({"email": "a@example.com", "password_hash": BCRYPT}), "", '{"email": "b@example.com"}']
    assert [user.email for user in importing.read(lines, is_csv=False)] == ["a@example.com", "b@example.com"]
    table = ["email,password_hash,email_verified,name\n", f'c@example.com,"{BCRYPT}",true,\n']
    (user,) = importing.read(table, is_csv=True)
    assert (user.password_hash, user.email_verified, user.name) == (BCRYPT, True, None)


@pytest.mark.parametrize(
    ("lines", "is_csv", "told"),
    [
        (["{}"], False, "line 1: email"),
        (['{"email": "a@example.com"}', "nonsense"], False, "line 2: not JSON"),
        (["[" * 100_000], False, "line 1: not JSON"),
        (['{"email": "nobody"}'], False, "line 1: email"),
        (['{"email": "a@example.com", "password": "x"}'], False, "line 1: password"),
        (['{"email": "a@example.com", "password_hash": "plain"}'], False, "line 1: password_hash"),
        (["email,name\n", "a@example.com,b,c\n"], True, "line 2: (too many fields)"),
        (["mail\n", "a@example.com\n"], True, "line 2: email"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(lines: list[str], is_csv: bool, told: str) -> None:
    with pytest.raises(BadLine) as caught:
        list(importing.read(lines, is_csv=is_csv))
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        BCRYPT.replace("$05$", "$31$"),
        ARGON2.replace("m=1024", "m=1048576"),
        ARGON2.replace("t=1", "t=99"),
        ARGON2.replace("p=1$", "p=64$"),
        "$argon2id$v=19$m=1024,t=1,p=1$c2FsdA",
    ],
    ids=["none", "md5", "cost", "memory", "passes", "lanes", "no digest"],
)
def test_hashes_we_cannot_verify_or_not_afford_are_refused(stored: str) -> None:
    assert why_not(stored)


async def test_the_command_adds_all_or_nobody(settings: Settings, someone: Someone, tmp_path: Path) -> None:
    first, second = someone(), someone()
    file = tmp_path / "users.jsonl"
    good = [
        json.dumps({"email": one.email, "password_hash": BCRYPT, "email_verified": True}) for one in (first, second)
    ]
    environment = {
        "BACKLOT_DATABASE_URL": settings.database.url.get_secret_value(),
        "BACKLOT_REDIS_URL": settings.redis.url.get_secret_value(),
    }
    file.write_text("\n".join([*good, "nonsense"]))
    failed = backlot("users", "import", str(file), cwd=tmp_path, env=environment)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "line 3" in failed.stderr
    file.write_text("\n".join(good))
    assert "2 users can be imported" in backlot("users", "import", "--check", str(file), cwd=tmp_path).stdout
    for told in ("Added 2 users. 0 were", "Added 0 users. 2 were"):
        done = backlot("users", "import", str(file), cwd=tmp_path, env=environment)
        assert told in done.stdout, done.stderr
    assert (await first.log_in()).status_code == 200
