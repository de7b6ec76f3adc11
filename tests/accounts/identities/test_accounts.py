"""Whose account an identity signs in to: nobody gets into another's, whatever a provider says or somebody set up."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from app.accounts.identities import notes, service
from app.accounts.keys import service as keys
from app.accounts.proofs import service as proofs
from app.accounts.proofs.models import Purpose
from app.accounts.sessions import service as sessions
from app.accounts.users import queries as users
from app.core import clock
from app.core.settings import Settings
from app.core.visitor import Visitor
from tests.accounts.identities.browser import FRONT, Behind, Browser, an_address, error_in
from tests.accounts.identities.idp import Idp, Person

Browsers = Callable[[], Browser]


def somebody(email: str | None = None, **more: object) -> Person:
    return replace(Person(str(uuid4().int)[:20], email), **more)  # type: ignore[arg-type]


# --- new users


async def test_whom_the_provider_vouches_for_is_verified_at_once(
    browser: Browser, person: Person, behind: Behind
) -> None:
    await browser.session("google")
    user = await behind.user(str(person.email))
    assert user is not None
    assert user.email_verified_at is not None
    assert user.settled_at is not None
    assert user.password_hash is None
    assert user.name == "Thu"
    assert await behind.mails(user.email) == []


@pytest.mark.parametrize(("provider", "domain"), [("github", "gmail.com"), ("google", "shop.vn")])
async def test_whom_it_does_not_vouch_for_gets_a_link_to_verify(
    browser: Browser, idp: Idp, behind: Behind, provider: str, domain: str
) -> None:
    idp.person = somebody(an_address(domain))
    await browser.session(provider)
    user = await behind.user(str(idp.person.email))
    assert user is not None
    assert user.email_verified_at is None
    assert user.settled_at is None
    assert [mail.kind for mail in await behind.mails(user.email)] == ["verify_email"]


@pytest.mark.parametrize("provider", ["google", "github"])
async def test_without_a_verified_address_nobody_gets_an_account(
    browser: Browser, idp: Idp, behind: Behind, provider: str
) -> None:
    idp.person = somebody(an_address(), email_verified=False)
    answer = await browser.sign_in(provider)
    assert (answer.status_code, answer.json()["code"]) == (403, "oauth_email_unverified")
    assert await behind.user(str(idp.person.email)) is None
    idp.person = somebody(None)
    assert (await browser.sign_in(provider)).json()["code"] == "oauth_email_unverified"


async def test_a_name_is_kept_as_it_can_be_shown(browser: Browser, idp: Idp, behind: Behind) -> None:
    idp.person = somebody(an_address(), name="  Thu\n\u202eXu\x00ân " + "x" * 200)
    await browser.session("google")
    user = await behind.user(str(idp.person.email))
    assert user is not None
    assert user.name is not None
    assert user.name.startswith("Thu Xu ân xxx")
    assert len(user.name) == 100


@pytest.mark.parametrize("email", ["thu@mailinator.com", "not an address", "thu@localhost"])
async def test_addresses_that_sign_up_refuses_are_refused_here_too(browser: Browser, idp: Idp, email: str) -> None:
    idp.person = somebody(email)
    answer = await browser.sign_in("github")
    assert answer.json()["code"] in ("disposable_address", "oauth_email_unverified")


async def test_a_mailbox_has_only_so_many_accounts(browsers: Browsers, idp: Idp, api: Settings) -> None:
    name, codes = uuid4().hex, []
    for number in range(api.auth.accounts_per_mailbox + 1):
        idp.person = somebody(f"{name}+{number}@gmail.com")
        answer = await browsers().sign_in("google")
        codes.append(answer.json().get("code"))
    assert codes == [None] * api.auth.accounts_per_mailbox + ["mailbox_full"]


async def test_accounts_nobody_verified_take_no_room(
    browsers: Browsers, idp: Idp, api: Settings, behind: Behind
) -> None:
    """A provider that does not vouch for Gmail's addresses makes them."""
    name = uuid4().hex
    for number in range(api.auth.accounts_per_mailbox + 1):
        idp.person = somebody(f"{name}+{number}@gmail.com")
        assert "code" not in (await browsers().sign_in("github")).json()
    idp.person = somebody(f"{name}+own@gmail.com")
    assert "code" not in (await browsers().sign_in("google")).json()
    user = await behind.user(f"{name}+own@gmail.com")
    assert user is not None
    assert user.email_verified_at is not None
    assert not user.no_welcome


async def test_an_account_that_was_there_is_not_verified_where_the_mailbox_is_full(
    browsers: Browsers, idp: Idp, api: Settings, behind: Behind
) -> None:
    name = uuid4().hex
    late = somebody(f"{name}+late@gmail.com")
    idp.person = late
    await browsers().sign_in("github")
    for number in range(api.auth.accounts_per_mailbox):
        idp.person = somebody(f"{name}+{number}@gmail.com")
        await browsers().sign_in("google")
    idp.person = late
    assert (await browsers().sign_in("google")).json()["code"] == "mailbox_full"
    assert "code" not in (await browsers().sign_in("github")).json(), "the way in that was there still is"
    user = await behind.user(str(late.email))
    assert user is not None
    assert user.email_verified_at is None


