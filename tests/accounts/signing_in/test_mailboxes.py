"""What one mailbox may have: mails of each kind, accounts whose address is verified. Strangers use none of it up."""

import asyncio
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from app.accounts.proofs import service as proofs
from app.accounts.proofs.models import Purpose
from app.core.account_settings import Auth
from app.core.ids import new_id
from tests.accounts.signing_in.people import OTHER, PASSWORD, Person, an_address, settings_of

Someone = Callable[..., Person]
MOST = 3


@pytest.fixture
def gmail(someone: Someone) -> Callable[[object], Person]:
    """People with one mailbox, and an address of it each."""
    name = new_id().hex
    return lambda tag: someone(email=f"{name}+{tag}@gmail.com")


Gmail = Callable[[object], Person]


async def settled(person: Person) -> Person:
    await person.sign_up()
    assert (await person.verify(password=PASSWORD)).status_code == 204
    return person


async def full(gmail: Gmail) -> list[Person]:
    return [await settled(gmail(tag)) for tag in range(MOST)]


# --- mails


@pytest.mark.parametrize("act", ["signup", "resend-verification"])
async def test_strangers_use_up_no_mail_that_sets_a_password(member: Person, someone: Someone, act: str) -> None:
    stranger, body = someone(), {"password": OTHER} if act == "signup" else {}
    statuses = [(await stranger.post(act, email=member.email, **body)).status_code for _ in range(8)]
    assert 429 in statuses
    assert (await member.reset()).status_code == 204


async def test_who_asks_for_resets_in_the_owners_stead_sends_them_links_that_work(
    member: Person, someone: Someone
) -> None:
    stranger = someone()
    statuses = [(await stranger.post("forgot-password", email=member.email)).status_code for _ in range(7)]
    assert statuses == [202] * 6 + [429]
    assert len(await member.mails("reset_password")) == 6
    first = (await member.mails("reset_password"))[0]
    newest = await member.link("reset_password")
    async with member.database.transaction() as session:
        used = [proof.used_at for proof in await proofs.list_proofs(session, member.user_id, Purpose.RESET_PASSWORD)]
    assert used == [None] * 6, "a later one does not take the earlier ones' place"
    assert first.token_id is not None
    assert (await member.post("reset-password", token=newest, password=OTHER)).status_code == 204


def test_a_link_lives_until_another_may_be_sent() -> None:
    assert Auth(reset_seconds=600, mails_per_mailbox=6).reset_seconds == 600
    with pytest.raises(ValidationError, match="BACKLOT_AUTH_RESET_SECONDS must be 600 at least"):
        Auth(reset_seconds=599, mails_per_mailbox=6)


# --- accounts


async def test_strangers_sign_ups_take_no_room(gmail: Gmail) -> None:
    for tag in ("x", "y", "z"):
        await gmail(tag).sign_up()
    owner = gmail("own")
    await owner.sign_up()
    assert [mail.kind for mail in await owner.mails()] == ["verify_email"]
    assert (await owner.verify(password=PASSWORD)).status_code == 204


async def test_who_signs_up_with_one_more_is_told_by_mail_where_there_is_one(gmail: Gmail) -> None:
    first, *_ = await full(gmail)
    last = gmail("last")
    answer = await last.sign_up()
    assert answer.status_code == 202, "nobody hears that the mailbox has accounts, but its owner"
    (mail,) = await last.mails()
    assert (mail.kind, mail.facts) == ("account_exists", {"other": first.email})


@pytest.mark.parametrize("way", ["link", "reset"])
async def test_one_more_is_not_verified_and_its_link_stays_good(gmail: Gmail, way: str) -> None:
    last = gmail("last")
    await last.sign_up()
    if way == "reset":
        await last.post("forgot-password", email=last.email)
    people = await full(gmail)

    async def opened() -> tuple[int, str | None]:
        act, kind = {"link": ("verify-email", "verify_email"), "reset": ("reset-password", "reset_password")}[way]
        answer = await last.post(act, token=await last.link(kind), password=PASSWORD)
        return answer.status_code, answer.json()["code"] if answer.status_code != 204 else None

    assert await opened() == (409, "mailbox_full")
    assert (await last.row()).email_verified_at is None
    await people[0].log_in()
    await moved(people[0], an_address())
    assert await opened() == (204, None), "there is room again"


