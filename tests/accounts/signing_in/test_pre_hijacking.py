"""Whoever had an account made for an address that is not theirs has nothing of it once its owner comes.

The cases are those of "Pre-hijacked accounts" (Sudhodanan and Paverd, 2022), as far as passwords and mails go; those of
providers stand with the identities.
"""

import asyncio
from collections.abc import Callable

from sqlalchemy import select

from app.accounts.identities.models import Identity
from app.accounts.models import ApiKey
from app.accounts.users import service as users
from app.accounts.users.queries import lock_user
from app.core.ids import new_id
from tests.accounts.signing_in.people import OTHER, PASSWORD, Person, an_address
from tests.conftest import client

Someone = Callable[..., Person]
VICTIMS, ATTACKERS = PASSWORD, OTHER


async def pair(someone: Someone) -> tuple[Person, Person]:
    """Who reads the mailbox, and who only writes its address."""
    victim = someone(password=VICTIMS)
    return victim, someone(email=victim.email, password=ATTACKERS)


async def nothing_is_left(attacker: Person) -> None:
    assert (await attacker.log_in(ATTACKERS)).status_code == 401
    if attacker.tokens:
        assert not await attacker.has_session()


async def test_classic_the_first_password_is_worth_nothing_after_a_second_sign_up(someone: Someone) -> None:
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    await attacker.log_in()
    await victim.sign_up()
    assert (await victim.verify()).json()["code"] == "password_needed", "two chose a password for this address"
    assert (await victim.verify(password=VICTIMS)).status_code == 204
    assert (await victim.log_in()).status_code == 200
    await nothing_is_left(attacker)


async def test_a_stray_second_sign_up_does_not_change_whose_password_it_is(someone: Someone) -> None:
    """The attacker signs up between the owner's sign-up and the click: the newest link is of the attacker's making."""
    victim, attacker = await pair(someone)
    await victim.sign_up()
    await attacker.sign_up()
    assert (await victim.verify()).json()["code"] == "password_needed"
    assert (await victim.verify(password=VICTIMS)).status_code == 204
    assert (await victim.log_in()).status_code == 200
    await nothing_is_left(attacker)


async def test_an_older_link_of_another_sign_up_dies(someone: Someone) -> None:
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    attackers = await victim.link("verify_email")
    await victim.sign_up()
    await victim.verify(password=VICTIMS)
    assert (await victim.post("verify-email", token=attackers)).json()["code"] == "invalid_link"
    assert (await victim.log_in()).status_code == 200


async def test_a_link_sent_again_does_not_decide_whose_password_it_is(someone: Someone) -> None:
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    await victim.sign_up()
    await victim.post("resend-verification", email=victim.email)
    assert (await victim.verify()).json()["code"] == "password_needed"
    assert (await victim.verify(password=VICTIMS)).status_code == 204
    await nothing_is_left(attacker)


async def test_the_session_of_who_signed_up_first_ends_with_it(someone: Someone) -> None:
    """The unexpired session."""
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    await attacker.log_in()
    assert (await victim.reset(VICTIMS)).status_code == 204
    assert (await victim.log_in()).status_code == 200
    await nothing_is_left(attacker)


async def test_the_session_ends_also_when_the_owner_opened_the_attackers_link(someone: Someone) -> None:
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    await attacker.log_in()
    assert (await victim.verify()).status_code == 204
    assert await attacker.has_session(), "nobody can tell yet"
    assert (await victim.reset(VICTIMS)).status_code == 204
    await nothing_is_left(attacker)


