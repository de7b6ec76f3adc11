"""Changing the address: both mailboxes say so, or nothing is changed."""

import asyncio
from collections.abc import Callable

from tests.accounts.signing_in.people import OTHER, PASSWORD, Person, an_address

Someone = Callable[..., Person]


async def asked(person: Person, address: str, password: str = PASSWORD) -> int:
    answer = await person.post("change-email", signed_in=True, email=address, password=password)
    return answer.status_code


async def confirmed(person: Person, which: str, address: str, *, signed_in: bool = False) -> str:
    token = await person.link(f"confirm_email_change_{which}", to=address)
    answer = await person.post("confirm-email-change", signed_in=signed_in, token=token)
    return str(answer.json().get("status") if answer.status_code == 200 else answer.json()["code"])


async def test_both_mailboxes_have_to_agree(member: Person) -> None:
    old, new = member.email, an_address()
    assert await asked(member, new) == 202
    assert await confirmed(member, "new", new) == "waiting"
    assert (await member.log_in()).json()["user"]["email"] == old
    assert await confirmed(member, "old", old) == "changed"
    assert (await member.log_in()).status_code == 401
    member.email = new
    assert (await member.log_in()).json()["user"]["email"] == new
    (told,) = await member.mails("email_changed", to=old)
    assert told.facts == {"new_email": new}


async def test_both_at_once_change_it_once(member: Person) -> None:
    old, new = member.email, an_address()
    await asked(member, new)
    results = await asyncio.gather(confirmed(member, "old", old), confirmed(member, "new", new))
    assert sorted(results) == ["changed", "waiting"]
    assert len(await member.mails("email_changed", to=old)) == 1


async def test_it_needs_the_password(member: Person) -> None:
    assert await asked(member, an_address(), OTHER) == 403
    answer = await member.post("change-email", signed_in=True, email=an_address())
    assert answer.json()["errors"][0]["pointer"] == "/password"
    assert [mail.kind for mail in await member.mails()] == ["verify_email"]


async def test_it_needs_a_verified_address(person: Person) -> None:
    await person.sign_up()
    await person.log_in()
    answer = await person.post("change-email", signed_in=True, email=an_address(), password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")


async def test_the_address_one_has_is_refused_and_its_spelling_is_not(member: Person) -> None:
    old = member.email
    assert await asked(member, old) == 422
    assert await asked(member, old.upper()) == 202
    await confirmed(member, "old", old)
    spelled = f"{old.partition('@')[0].upper()}@example.com"
    assert await confirmed(member, "new", spelled) == "changed"


async def test_a_taken_address_is_not_told(member: Person, someone: Someone) -> None:
    holder, old = someone(), member.email
    await holder.sign_up()
    await holder.verify()
    free, taken = an_address(), holder.email
    answers = [await member.post("change-email", signed_in=True, email=one, password=PASSWORD) for one in (free, taken)]
    assert answers[0].text == answers[1].text
    assert [mail.kind for mail in await holder.mails()][-1] == "account_exists"
    assert len(await member.mails("confirm_email_change_old")) == 2
    assert await confirmed(member, "old", old) == "waiting"
    assert (await member.log_in()).json()["user"]["email"] == old


async def test_an_address_taken_meanwhile_is_refused_and_the_link_stays_good(member: Person, someone: Someone) -> None:
    old, new = member.email, an_address()
    await asked(member, new)
    await someone(email=new).sign_up()
    await confirmed(member, "old", old)
    assert await confirmed(member, "new", new) == "email_taken"
    assert await confirmed(member, "new", new) == "email_taken"


async def test_what_was_asked_for_before_is_forgotten(member: Person) -> None:
    old, first, second = member.email, an_address(), an_address()
    await asked(member, first)
    await confirmed(member, "old", old)
    await asked(member, second)
    assert await confirmed(member, "new", first) == "invalid_link"
    assert await confirmed(member, "new", second) == "waiting"
    assert await confirmed(member, "old", old) == "changed"
    member.email = second
    assert (await member.log_in()).status_code == 200


async def test_links_to_the_old_mailbox_die_with_it(member: Person) -> None:
    old, new = member.email, an_address()
    await member.post("forgot-password", email=old)
    reset = await member.link("reset_password")
    await asked(member, new)
    await confirmed(member, "old", old)
    await confirmed(member, "new", new)
    answer = await member.post("reset-password", token=reset, password=OTHER)
    assert answer.json()["code"] == "invalid_link"


async def test_who_was_not_signed_in_has_shown_less(member: Person) -> None:
    for signed_in in (True, False):
        old, new = member.email, an_address()
        await asked(member, new)
        await confirmed(member, "old", old)
        await confirmed(member, "new", new, signed_in=signed_in)
        member.email = new
        assert ((await member.row()).settled_at is not None) == signed_in


async def test_disposable_addresses_are_refused(member: Person) -> None:
    answer = await member.post("change-email", signed_in=True, email="a@yopmail.com", password=PASSWORD)
    assert answer.json()["code"] == "disposable_address"
