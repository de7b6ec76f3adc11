"""Signing up, and verifying the address."""

import asyncio
from collections.abc import Callable

import pytest

from app.core.ids import new_id
from tests.accounts.signing_in.people import OTHER, PASSWORD, Person

Someone = Callable[..., Person]


async def test_who_signs_up_is_sent_a_link_and_is_not_signed_in(person: Person) -> None:
    answer = await person.sign_up(name="Thu", locale="vi")
    assert answer.status_code == 202
    assert answer.json()["object"] == "mail"
    assert "set-cookie" not in answer.headers
    (mail,) = await person.mails()
    assert (mail.kind, mail.locale) == ("verify_email", "vi")
    user = await person.row()
    assert (user.name, user.email_verified_at, user.settled_at) == ("Thu", None, None)
    assert user.password_hash is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_no_password_and_no_link_rests(person: Person) -> None:
    await person.sign_up()
    token = await person.link("verify_email")
    for table in ("users", "proofs", "mails", "events", "audit_entries", "audit_details", "throttles"):
        rows = await person.database.fetch(f"select t::text as row from {table} t")
        assert not [row for row in rows if PASSWORD in row["row"] or token in row["row"]], table


async def test_one_may_sign_in_before_the_address_is_verified(person: Person) -> None:
    await person.sign_up()
    assert (await person.log_in()).json()["user"]["email_verified_at"] is None


async def test_the_link_verifies_the_address_once(person: Person) -> None:
    await person.sign_up()
    token = await person.link("verify_email")
    assert (await person.post("verify-email", token=token)).status_code == 204
    assert (await person.row()).email_verified_at is not None
    again = await person.post("verify-email", token=token)
    assert (again.status_code, again.json()["code"]) == (422, "invalid_link")
    assert again.json()["errors"][0]["pointer"] == "/token"


async def test_by_the_link_alone_nobody_knows_whose_the_password_is(person: Person) -> None:
    await person.sign_up()
    await person.verify()
    assert (await person.row()).settled_at is None


async def test_the_password_given_with_the_link_settles_it(person: Person) -> None:
    await person.sign_up()
    assert (await person.verify(password=OTHER)).json()["code"] == "wrong_password"
    assert (await person.row()).email_verified_at is None
    assert (await person.verify(password=PASSWORD)).status_code == 204
    assert (await person.row()).settled_at is not None


async def test_a_session_of_the_user_settles_it(person: Person) -> None:
    await person.sign_up()
    await person.log_in()
    assert (await person.verify(signed_in=True)).status_code == 204
    assert (await person.row()).settled_at is not None
    assert await person.has_session()


async def test_a_session_of_another_user_settles_nothing(person: Person, someone: Someone) -> None:
    other = someone()
    await other.sign_up()
    await other.log_in()
    await person.sign_up()
    person.tokens = other.tokens
    assert (await person.verify(signed_in=True)).status_code == 204
    assert (await person.row()).settled_at is None


async def test_a_session_hears_at_once_that_its_address_is_verified(person: Person) -> None:
    await person.sign_up()
    await person.log_in()
    order = {"operation": "text_to_image", "input": {"prompt": "a red bicycle"}}
    assert (await person.ask("POST", "/v1/tasks", json=order)).json()["code"] == "email_unverified"
    await person.verify()
    async with asyncio.timeout(5):
        while (await person.ask("POST", "/v1/tasks", json=order)).status_code == 403:
            await asyncio.sleep(0.02)


async def test_a_second_link_is_sent_when_asked_for(person: Person) -> None:
    await person.sign_up()
    assert (await person.post("resend-verification", email=person.email)).status_code == 202
    assert len(await person.mails("verify_email")) == 2
    assert (await person.verify()).status_code == 204
    await person.post("resend-verification", email=person.email)
    assert len(await person.mails()) == 2, "there is nothing to verify any more"


async def test_two_at_once_make_one_account(person: Person, someone: Someone) -> None:
    others = [someone(email=spelled) for spelled in (person.email, person.email.upper())]
    answers = await asyncio.gather(*(one.sign_up() for one in (person, *others)))
    assert {answer.status_code for answer in answers} == {202}
    rows = await person.database.fetch("select count(*) from users where lower(email) = $1", person.email)
    assert rows[0][0] == 1
    rows = await person.database.fetch("select count(*) from mails where lower(to_address) = $1", person.email)
    assert rows[0][0] == 3


