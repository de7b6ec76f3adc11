"""Linking and unlinking: by who is signed in and proved it a moment ago, or by who reads the account's mailbox."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.accounts.identities import notes
from app.accounts.models import User
from app.accounts.sessions import service as sessions
from app.accounts.users import queries as users
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.identities.browser import FRONT, Behind, Browser, an_address
from tests.accounts.identities.idp import Idp, Person
from tests.accounts.identities.test_accounts import somebody
from tests.conftest import Account
from tests.waiting import until_somebody_waits

Browsers = Callable[[], Browser]
OWN = "/v1/me/identities"


@pytest.fixture
async def user(browser: Browser, person: Person, behind: Behind) -> User:
    """Signed in with Google, and confirmed."""
    made = await browser.session("google")
    await behind.confirm(made["id"])
    found = await behind.user(str(person.email))
    assert found is not None
    return found


async def link(browser: Browser, provider: str = "github") -> httpx.Response:
    code = await browser.code(provider, link=True)
    return await browser.http.post(OWN, json={"code": code, "code_verifier": browser.verifier})


async def actions(database: Database, user: User) -> list[str]:
    async with database.transaction() as session:
        query = text("select action from audit_entries where actor_id = :id order by created_at, number")
        return list((await session.execute(query, {"id": user.id})).scalars())


async def test_another_identity_is_linked_whatever_its_address(
    browser: Browser, user: User, idp: Idp, behind: Behind
) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    answer = await link(browser)
    assert answer.status_code == 201, answer.text
    linked = answer.json()
    assert (linked["provider"], linked["email"]) == ("github", idp.person.email)
    assert answer.headers["location"] == f"{OWN}/{linked['id']}"
    assert (await browser.http.get(answer.headers["location"])).json() == linked
    listed = (await browser.http.get(OWN)).json()["data"]
    assert [one["provider"] for one in listed] == ["github", "google"]
    assert [(mail.kind, mail.facts) for mail in await behind.mails(user.email)] == [
        ("identity_linked", {"provider": "github"})
    ]
    assert (await actions(behind.database, user))[-1] == "identity.linked"


async def test_a_linked_identity_signs_the_same_user_in(
    browser: Browser, browsers: Browsers, user: User, idp: Idp
) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    await link(browser)
    assert (await browsers().session("github"))["user"]["email"] == user.email


async def test_linking_twice_is_linking_once(browser: Browser, user: User, idp: Idp, behind: Behind) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    first, second = await link(browser), await link(browser)
    assert first.json()["id"] == second.json()["id"]
    assert len(await behind.mails(user.email)) == 1


async def test_an_identity_of_another_user_is_not_taken_from_them(
    browser: Browser, browsers: Browsers, user: User, idp: Idp
) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    other = await browsers().session("github")
    answer = await link(browser)
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")
    assert (await browsers().session("github"))["user"] == other["user"]


async def test_of_two_who_link_the_same_identity_at_once_one_has_it(
    browser: Browser, browsers: Browsers, user: User, idp: Idp, behind: Behind
) -> None:
    other = browsers()
    idp.person = somebody(an_address())
    await behind.confirm((await other.session("google"))["id"])
    idp.person = somebody(an_address("elsewhere.vn"))
    answers = await asyncio.gather(link(browser), link(other))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_linking_wants_a_fresh_proof_of_who_it_is(browser: Browser, person: Person, idp: Idp) -> None:
    await browser.session("google")
    answer = await link(browser)
    assert (answer.status_code, answer.json()["code"]) == (403, "confirmation_required")


async def test_linking_wants_a_verified_address(browser: Browser, idp: Idp, behind: Behind) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    await behind.confirm((await browser.session("github"))["id"])
    idp.person = somebody(an_address())
    answer = await link(browser, "google")
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")


async def test_nobody_links_without_signing_in_or_by_a_key(browser: Browser, account: Account, api: Settings) -> None:
    body = {"code": "x", "code_verifier": browser.verifier}
    assert (await browser.http.post(OWN, json=body)).status_code == 401
    keyed = {"Authorization": f"Bearer {account.key}"}
    for method, path in (("POST", OWN), ("GET", OWN), ("DELETE", f"{OWN}/ident_01jcqzm4x8e3v9tk5h2w7d6n0p")):
        answer = await browser.http.request(method, path, headers=keyed, json=body if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required"), method


async def test_a_code_brought_to_somebody_elses_front_end_links_nothing(
    browser: Browser, browsers: Browsers, user: User, idp: Idp, behind: Behind
) -> None:
    """The attacker begins, the victim's browser finishes: the code waits for a verifier the victim does not have, and
    the victim's identity does not become a way into the attacker's account."""
    attacker = browsers()
    victim_code = await browser.code("google", link=True)
    answer = await attacker.http.post(OWN, json={"code": victim_code, "code_verifier": attacker.verifier})
    assert answer.status_code == 401
    own = await browser.http.post(OWN, json={"code": victim_code, "code_verifier": attacker.verifier})
    assert own.json()["code"] == "invalid_oauth_code"


async def test_a_code_for_signing_in_links_nothing(browser: Browser, user: User, idp: Idp) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    code = await browser.code("github")
    answer = await browser.http.post(OWN, json={"code": code, "code_verifier": browser.verifier})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_oauth_code")


async def test_signing_in_goes_on_as_if_nothing_were_when_a_link_was_begun_only(
    browser: Browser, user: User, idp: Idp, behind: Behind
) -> None:
    """GET changes no account."""
    idp.person = somebody(an_address("elsewhere.vn"))
    await browser.code("github", link=True)
    assert len(await behind.identities(user.id)) == 1
    assert await behind.user(str(idp.person.email)) is None


@pytest.mark.parametrize("wrong", [{"code": 1}, {"code": ""}, {"code_verifier": "short"}, {"more": True}])
async def test_a_malformed_exchange_names_the_field(browser: Browser, wrong: dict[str, Any]) -> None:
    body = {"code": "x", "code_verifier": browser.verifier, **wrong}
    answer = await browser.http.post("/v1/auth/oauth/exchange", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/" + next(iter(wrong))


@pytest.mark.parametrize("act", ["link", "unlink"])
async def test_who_is_thrown_out_meanwhile_changes_nothing_any_more(
    browser: Browser, user: User, idp: Idp, behind: Behind, act: str
) -> None:
    """The request was let in, and waits for the account, whose owner is just throwing everybody out."""
    (own,) = (await browser.http.get(OWN)).json()["data"]
    idp.person = somebody(an_address("elsewhere.vn"))
    code = await browser.code("github", link=True)
    body = {"code": code, "code_verifier": browser.verifier}
    async with behind.database.transaction() as session:
        await users.lock_user(session, user.id)
        if act == "link":
            waiting = asyncio.create_task(browser.http.post(OWN, json=body))
        else:
            waiting = asyncio.create_task(browser.http.delete(f"{OWN}/{own['id']}"))
        await until_somebody_waits(behind.database)
        await sessions.end_all(session, user.id, reason="password_reset")
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")
    assert [one.issuer for one in await behind.identities(user.id)] == [own["issuer"]]


# --- unlinking


async def test_an_unlinked_identity_signs_nobody_in(
    browser: Browser, browsers: Browsers, user: User, idp: Idp, behind: Behind
) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    linked = (await link(browser)).json()
    answer = await browser.http.delete(f"{OWN}/{linked['id']}")
    assert answer.status_code == 204
    assert (await browsers().session("github"))["user"]["email"] == idp.person.email, "an account of its own"
    assert [mail.kind for mail in await behind.mails(user.email)] == ["identity_linked", "identity_unlinked"]
    assert (await actions(behind.database, user))[-1] == "identity.unlinked"


async def test_the_last_way_in_stays(browser: Browser, user: User, behind: Behind) -> None:
    (own,) = (await browser.http.get(OWN)).json()["data"]
    answer = await browser.http.delete(f"{OWN}/{own['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")
    await behind.change_user(user.email, password_hash="chosen")
    assert (await browser.http.delete(f"{OWN}/{own['id']}")).status_code == 204


async def test_of_two_unlinked_at_once_one_stays(browser: Browser, user: User, idp: Idp, behind: Behind) -> None:
    idp.person = somebody(an_address("elsewhere.vn"))
    await link(browser)
    listed = (await browser.http.get(OWN)).json()["data"]
    answers = await asyncio.gather(*(browser.http.delete(f"{OWN}/{one['id']}") for one in listed))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert len(await behind.identities(user.id)) == 1


async def test_unlinking_wants_a_fresh_proof(browser: Browser, person: Person) -> None:
    await browser.session("google")
    (own,) = (await browser.http.get(OWN)).json()["data"]
    assert (await browser.http.delete(f"{OWN}/{own['id']}")).json()["code"] == "confirmation_required"


async def test_identities_of_others_are_not_there(browser: Browser, browsers: Browsers, user: User, idp: Idp) -> None:
    idp.person = somebody(an_address())
    other = browsers()
    await other.session("google")
    (theirs,) = (await other.http.get(OWN)).json()["data"]
    for answer in (await browser.http.get(f"{OWN}/{theirs['id']}"), await browser.http.delete(f"{OWN}/{theirs['id']}")):
        assert (answer.status_code, answer.json()["code"]) == (404, "identity_not_found")


async def test_the_list_is_paged(browser: Browser, user: User, behind: Behind) -> None:
    async with behind.database.transaction() as session:
        for number in range(2):
            await notes.add_identity(session, user, "https://issuer.example", str(number), None)
    first = (await browser.http.get(OWN, params={"limit": 2})).json()
    second = (await browser.http.get(OWN, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["provider"] for one in first["data"] + second["data"]] == [None, None, "google"]
    assert second["next_cursor"] is None


# --- by the mailbox


@pytest.fixture
async def asked(browser: Browser, idp: Idp, behind: Behind) -> str:
    """The address of an account with a password, to which a link was sent for GitHub."""
    address = an_address("shop.vn")
    await behind.add_user(address, verified_at=clock.now(), settled_at=clock.now())
    idp.person = somebody(address)
    assert (await browser.sign_in("github")).json()["code"] == "link_required"
    return address


async def confirm(browser: Browser, token: str) -> httpx.Response:
    return await browser.http.post("/v1/auth/confirm-identity", json={"token": token})


async def test_who_reads_the_mailbox_may_let_the_identity_in(
    browser: Browser, browsers: Browsers, asked: str, behind: Behind
) -> None:
    answer = await confirm(browsers(), await behind.token(asked, "confirm_identity"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["provider"] == "github"
    assert "set-cookie" not in answer.headers, "it signs nobody in"
    made = await browser.session("github")
    assert made["user"]["email"] == asked
    user = await behind.user(asked)
    assert user is not None
    assert user.password_hash == "chosen", "what its owner set up stays"
    assert (await behind.mails(asked))[-1].kind == "identity_linked"


async def test_the_link_is_good_once(browser: Browser, asked: str, behind: Behind) -> None:
    token = await behind.token(asked, "confirm_identity")
    answers = await asyncio.gather(*(confirm(browser, token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
    assert (await confirm(browser, token[:-1] + "_")).json()["code"] == "invalid_link"


async def test_the_link_is_not_good_for_a_mailbox_the_account_no_longer_has(
    browser: Browser, asked: str, behind: Behind
) -> None:
    token = await behind.token(asked, "confirm_identity")
    await behind.change_user(asked, email=an_address())
    assert (await confirm(browser, token)).json()["code"] == "invalid_link"


async def test_a_link_for_another_purpose_lets_no_identity_in(browser: Browser, idp: Idp, behind: Behind) -> None:
    idp.person = somebody(an_address("shop.vn"))
    await browser.session("github")
    token = await behind.token(str(idp.person.email), "verify_email")
    assert (await confirm(browser, token)).json()["code"] == "invalid_link"


async def test_an_identity_that_got_another_account_meanwhile_stays_there(
    browser: Browser, browsers: Browsers, asked: str, idp: Idp, behind: Behind
) -> None:
    assert idp.person is not None
    idp.person = replace(idp.person, email=an_address("elsewhere.vn"))
    other = await browsers().session("github")
    answer = await confirm(browser, await behind.token(asked, "confirm_identity"))
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")
    assert (await browsers().session("github"))["user"] == other["user"]


async def test_what_a_stranger_set_up_before_goes_when_the_mailboxs_owner_confirms(
    browser: Browser, idp: Idp, behind: Behind
) -> None:
    """Pre-hijacking with a provider that does not vouch: the attacker's password opens nothing any more."""
    address = an_address("shop.vn")
    user_id = await behind.add_user(address, verified_at=None, settled_at=None)
    idp.person = somebody(address)
    await browser.sign_in("github")
    assert (await confirm(browser, await behind.token(address, "confirm_identity"))).status_code == 200
    user = await behind.user(address)
    assert user is not None
    assert user.password_hash is None
    assert user.email_verified_at is not None
    assert user.settled_at is None, "who reads the mailbox may have confirmed what a stranger began"
    assert [one.subject for one in await behind.identities(user_id)] == [idp.person.subject]
    made = await browser.sign_in("github", redirect_to=FRONT, cookies=True)
    assert made.headers["location"] == FRONT


async def test_a_suspended_account_gets_no_identity(browser: Browser, asked: str, behind: Behind) -> None:
    token = await behind.token(asked, "confirm_identity")
    await behind.change_user(asked, status="suspended")
    assert (await confirm(browser, token)).json()["code"] == "account_suspended"
