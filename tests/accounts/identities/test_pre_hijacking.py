"""An attacker was at the address first, by a password or a provider: the victim comes, and the attacker is out.

After "Pre-hijacked accounts" (Sudhodanan, Paverd, 2022), as far as providers have a part in it; over HTTP.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from app.accounts.users import queries as users
from app.accounts.users.service import drop_before
from tests.accounts.identities.browser import Behind, Browser, an_address
from tests.accounts.identities.idp import Idp, Person
from tests.accounts.identities.test_accounts import somebody
from tests.waiting import until_somebody_waits

Browsers = Callable[[], Browser]
ATTACKERS, VICTIMS = "seven purple tractors sing", "eleven tired herons wait"
AUTH = "/v1/auth"


async def sign_up(browser: Browser, email: str, password: str) -> None:
    answer = await browser.http.post(f"{AUTH}/signup", json={"email": email, "password": password})
    assert answer.status_code == 202, answer.text


async def log_in(browser: Browser, email: str, password: str) -> httpx.Response:
    answer = await browser.http.post(f"{AUTH}/login", json={"email": email, "password": password})
    if answer.is_success:
        browser.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return answer


async def verify(browser: Browser, token: str, password: str | None = None) -> httpx.Response:
    body = {"token": token} if password is None else {"token": token, "password": password}
    return await browser.http.post(f"{AUTH}/verify-email", json=body)


async def reset(browser: Browser, behind: Behind, email: str, password: str) -> None:
    asked = await browser.http.post(f"{AUTH}/forgot-password", json={"email": email})
    assert asked.status_code == 202, asked.text
    body = {"token": await behind.token(email, "reset_password"), "password": password}
    answer = await browser.http.post(f"{AUTH}/reset-password", json=body)
    assert answer.status_code == 204, answer.text


async def is_in(browser: Browser) -> bool:
    answer = await browser.http.get("/v1/me/identities")
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


@pytest.fixture
def attacker(browsers: Browsers) -> Browser:
    return browsers()


@pytest.fixture
def victim(browsers: Browsers) -> Browser:
    return browsers()


async def test_classic_merge_a_password_set_before_opens_nothing(
    attacker: Browser, victim: Browser, person: Person, behind: Behind
) -> None:
    address = str(person.email)
    await sign_up(attacker, address, ATTACKERS)
    assert (await log_in(attacker, address, ATTACKERS)).is_success
    await victim.session("google")
    assert await is_in(victim)
    assert not await is_in(attacker)
    assert (await log_in(attacker, address, ATTACKERS)).json()["code"] == "invalid_credentials"


async def test_classic_merge_also_where_the_victim_opened_the_link_without_thinking(
    attacker: Browser, victim: Browser, person: Person, behind: Behind
) -> None:
    address = str(person.email)
    await sign_up(attacker, address, ATTACKERS)
    assert (await log_in(attacker, address, ATTACKERS)).is_success
    assert (await verify(victim, await behind.token(address, "verify_email"))).is_success
    await victim.session("google")
    assert not await is_in(attacker)
    assert (await log_in(attacker, address, ATTACKERS)).json()["code"] == "invalid_credentials"


async def test_a_provider_that_does_not_vouch_gives_no_hold_on_who_signs_up_later(
    attacker: Browser, victim: Browser, idp: Idp, behind: Behind
) -> None:
    """Somebody who had the address once is still verified with it at GitHub."""
    address = an_address("shop.vn")
    idp.person = somebody(address)
    await attacker.session("github")
    await sign_up(victim, address, VICTIMS)
    token = await behind.token(address, "verify_email")
    assert (await verify(victim, token, VICTIMS)).is_success
    assert (await log_in(victim, address, VICTIMS)).is_success
    assert not await is_in(attacker)
    answer = await attacker.sign_in("github")
    assert (answer.status_code, answer.json()["code"]) == (409, "link_required")


async def test_a_reset_ends_the_hold_of_an_identity_on_an_account_nobody_proved(
    attacker: Browser, victim: Browser, idp: Idp, behind: Behind
) -> None:
    """Unexpired session and trojan identity, even after a link that verified."""
    address = an_address("shop.vn")
    idp.person = somebody(address)
    await attacker.session("github")
    assert (await verify(victim, await behind.token(address, "verify_email"))).is_success
    await reset(victim, behind, address, VICTIMS)
    assert not await is_in(attacker)
    assert (await attacker.sign_in("github")).json()["code"] == "link_required"
    assert (await log_in(victim, address, VICTIMS)).is_success


async def test_a_trojan_identity_is_not_linked_to_an_address_that_is_not_verified(
    attacker: Browser, person: Person, behind: Behind, idp: Idp
) -> None:
    address = str(person.email)
    await sign_up(attacker, address, ATTACKERS)
    made = await log_in(attacker, address, ATTACKERS)
    await behind.confirm(made.json()["id"])
    idp.person = somebody(an_address())
    body = {"code": await attacker.code("google", link=True), "code_verifier": attacker.verifier}
    answer = await attacker.http.post("/v1/me/identities", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")


@pytest.mark.parametrize("by", ["google", "reset"])
async def test_a_trojan_identity_that_was_linked_goes_when_the_victim_comes(
    attacker: Browser, victim: Browser, person: Person, idp: Idp, behind: Behind, by: str
) -> None:
    """The attacker signed up, the victim opened the link, the attacker linked an identity of their own."""
    address = str(person.email)
    await sign_up(attacker, address, ATTACKERS)
    assert (await verify(victim, await behind.token(address, "verify_email"))).is_success
    made = await log_in(attacker, address, ATTACKERS)
    await behind.confirm(made.json()["id"])
    trojan = somebody(an_address("attacker.vn"))
    idp.person = trojan
    body = {"code": await attacker.code("github", link=True), "code_verifier": attacker.verifier}
    assert (await attacker.http.post("/v1/me/identities", json=body)).status_code == 201
    idp.person = person
    if by == "google":
        await victim.session("google")
    else:
        await reset(victim, behind, address, VICTIMS)
    assert not await is_in(attacker)
    idp.person = trojan
    again = await attacker.session("github")
    assert again["user"]["email"] == trojan.email, "an account of their own"


async def test_a_link_the_attacker_had_sent_dies_when_the_victim_resets(
    attacker: Browser, victim: Browser, idp: Idp, behind: Behind
) -> None:
    address = an_address("shop.vn")
    await sign_up(victim, address, VICTIMS)
    idp.person = somebody(address)
    assert (await attacker.sign_in("github")).json()["code"] == "link_required"
    token = await behind.token(address, "confirm_identity")
    await reset(victim, behind, address, VICTIMS)
    answer = await victim.http.post(f"{AUTH}/confirm-identity", json={"token": token})
    assert answer.json()["code"] == "invalid_link"


async def test_codes_that_wait_to_be_exchanged_die_with_what_they_were_got_by(
    attacker: Browser, victim: Browser, idp: Idp, behind: Behind
) -> None:
    """The attacker keeps a code of a sign-in; the victim comes within the minute."""
    address = an_address()
    idp.person = somebody(address)
    code = await attacker.code("github")
    idp.person = somebody(address)
    await victim.session("google")
    answer = await attacker.exchange(code)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_oauth_code")


async def test_a_code_that_is_being_exchanged_while_the_victim_comes_opens_nothing_that_stays(
    attacker: Browser, idp: Idp, behind: Behind
) -> None:
    idp.person = somebody(an_address())
    code = await attacker.code("github")
    user = await behind.user(str(idp.person.email))
    assert user is not None
    async with behind.database.transaction() as session:
        locked = await users.lock_user(session, user.id)
        waiting = asyncio.create_task(attacker.exchange(code))
        await until_somebody_waits(behind.database)
        await drop_before(session, locked, reason="address_proved")
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_oauth_code")
    assert await behind.open_sessions(user.id) == 0


async def test_the_honest_keep_what_is_theirs(victim: Browser, browsers: Browsers, idp: Idp, behind: Behind) -> None:
    """Who verified while signed in is settled: a provider that vouches adds a way in and drops none."""
    address = an_address()
    github = somebody(address)
    idp.person = github
    await victim.session("github")
    assert (await verify(victim, await behind.token(address, "verify_email"))).is_success
    idp.person = somebody(address)
    by_google = await browsers().session("google")
    assert await is_in(victim)
    idp.person = replace(github)
    by_github = await browsers().session("github")
    assert by_google["user"]["id"] == by_github["user"]["id"]
