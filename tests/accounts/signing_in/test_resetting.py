"""A new password: by mail, or by the old one."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import update

from app.accounts.models import User, UserStatus
from app.accounts.sessions import service as sessions
from app.accounts.signing_in import resetting
from app.accounts.users import queries as users
from tests.accounts.signing_in.people import OTHER, PASSWORD, Person
from tests.waiting import until_somebody_waits

Someone = Callable[..., Person]
THIRD = "quiet lantern under 9 bridges"


async def test_a_reset_sets_the_password(member: Person) -> None:
    assert (await member.reset()).status_code == 204
    assert (await member.log_in(PASSWORD)).status_code == 401
    assert (await member.log_in(OTHER)).status_code == 200


async def test_a_reset_ends_every_session_and_says_so(member: Person) -> None:
    await member.reset()
    assert not await member.has_session()
    (mail,) = await member.mails("password_changed")
    assert mail.facts["ip"] == member.network


async def test_a_reset_kills_every_other_link(member: Person) -> None:
    await member.post("forgot-password", email=member.email)
    older = await member.link("reset_password")
    await member.post("change-email", signed_in=True, email=f"new{member.email}", password=PASSWORD)
    moving = await member.link("confirm_email_change_old")
    await member.reset()
    for act, token in (("reset-password", older), ("confirm-email-change", moving)):
        body = {"password": THIRD} if act == "reset-password" else {}
        assert (await member.post(act, token=token, **body)).json()["code"] == "invalid_link"


async def test_a_weak_password_does_not_use_the_link_up(member: Person) -> None:
    await member.post("forgot-password", email=member.email)
    token = await member.link("reset_password")
    answer = await member.post("reset-password", token=token, password="password1")
    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert (await member.post("reset-password", token=token, password=OTHER)).status_code == 204


async def test_of_two_resets_with_one_link_one_counts(member: Person) -> None:
    await member.post("forgot-password", email=member.email)
    token = await member.link("reset_password")
    tries = (member.post("reset-password", token=token, password=word) for word in (OTHER, THIRD))
    first, second = await asyncio.gather(*tries)
    assert sorted((first.status_code, second.status_code)) == [204, 422]
    right, wrong = (OTHER, THIRD) if first.status_code == 204 else (THIRD, OTHER)
    assert (await member.log_in(right)).status_code == 200
    assert (await member.log_in(wrong)).status_code == 401


async def test_a_reset_verifies_the_address(person: Person) -> None:
    await person.sign_up()
    await person.reset()
    user = await person.row()
    assert user.email_verified_at is not None
    assert user.settled_at is not None


async def test_the_mail_goes_to_the_address_that_is_kept(member: Person, someone: Someone) -> None:
    await someone().post("forgot-password", email=member.email.upper())
    assert len(await member.mails("reset_password")) == 1
    assert await member.mails(to=member.email.upper()) == []


async def test_an_unknown_address_is_sent_nothing(person: Person) -> None:
    assert (await person.post("forgot-password", email=person.email)).status_code == 202
    assert await person.mails() == []


async def test_changing_it_ends_all_other_sessions(member: Person, someone: Someone) -> None:
    elsewhere = someone(email=member.email)
    await elsewhere.log_in()
    answer = await member.post("change-password", signed_in=True, current_password=PASSWORD, new_password=OTHER)
    assert answer.status_code == 204
    assert await member.has_session()
    assert not await elsewhere.has_session()
    assert (await member.log_in(OTHER)).status_code == 200
    assert len(await member.mails("password_changed")) == 1


async def test_changing_it_needs_the_old_one(member: Person) -> None:
    for body in ({"current_password": OTHER}, {}):
        answer = await member.post("change-password", signed_in=True, new_password=THIRD, **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
        assert answer.json()["errors"][0]["pointer"] == "/current_password"
    assert (await member.log_in(PASSWORD)).status_code == 200


async def test_a_stolen_session_cannot_guess_the_password(member: Person) -> None:
    statuses = [
        (await member.post("change-password", signed_in=True, current_password=OTHER, new_password=THIRD)).status_code
        for _ in range(6)
    ]
    assert statuses == [403] * 5 + [429]


async def test_the_new_one_must_not_be_weak(member: Person) -> None:
    answer = await member.post("change-password", signed_in=True, current_password=PASSWORD, new_password="password1")
    assert answer.json()["errors"][0]["pointer"] == "/new_password"


async def test_who_has_none_sets_one_with_a_confirmed_session(member: Person) -> None:
    async with member.database.transaction() as session:
        await session.execute(update(User).where(User.id == member.user_id).values(password_hash=None))
    assert (await member.post("change-password", signed_in=True, new_password=OTHER)).status_code == 204
    assert (await member.log_in(OTHER)).status_code == 200


async def test_who_has_none_and_no_confirmed_session_sets_none(member: Person) -> None:
    async with member.database.transaction() as session:
        await session.execute(update(User).where(User.id == member.user_id).values(password_hash=None))
    await member.database.fetch("update sessions set confirmed_at = null where user_id = $1", member.user_id)
    await member.database.redis.publish("backlot:callers", str(member.user_id))
    async with asyncio.timeout(5):
        while (
            answer := await member.post("change-password", signed_in=True, new_password="password1")
        ).status_code != 403:
            await asyncio.sleep(0.02)
    assert answer.json()["code"] == "confirmation_required"


async def test_without_a_session_nothing_is_changed(member: Person) -> None:
    for act, body in (("change-password", {"new_password": OTHER}), ("change-email", {"email": "a@example.com"})):
        assert (await member.post(act, **body)).json()["code"] == "missing_credentials"


@pytest.mark.parametrize("how", ["signed out", "suspended"])
async def test_who_is_thrown_out_meanwhile_sets_no_password(member: Person, how: str) -> None:
    """Hashing takes long, and a thief with a session of somebody without a password would stay for good."""
    await member.database.fetch("update users set password_hash = null where id = $1", member.user_id)
    async with member.database.transaction() as session:
        user = await users.lock_user(session, member.user_id)
        setting = asyncio.create_task(member.post("change-password", signed_in=True, new_password=OTHER))
        await until_somebody_waits(member.database)
        if how == "suspended":
            user.status = UserStatus.SUSPENDED
        else:
            await sessions.end_all(session, user.id, reason="signed_out")
    answer = await setting
    refused = {"suspended": (403, "account_suspended"), "signed out": (401, "session_revoked")}
    assert (answer.status_code, answer.json()["code"]) == refused[how]
    assert (await member.row()).password_hash is None


async def test_who_is_thrown_out_meanwhile_asks_for_no_other_address(member: Person) -> None:
    async with member.database.transaction() as session:
        await users.lock_user(session, member.user_id)
        body = {"email": "thief@example.com", "password": PASSWORD}
        asking = asyncio.create_task(member.post("change-email", signed_in=True, **body))
        await until_somebody_waits(member.database)
        await sessions.end_all(session, member.user_id, reason="signed_out")
    assert (await asking).json()["code"] == "session_revoked"
    assert await member.mails("confirm_email_change_old") == []


async def test_a_reset_that_dies_has_opened_the_way_for_who_has_the_link(
    member: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what it does this comes first: afterwards there is no link to try it again with."""
    for _ in range(6):
        locked = await member.log_in(OTHER)
    assert locked.status_code == 429
    await member.post("forgot-password", email=member.email)

    async def die(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(resetting, "reset", die)
    link = await member.link("reset_password")
    assert (await member.post("reset-password", token=link, password=OTHER)).status_code >= 500
    assert (await member.log_in()).status_code == 200