async def test_signing_up_again_with_the_account_there_changes_nothing(member: Person, someone: Someone) -> None:
    stranger = someone(email=member.email, password=OTHER)
    assert (await stranger.sign_up(name="Mallory")).status_code == 202
    assert [mail.kind for mail in await member.mails()][-1] == "account_exists"
    assert (await member.row()).name is None
    assert (await stranger.log_in()).status_code == 401
    assert await member.has_session()


async def test_an_address_of_another_script_is_one_account(someone: Someone) -> None:
    upper, lower = (someone(email=f"{letter}{new_id().hex}@example.com") for letter in "Đđ")
    lower.email = upper.email.replace("Đ", "đ")
    assert (await upper.sign_up()).status_code == 202
    assert (await lower.sign_up()).status_code == 202


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "nobody", "invalid_request"),
        ("email", "a@b@example.com", "invalid_request"),
        ("email", "thu@mailinator.com", "disposable_address"),
        ("email", "thu@eu.mailinator.com", "disposable_address"),
        ("password", "short 7", "invalid_request"),
        ("password", "x" * 129, "invalid_request"),
        ("password", "violet\x07kayak on 42 roofs", "invalid_request"),
        ("password", "password1", "weak_password"),
        ("password", "qwertyuiop1234", "weak_password"),
        ("password", "aaaaaaaaaaaaaaaaaaaaaaaa", "weak_password"),
        ("name", "", "string_too_short"),
        ("locale", "xx", "literal_error"),
    ],
)
async def test_what_cannot_be_taken_is_named(person: Person, field: str, value: str, code: str) -> None:
    answer = await person.sign_up(**{field: value})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"/{field}", code)
    assert await person.mails() == []


@pytest.mark.parametrize("text", ["\x00", "\ud800"])
@pytest.mark.parametrize("field", ["email", "password", "name"])
async def test_what_cannot_be_kept_is_refused(person: Person, field: str, text: str) -> None:
    assert (await person.sign_up(**{field: f"violet kayak {text} on 42"})).status_code == 422


async def test_a_password_made_of_what_is_known_of_its_owner_is_weak(someone: Someone) -> None:
    person = someone(email=f"wolframsteinbeck{new_id().hex[-6:]}@example.com")
    strong_for_others = person.email.partition("@")[0]
    assert (await person.sign_up(password=strong_for_others)).json()["code"] == "weak_password"
    assert (await person.sign_up(password="Hieronymus Kranewitter", name="Hieronymus Kranewitter")).status_code == 422
    assert (await someone().sign_up(password=strong_for_others)).status_code == 202


async def test_a_password_that_is_hard_to_judge_stops_nobody_else(person: Person, someone: Someone) -> None:
    riddle = "4@8({[<369&#!1/|0$5+7%2" * 3
    first, second = await asyncio.gather(person.sign_up(password=riddle), someone().sign_up())
    assert (first.status_code, second.status_code) == (202, 202)


async def test_the_same_letters_are_the_same_password_however_typed(someone: Someone) -> None:
    person = someone(password="bốn mươi hai chiếc thuyền".encode().decode())
    import unicodedata

    await person.sign_up(password=unicodedata.normalize("NFD", person.password))
    assert (await person.log_in(unicodedata.normalize("NFC", person.password))).status_code == 200


async def test_plus_is_a_part_of_the_name_where_nobody_says_otherwise(someone: Someone) -> None:
    name = new_id().hex
    for tag in "abcd":
        one = someone(email=f"{name}+{tag}@company.example")
        one.email = f"{name}+{tag}@example.com"
        await one.sign_up()
        assert [mail.kind for mail in await one.mails()] == ["verify_email"]


async def test_an_address_may_be_longer_than_usual(someone: Someone) -> None:
    person = someone(email=f"{new_id().hex[:20]}{'x' * 40}@{'d' * 60}.example.com")
    assert (await person.sign_up()).status_code == 202


async def test_who_signs_up_twice_with_one_password_keeps_session_and_keys(person: Person) -> None:
    """The mail was late: the second link is opened, and the password given."""
    await person.sign_up()
    await person.log_in()
    assert (await person.ask("POST", "/v1/api-keys", json={"name": "try", "mode": "test"})).status_code == 201
    await person.sign_up()
    assert (await person.verify(password=PASSWORD)).status_code == 204
    assert await person.has_session()
    keys = (await person.ask("GET", "/v1/api-keys")).json()["data"]
    assert [key["revoked_at"] for key in keys] == [None]
    assert (await person.row()).settled_at is not None