async def test_the_identity_and_the_keys_put_there_before_go_with_a_reset(someone: Someone) -> None:
    """The trojan identifier, and the trojan key."""
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    await attacker.log_in()
    async with attacker.database.transaction() as session:
        session.add(Identity(user_id=attacker.user_id, issuer="https://idp.example", subject=new_id().hex, email="m@x"))
    made = await attacker.ask("POST", "/v1/api-keys", json={"name": "trojan", "mode": "test"})
    assert made.status_code == 201, made.text
    key = made.json()["secret"]
    await victim.reset(VICTIMS)
    async with victim.database.transaction() as session:
        identities = (await session.execute(select(Identity).where(Identity.user_id == attacker.user_id))).all()
        keys = (await session.execute(select(ApiKey).where(ApiKey.user_id == attacker.user_id))).scalars().all()
    assert identities == []
    assert [row.revoked_at is None for row in keys] == [False]
    async with asyncio.timeout(5), client(victim.settings, key) as http:
        while (await http.get("/v1/tasks")).status_code != 401:
            await asyncio.sleep(0.02)


async def test_what_is_settled_keeps_keys_and_identities_through_a_reset(member: Person) -> None:
    async with member.database.transaction() as session:
        session.add(Identity(user_id=member.user_id, issuer="https://idp.example", subject=new_id().hex, email="m@x"))
    made = await member.ask("POST", "/v1/api-keys", json={"name": "shop"})
    await member.reset()
    async with client(member.settings, made.json()["secret"]) as http:
        assert (await http.get("/v1/tasks")).status_code == 200
    rows = await member.database.fetch("select 1 from identities where user_id = $1", member.user_id)
    assert len(rows) == 1


async def test_a_change_of_address_asked_for_before_is_forgotten(someone: Someone) -> None:
    """The unexpired e-mail change."""
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    await attacker.log_in()
    await victim.verify()
    trap = an_address()
    answer = await attacker.post("change-email", signed_in=True, email=trap, password=ATTACKERS)
    assert answer.status_code == 202
    to_trap = await attacker.link("confirm_email_change_new", to=trap)
    await victim.reset(VICTIMS)
    assert (await attacker.post("confirm-email-change", token=to_trap)).json()["code"] == "invalid_link"
    assert (await victim.log_in()).json()["user"]["email"] == victim.email


async def test_an_account_moved_to_a_strangers_address_is_the_strangers(someone: Someone) -> None:
    """The attacker's account takes the victim's address with the victim's click: a reset throws the attacker out."""
    attacker, victim = someone(password=ATTACKERS), someone(password=VICTIMS)
    await attacker.sign_up()
    await attacker.verify(password=ATTACKERS)
    await attacker.log_in()
    await attacker.post("change-email", signed_in=True, email=victim.email, password=ATTACKERS)
    for which, mailbox in (("old", attacker.email), ("new", victim.email)):
        token = await attacker.link(f"confirm_email_change_{which}", to=mailbox)
        assert (await victim.post("confirm-email-change", token=token)).status_code == 200
    made = await attacker.ask("POST", "/v1/api-keys", json={"name": "trojan"})
    assert made.status_code == 201
    assert (await victim.row()).settled_at is None
    await victim.reset(VICTIMS)
    assert not await attacker.has_session()
    rows = await victim.database.fetch("select revoked_at from api_keys where user_id = $1", attacker.user_id)
    assert all(row["revoked_at"] is not None for row in rows)


async def test_a_verification_link_of_an_account_that_moved_is_dead(someone: Someone) -> None:
    attacker = someone()
    await attacker.sign_up()
    link = await attacker.link("verify_email")
    async with attacker.database.transaction() as session:
        (await lock_user(session, (await attacker.row()).id)).email = an_address()
    assert (await attacker.post("verify-email", token=link)).json()["code"] == "invalid_link"


async def test_the_operator_vouches_for_the_owner_not_for_who_was_there_first(someone: Someone) -> None:
    victim, attacker = await pair(someone)
    await attacker.sign_up()
    await attacker.log_in()
    async with victim.database.transaction() as session:
        user, _ = await users.vouch(session, victim.email)
    assert user.email_verified_at is not None
    await nothing_is_left(attacker)


async def test_vouching_again_takes_nothing_away(member: Person) -> None:
    async with member.database.transaction() as session:
        await users.vouch(session, member.email)
    assert await member.has_session()
    assert (await member.log_in()).status_code == 200
