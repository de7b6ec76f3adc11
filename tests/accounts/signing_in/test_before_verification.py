"""Where nobody signs in before the address is verified, who signed up with somebody's address learns nothing of it."""

from collections.abc import AsyncIterator, Callable

import pytest
from fastapi import FastAPI

from tests.accounts.signing_in.people import OTHER, PASSWORD, Person, settings_of

Someone = Callable[..., Person]


@pytest.fixture(autouse=True)
async def _verified_first(server: FastAPI) -> AsyncIterator[None]:
    async with settings_of(server, login_before_verification=False):
        yield


async def test_signing_up_and_in_tells_nobody_whether_there_was_an_account(someone: Someone) -> None:
    known, free = someone(), someone()
    await known.sign_up()
    await known.verify(password=PASSWORD)
    seen = []
    for address in (known.email, free.email):
        stranger = someone(email=address, password=OTHER)
        answers = [await stranger.sign_up(), *[await stranger.log_in() for _ in range(6)]]
        for act in ("resend-verification", "forgot-password"):
            answers.append(await stranger.post(act, email=address))
        answers.append(await stranger.log_in())
        seen.append([(answer.status_code, _same(answer.json())) for answer in answers])
    assert seen[0] == seen[1]
    assert [status for status, _ in seen[0]] == [202] + [401] * 5 + [429] + [202] * 2 + [429]


def _same(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name not in ("request_id", "detail")} | {
        "detail": body.get("code") != "too_many_attempts" and body.get("detail")
    }


async def test_the_right_password_counts_as_a_wrong_one(person: Person, someone: Someone) -> None:
    await person.sign_up()
    answers = [await person.log_in() for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    wrong = await someone(email=person.email).log_in(OTHER)
    for answer in (answers[0], wrong):
        assert answer.json()["code"] == "invalid_credentials"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_link_with_the_password_opens_the_account(person: Person) -> None:
    await person.sign_up()
    assert (await person.verify(password=PASSWORD)).status_code == 204
    assert (await person.row()).settled_at is not None
    assert (await person.log_in()).status_code == 200


async def test_a_reset_opens_it_too(person: Person) -> None:
    await person.sign_up()
    assert (await person.reset()).status_code == 204
    assert (await person.log_in(OTHER)).status_code == 200


async def test_a_change_to_an_address_tells_nothing_of_it(someone: Someone) -> None:
    member, known, free = someone(), someone(), someone()
    for one in (member, known):
        await one.sign_up()
        await one.verify(password=PASSWORD)
    await member.log_in()
    seen = []
    for one in (known, free):
        asked = await member.post("change-email", signed_in=True, email=one.email, password=PASSWORD)
        token = await member.link("confirm_email_change_old")
        opened = await member.post("confirm-email-change", token=token)
        seen.append((asked.status_code, asked.text, opened.status_code, opened.text))
    assert seen[0] == seen[1]