async def moved(person: Person, address: str) -> str:
    await person.post("change-email", signed_in=True, email=address, password=PASSWORD)
    status = ""
    for which, to in (("new", address), ("old", person.email)):
        token = await person.link(f"confirm_email_change_{which}", to=to)
        answer = await person.post("confirm-email-change", signed_in=True, token=token)
        status = answer.json().get("code") or answer.json()["status"]
    return status


async def test_one_more_does_not_come_by_a_change_of_address(gmail: Gmail, member: Person) -> None:
    people = await full(gmail)
    address = gmail("moved").email
    assert await moved(member, address) == "mailbox_full"
    assert (await member.log_in()).json()["user"]["email_verified_at"] is not None
    await people[0].log_in()
    assert await moved(people[0], gmail("renamed").email) == "changed", "within the mailbox there is none more"


async def test_of_many_verified_at_once_no_more_are_let_in(gmail: Gmail) -> None:
    people = [gmail(tag) for tag in range(6)]
    for person in people:
        await person.sign_up()
    links = [await person.link("verify_email") for person in people]
    answers = await asyncio.gather(
        *(one.post("verify-email", token=link) for one, link in zip(people, links, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [204] * MOST + [409] * 3


async def test_where_any_number_is_allowed_none_is_counted(gmail: Gmail, server: FastAPI) -> None:
    async with settings_of(server, accounts_per_mailbox=0):
        await full(gmail)
        assert (await settled(gmail("last"))).email


# --- welcome credits


async def balance(person: Person) -> float:
    assert (await person.log_in()).status_code == 200
    answer = await person.ask("GET", "/v1/credits")
    return float(answer.json()["balance"])


async def test_credits_come_with_the_verified_address(person: Person) -> None:
    await person.sign_up()
    assert await balance(person) == 0
    await person.verify()
    given = await balance(person)
    assert given > 0
    assert await balance(person) == given, "once"


async def test_a_mailbox_is_welcomed_once_however_many_accounts_it_has(gmail: Gmail) -> None:
    first, *others = await full(gmail)
    assert [await balance(one) for one in others] == [0, 0]
    assert await balance(first) > 0


async def test_strangers_do_not_use_up_the_welcome_of_others(gmail: Gmail) -> None:
    stranger, owner = gmail("x"), gmail("own")
    await stranger.sign_up()
    assert await balance(stranger) == 0
    assert await balance(await settled(owner)) > 0
    await stranger.verify()
    assert await balance(stranger) == 0


async def test_moving_away_makes_no_room_for_another_welcome(gmail: Gmail) -> None:
    first = await settled(gmail("first"))
    assert await balance(first) > 0
    assert await moved(first, an_address()) == "changed"
    assert await balance(await settled(gmail("second"))) == 0


async def test_of_two_verified_at_once_one_is_welcomed(gmail: Gmail) -> None:
    people = [gmail("a"), gmail("b")]
    for person in people:
        await person.sign_up()
    await asyncio.gather(*(person.verify() for person in people))
    assert sorted([await balance(person) > 0 for person in people]) == [False, True]


async def test_test_credits_are_for_everybody(gmail: Gmail) -> None:
    *_, last = await full(gmail)
    await last.log_in()
    body = {"name": "tests", "mode": "test"}
    key = (await last.ask("POST", "/v1/api-keys", json=body)).json()["secret"]
    last.tokens["access_token"] = key
    assert (await last.ask("GET", "/v1/credits")).json()["balance"] > 0
