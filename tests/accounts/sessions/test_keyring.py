"""The keys that sign access tokens: changed every month or at once, known to all processes, lost with the secret."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from app.accounts.sessions import keyring, queries
from app.accounts.sessions.keyring import Keyring
from app.accounts.sessions.models import SigningKey
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.sessions.conftest import SignIn
from tests.accounts.sessions.forging import unpacked
from tests.accounts.sessions.mint import Mint, answer_to
from tests.embedded.dev import backlot


async def test_a_retired_key_verifies_until_what_it_signed_has_expired(
    mint: Mint, http: httpx.AsyncClient, settings: Settings, database: Database, sign_in: SignIn, server: FastAPI
) -> None:
    async with database.transaction() as session:
        kid = await keyring.rotate(session, settings)
    assert kid is not None
    assert await answer_to(http, mint.made(jti="new")) == (200, ""), "the old one still verifies"
    ring = Keyring(settings, database)
    assert (await ring.signer()).kid == kid
    later = clock.now() - timedelta(seconds=keyring.overlap_seconds(settings) + 1)
    async with database.transaction() as session:
        await session.execute(
            text("update signing_keys set retired_at = :at where kid = :kid"), {"at": later, "kid": mint.header["kid"]}
        )
    server.state.callers.forget_all()
    assert await answer_to(http, mint.text) == (401, "invalid_token")
    assert await ring.find(kid) is not None


async def test_every_process_signs_with_the_new_key_at_once(
    settings: Settings, database: Database, sign_in: SignIn
) -> None:
    before = unpacked((await sign_in()).answer["access_token"].split(".")[0])["kid"]
    async with database.transaction() as session:
        kid = await keyring.rotate(session, settings)
    while (now := unpacked((await sign_in()).answer["access_token"].split(".")[0])["kid"]) == before:
        pass
    assert now == kid


async def test_after_a_rotation_at_once_nothing_older_is_believed(
    mint: Mint, http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    assert await answer_to(http, mint.text) == (200, "")
    async with database.transaction() as session:
        await keyring.rotate(session, settings, at_once=True)
    while (await answer_to(http, mint.text))[0] == 200:
        pass
    assert await answer_to(http, mint.text) == (401, "invalid_token")
    fresh = await http.post("/v1/auth/refresh", json={"refresh_token": mint.person.refresh_token})
    assert await answer_to(http, fresh.json()["access_token"]) == (200, "")


async def test_a_rotation_at_once_is_heard_while_keys_are_being_read(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before it came would be believed for a minute."""
    ring = Keyring(settings, database)
    old = (await ring.signer()).kid
    ring.forget()
    keep = queries.list_signing_keys

    async def read_slowly(*arguments: Any) -> Any:
        found = await keep(*arguments)
        monkeypatch.setattr(queries, "list_signing_keys", keep)
        async with database.transaction() as session:
            await keyring.rotate(session, settings, at_once=True)
        ring.forget()
        return found

    monkeypatch.setattr(queries, "list_signing_keys", read_slowly)
    await ring.signer()
    assert await ring.find(old) is None


async def test_of_many_processes_that_need_the_first_key_one_makes_it(settings: Settings, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("delete from signing_keys"))
    signers = await asyncio.gather(*(Keyring(settings, database).signer() for _ in range(8)))
    assert len({signer.kid for signer in signers}) == 1
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from signing_keys"))).scalar_one() == 1


async def test_two_rotations_at_once_are_one(settings: Settings, database: Database) -> None:
    await Keyring(settings, database).signer()

    async def rotate() -> str | None:
        async with database.transaction() as session:
            return await keyring.rotate(session, settings)

    made = [kid for kid in await asyncio.gather(*(rotate() for _ in range(4))) if kid]
    assert made
    async with database.transaction() as session:
        current = (await session.execute(text("select kid from signing_keys where retired_at is null"))).scalars().all()
    assert len(current) == 1
    assert current[0] in made


async def test_a_key_sealed_with_another_secret_is_replaced(settings: Settings, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("delete from signing_keys"))
    other = settings.model_copy(update={"secret": SecretStr("another secret altogether")})
    theirs = await Keyring(other, database).signer()
    ours = await Keyring(settings, database).signer()
    assert ours.kid != theirs.kid
    assert (await Keyring(settings, database).signer()).kid == ours.kid


async def test_unknown_names_of_keys_do_not_make_the_database_busy(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = keyring.queries.list_signing_keys

    async def counted(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        return await real(*args)

    monkeypatch.setattr(keyring.queries, "list_signing_keys", counted)
    ring = Keyring(settings, database)
    for number in range(20):
        assert await ring.find(f"sig_{number}") is None
    assert looks == 1


async def test_no_signing_key_rests_in_the_open(mint: Mint, database: Database) -> None:
    async with database.transaction() as session:
        found = (await session.execute(text("select secret from signing_keys"))).scalars().all()
    assert all(mint.secret not in sealed for sealed in found)


async def test_a_key_signs_for_a_month(settings: Settings, database: Database) -> None:
    first = (await Keyring(settings, database).signer()).kid
    await keyring.keep_house(database, settings)
    assert (await Keyring(settings, database).signer()).kid == first
    async with database.transaction() as session:
        old = clock.now() - keyring.LIFE - timedelta(minutes=1)
        await session.execute(
            text("update signing_keys set created_at = :at where kid = :kid"), {"at": old, "kid": first}
        )
    await keyring.keep_house(database, settings)
    ring = Keyring(settings, database)
    assert (await ring.signer()).kid != first
    assert await ring.find(first) is not None
    async with database.transaction() as session:
        long_ago = clock.now() - timedelta(days=2)
        await session.execute(
            text("update signing_keys set retired_at = :at where kid = :kid"), {"at": long_ago, "kid": first}
        )
    await keyring.keep_house(database, settings)
    async with database.transaction() as session:
        assert await session.get(SigningKey, first) is None


async def test_the_command_line_rotates_too(settings: Settings, database: Database, tmp_path: Path) -> None:
    first = (await Keyring(settings, database).signer()).kid
    environment = {
        "BACKLOT_DATABASE_URL": settings.database.url.get_secret_value(),
        "BACKLOT_REDIS_URL": settings.redis.url.get_secret_value(),
    }
    done = await asyncio.to_thread(backlot, "keys", "rotate-signing", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    kid = (await Keyring(settings, database).signer()).kid
    assert kid != first
    assert kid in done.stderr
    noted = "select actor_kind from audit_entries where action = 'signing_key.changed' order by number desc limit 1"
    assert [row["actor_kind"] for row in await database.fetch(noted)] == ["operator"]