async def test_a_mailbox_is_welcomed_once(browsers: Browsers, idp: Idp, behind: Behind) -> None:
    name, refused = uuid4().hex, []
    for number in range(2):
        idp.person = somebody(f"{name}+{number}@gmail.com")
        await browsers().sign_in("google")
        user = await behind.user(str(idp.person.email))
        assert user is not None
        refused.append(user.no_welcome)
    assert refused == [False, True]


async def test_many_first_sign_ins_at_once_make_one_user(browsers: Browsers, person: Person, behind: Behind) -> None:
    """Several tabs, or the impatient."""
    many = [browsers() for _ in range(6)]
    urls = [await browser.to_callback("google") for browser in many]
    answers = await asyncio.gather(*(browser.http.get(url) for browser, url in zip(many, urls, strict=True)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1
    user = await behind.user(str(person.email))
    assert user is not None
    assert len(await behind.identities(user.id)) == 1
    assert await behind.mails(user.email) == []


# --- the same person again


async def test_the_same_identity_is_the_same_user(browsers: Browsers, person: Person) -> None:
    first, second = await browsers().session("google"), await browsers().session("google")
    assert first["user"]["id"] == second["user"]["id"]
    assert first["id"] != second["id"]


async def test_a_changed_address_at_the_provider_changes_neither_user_nor_address(
    browsers: Browsers, person: Person, idp: Idp, behind: Behind
) -> None:
    first = await browsers().session("google")
    idp.person = replace(person, email=an_address())
    second = await browsers().session("google")
    assert second["user"] == first["user"]
    assert await behind.user(str(idp.person.email)) is None
    user = await behind.user(str(person.email))
    assert user is not None
    assert [one.email for one in await behind.identities(user.id)] == [idp.person.email]


async def test_a_changed_address_does_not_lead_into_the_account_that_has_it(
    browsers: Browsers, person: Person, idp: Idp, behind: Behind
) -> None:
    victim = await browsers().session("google")
    attacker = somebody(an_address())
    idp.person = attacker
    first = await browsers().session("google")
    idp.person = replace(attacker, email=person.email)
    again = await browsers().session("google")
    assert again["user"]["id"] == first["user"]["id"] != victim["user"]["id"]


async def test_an_address_that_lost_its_verification_still_signs_its_identity_in(
    browsers: Browsers, person: Person, idp: Idp
) -> None:
    first = await browsers().session("google")
    idp.person = replace(person, email_verified=False)
    assert (await browsers().session("google"))["user"] == first["user"]


async def test_a_subject_of_one_provider_is_nobody_at_another(browsers: Browsers, person: Person, idp: Idp) -> None:
    first = await browsers().session("google")
    idp.person = replace(person, email=an_address("shop.vn"))
    second = await browsers().session("github")
    assert second["user"]["id"] != first["user"]["id"]


async def test_a_reused_address_with_another_subject_is_another_identity(
    browsers: Browsers, idp: Idp, behind: Behind
) -> None:
    """A company gave the address to somebody else: at GitHub it is still verified, for who had it."""
    address = an_address("shop.vn")
    idp.person = somebody(address, hd="shop.vn")
    await browsers().session("google")
    idp.person = somebody(address)
    answer = await browsers().sign_in("google")  # a consumer account, and no hd
    assert (answer.status_code, answer.json()["code"]) == (409, "link_required")


async def test_the_suspended_are_not_let_in(browsers: Browsers, person: Person, behind: Behind) -> None:
    await browsers().session("google")
    await behind.change_user(str(person.email), status="suspended")
    answer = await browsers().sign_in("google")
    assert (answer.status_code, answer.json()["code"]) == (403, "account_suspended")
    redirected = await browsers().sign_in("google", redirect_to=FRONT, cookies=True)
    assert error_in(redirected) == "account_suspended"


# --- an account with the same address: the provider vouches


async def test_a_settled_account_is_linked_at_once_and_told(browser: Browser, person: Person, behind: Behind) -> None:
    address = str(person.email)
    user_id = await behind.add_user(address, verified_at=clock.now(), settled_at=clock.now())
    made = await browser.session("google")
    user = await behind.user(address)
    assert user is not None
    assert user.id == user_id
    assert user.password_hash == "chosen"
    assert made["user"]["email"] == address
    assert [(mail.kind, mail.facts) for mail in await behind.mails(address)] == [
        ("identity_linked", {"provider": "google"})
    ]


@pytest.mark.parametrize("is_verified", [False, True], ids=["unverified", "verified by the link alone"])
async def test_what_others_set_up_before_is_dropped(
    browser: Browser, person: Person, behind: Behind, idp: Idp, is_verified: bool
) -> None:
    """Pre-hijacking: an account made with the victim's address, a password, a session, an identity, a key, links."""
    address = str(person.email)
    verified_at = clock.now() if is_verified else None
    user_id = await behind.add_user(address, verified_at=verified_at, settled_at=None)
    async with behind.database.transaction() as session:
        key, _ = await keys.issue_key(session, email=address, mode="test", name="the attacker's")
    await behind.change_user(address, email_verified_at=verified_at, settled_at=None, password_hash="chosen")
    async with behind.database.transaction() as session:
        user = await users.lock_user(session, user_id)
        await sessions.start(session, behind.settings, user, Visitor("", ""), kind="bearer", is_confirmed=True)
        await proofs.issue(session, Purpose.RESET_PASSWORD, user, life=timedelta(hours=1))
        await notes.add_identity(session, user, f"{idp.origin}/github", "666", address)

    made = await browser.session("google")

    user_now = await behind.user(address)
    assert user_now is not None
    assert user_now.id == user_id
    assert user_now.password_hash is None
    assert user_now.email_verified_at is not None
    assert user_now.settled_at is not None
    assert await behind.open_sessions(user_id) == 1, "the one that was made just now"
    assert [one.subject for one in await behind.identities(user_id)] == [person.subject]
    async with behind.database.transaction() as session:
        revoked = await session.get(type(key), key.id)
        assert revoked is not None
        assert revoked.revoked_at is not None
        assert await proofs.list_proofs(session, user_id, Purpose.RESET_PASSWORD) == []
    assert made["user"]["email"] == address


async def test_an_attackers_identity_goes_when_the_mailboxs_owner_comes(
    browsers: Browsers, idp: Idp, behind: Behind
) -> None:
    """The same address at two providers: whoever had it verified at GitHub once does not keep a way in."""
    address = an_address()
    attacker = somebody(address)
    idp.person = attacker
    await browsers().session("github")
    idp.person = somebody(address)
    victim = await browsers().session("google")
    idp.person = attacker
    answer = await browsers().sign_in("github")
    assert (answer.status_code, answer.json()["code"]) == (409, "link_required")
    user = await behind.user(address)
    assert user is not None
    assert [one.subject for one in await behind.identities(user.id)] != [attacker.subject]
    assert victim["user"]["email_verified_at"] is not None


async def test_an_identity_whose_address_is_vouched_for_later_settles_its_account(
    browsers: Browsers, idp: Idp, behind: Behind
) -> None:
    """A consumer account of Google's with a company's address; then the company moves to Google."""
    address = an_address("shop.vn")
    idp.person = somebody(address)
    first = await browsers().session("google")
    await behind.change_user(address, password_hash="chosen by who knows")
    idp.person = replace(idp.person, hd="shop.vn")
    second = await browsers().session("google")
    user = await behind.user(address)
    assert user is not None
    assert first["user"]["id"] == second["user"]["id"]
    assert user.settled_at is not None
    assert user.password_hash is None
    assert len(await behind.identities(user.id)) == 1
    assert await behind.open_sessions(user.id) == 1


async def test_a_suspended_account_is_not_linked(browser: Browser, person: Person, behind: Behind) -> None:
    address = str(person.email)
    user_id = await behind.add_user(address, verified_at=clock.now(), settled_at=clock.now())
    await behind.change_user(address, status="suspended")
    assert (await browser.sign_in("google")).json()["code"] == "account_suspended"
    assert await behind.identities(user_id) == []


# --- an account with the same address: the provider does not vouch


@pytest.mark.parametrize("verified", [True, False])
async def test_without_its_word_the_mailbox_is_asked(
    browser: Browser, idp: Idp, behind: Behind, verified: bool
) -> None:
    address = an_address("shop.vn")
    moment = clock.now() if verified else None
    user_id = await behind.add_user(address, verified_at=moment, settled_at=moment)
    idp.person = somebody(address.upper())
    for provider in ("google", "github"):
        answer = await browser.sign_in(provider)
        assert (answer.status_code, answer.json()["code"]) == (409, "link_required")
    assert await behind.identities(user_id) == []
    assert await behind.open_sessions(user_id) == 0
    facts = [(mail.kind, mail.facts["provider"]) for mail in await behind.mails(address)]
    assert facts == [("confirm_identity", "google"), ("confirm_identity", "github")]


async def test_the_front_end_hears_that_linking_is_required(browser: Browser, idp: Idp, behind: Behind) -> None:
    address = an_address("shop.vn")
    await behind.add_user(address, verified_at=clock.now(), settled_at=clock.now())
    idp.person = somebody(address)
    assert error_in(await browser.sign_in("github", redirect_to=FRONT, cookies=True)) == "link_required"
    assert [mail.kind for mail in await behind.mails(address)] == ["confirm_identity"]
    assert "backlot_session" not in browser.http.cookies


async def test_nobodys_mailbox_is_filled_by_it(browser: Browser, idp: Idp, behind: Behind) -> None:
    address = an_address("shop.vn")
    await behind.add_user(address, verified_at=clock.now(), settled_at=clock.now())
    idp.person = somebody(address)
    for _ in range(service.MOST_MAILS + 2):
        assert (await browser.sign_in("github")).json()["code"] == "link_required"
    assert len(await behind.mails(address)) == service.MOST_MAILS
