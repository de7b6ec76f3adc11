"""Links in mails: good once, for a while, for one purpose and one mailbox."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from app.accounts.models import User
from app.accounts.proofs import service as proofs
from app.accounts.proofs.errors import InvalidLink
from app.accounts.proofs.models import Proof, Purpose
from app.accounts.users import queries as users
from app.accounts.users import service
from app.core import tokens
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings

HOUR = timedelta(hours=1)


async def a_user(database: Database) -> User:
    async with database.transaction() as session:
        user, _ = await service.add_user(session, f"{new_id().hex}@example.com")
    return user


async def issued(database: Database, user: User, purpose: Purpose = Purpose.RESET_PASSWORD, **more: object) -> UUID:
    async with database.transaction() as session:
        proof = await proofs.issue(session, purpose, user, **{"life": HOUR, **more})  # type: ignore[arg-type]
    return proof.id


async def used(
    database: Database, settings: Settings, text: str, *purposes: Purpose, fails: type[Exception] | None = None
) -> Proof:
    async with database.transaction() as session:
        proof = await proofs.use(session, settings, text, *(purposes or (Purpose.RESET_PASSWORD,)))
        if fails:
            raise fails
    return proof


async def test_a_link_is_good_once(database: Database, settings: Settings) -> None:
    user = await a_user(database)
    token = tokens.make(settings, await issued(database, user))
    assert (await used(database, settings, token)).user_id == user.id
    with pytest.raises(InvalidLink):
        await used(database, settings, token)


async def test_of_two_at_once_one_is_taken(database: Database, settings: Settings) -> None:
    token = tokens.make(settings, await issued(database, await a_user(database)))
    tries = (used(database, settings, token) for _ in range(5))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Proof) for result in results) == 1
    assert sum(isinstance(result, InvalidLink) for result in results) == 4


async def test_a_link_survives_what_failed(database: Database, settings: Settings) -> None:
    token = tokens.make(settings, await issued(database, await a_user(database)))
    with pytest.raises(LookupError):
        await used(database, settings, token, fails=LookupError)
    assert await used(database, settings, token)


@pytest.mark.parametrize("text", ["", "bkl_", "bkl_" + "A" * 58, "é" * 62, "bkl_" + "A" * 100_000])
async def test_what_we_did_not_make_is_no_link(database: Database, settings: Settings, text: str) -> None:
    with pytest.raises(InvalidLink):
        await used(database, settings, text)


async def test_a_token_of_a_row_that_is_no_proof_is_no_link(database: Database, settings: Settings) -> None:
    with pytest.raises(InvalidLink):
        await used(database, settings, tokens.make(settings, new_id()))


async def test_a_link_serves_its_purpose_only(database: Database, settings: Settings) -> None:
    token = tokens.make(settings, await issued(database, await a_user(database), Purpose.VERIFY_EMAIL))
    with pytest.raises(InvalidLink):
        await used(database, settings, token, Purpose.RESET_PASSWORD)
    assert await used(database, settings, token, Purpose.CONFIRM, Purpose.VERIFY_EMAIL)


async def test_a_link_ends(database: Database, settings: Settings) -> None:
    token = tokens.make(settings, await issued(database, await a_user(database), life=timedelta(0)))
    with pytest.raises(InvalidLink) as caught:
        await used(database, settings, token)
    assert [error.pointer for error in caught.value.errors] == ["/token"]


async def test_a_link_to_a_mailbox_the_user_left_is_dead(database: Database, settings: Settings) -> None:
    user = await a_user(database)
    token = tokens.make(settings, await issued(database, user))
    async with database.transaction() as session:
        (await users.lock_user(session, user.id)).email = f"{new_id().hex}@example.com"
    with pytest.raises(InvalidLink):
        await used(database, settings, token)


async def test_cancelled_links_are_dead_and_others_live(database: Database, settings: Settings) -> None:
    user = await a_user(database)
    dead = tokens.make(settings, await issued(database, user))
    living = tokens.make(settings, await issued(database, user, Purpose.VERIFY_EMAIL))
    async with database.transaction() as session:
        await proofs.cancel_all(session, user.id, Purpose.RESET_PASSWORD, Purpose.CONFIRM)
    with pytest.raises(InvalidLink):
        await used(database, settings, dead)
    assert await used(database, settings, living, Purpose.VERIFY_EMAIL)


async def test_old_proofs_are_forgotten_after_a_day(database: Database) -> None:
    user = await a_user(database)
    old = await issued(database, user, life=-timedelta(hours=25))
    recent = await issued(database, user, life=-timedelta(hours=23))
    await proofs.forget_old(database)
    async with database.transaction() as session:
        assert await session.get(Proof, old) is None
        assert await session.get(Proof, recent) is not None
