"""To the provider and back: in one browser, once, and to front ends that are allowed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, update
from starlette.responses import Response

from app.accounts.identities import cookie, router, service
from app.accounts.identities.attempts import AttemptSecrets, challenge_of, new_secret
from app.accounts.identities.models import OauthAttempt, OauthCode
from app.core import clock
from app.core.settings import Api, Settings
from app.core.throttle import Limit
from tests.accounts.identities.browser import FRONT, Behind, Browser, code_in, error_in, query_of
from tests.accounts.identities.idp import Idp, Person
from tests.conftest import client

CHALLENGE = challenge_of(new_secret())
Browsers = Callable[[], Browser]


async def test_the_providers_that_are_set_up_are_listed(browser: Browser) -> None:
    answer = await browser.http.get("/v1/auth/oauth")
    assert [(one["name"], one["title"]) for one in answer.json()["data"]] == [
        ("google", "Google"),
        ("github", "GitHub"),
    ]
    assert answer.json()["data"][0]["authorize_url"] == f"{browser.api}/v1/auth/oauth/google/authorize"


@pytest.mark.parametrize("provider", ["google", "github"])
async def test_without_a_way_back_the_answer_is_the_session(browser: Browser, person: Person, provider: str) -> None:
    answer = await browser.sign_in(provider)
    assert answer.status_code == 200, answer.text
    assert answer.json()["object"] == "session"
    assert answer.json()["user"]["email"] == person.email
    assert answer.headers["cache-control"] == "no-store"
    me = await browser.http.get(
        "/v1/me/identities", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    )
    assert [one["provider"] for one in me.json()["data"]] == [provider]


async def test_a_front_end_exchanges_the_code_of_the_fragment_for_tokens(browser: Browser, person: Person) -> None:
    answer = await browser.sign_in(
        "google", redirect_to=f"{FRONT}/in?next=/a", code_challenge=challenge_of(browser.verifier)
    )
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{FRONT}/in?next=/a#code=")
    assert answer.headers["referrer-policy"] == "no-referrer"
    exchanged = await browser.exchange(code_in(answer))
    assert exchanged.status_code == 200, exchanged.text
    assert exchanged.json()["user"]["email"] == person.email
    assert exchanged.json()["token_type"] == "Bearer"


async def test_with_cookies_the_redirect_sets_them(browser: Browser, person: Person) -> None:
    answer = await browser.sign_in("google", redirect_to="/after", cookies=True)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{browser.api}/after")
    assert {"backlot_session", "backlot_csrf"} <= set(browser.http.cookies)
    mine = await browser.http.get("/v1/me/identities")
    assert [one["email"] for one in mine.json()["data"]] == [person.email]


async def test_the_cookie_of_an_attempt_is_hidden_and_gone_afterwards(browser: Browser, person: Person) -> None:
    begun = await browser.begin("google")
    header = begun.headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=lax" in header
    assert "max-age=600" in header
    assert "domain" not in header
    back = await browser.http.get(begun.headers["location"])
    await browser.http.get(back.headers["location"])
    assert not [name for name in browser.http.cookies if "oauth" in name]


@pytest.mark.parametrize(("url", "is_prefixed"), [("https://api.example", True), ("http://127.0.0.1:8000", False)])
def test_the_cookie_is_secure_and_over_https_of_this_host_alone(url: str, is_prefixed: bool) -> None:
    settings = Settings(_env_file=None, api=Api(public_url=url))  # type: ignore[call-arg]
    response = Response()
    cookie.put(response, settings, AttemptSecrets(settings, new_secret()))
    header = response.headers["set-cookie"]
    assert header.startswith("__Host-backlot_oauth_") == is_prefixed
    assert "Secure" in header
    assert "Path=/;" in header


# --- one browser, once


async def test_a_callback_in_another_browser_signs_nobody_in(browsers: Browsers, person: Person) -> None:
    """Login CSRF: the attacker's own sign-in, finished in the browser of somebody else."""
    url = await browsers().to_callback("google", redirect_to="/after", cookies=True)
    victim = browsers()
    answer = await victim.http.get(url)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_oauth_attempt")
    assert not victim.http.cookies


async def test_a_callback_in_a_browser_with_an_attempt_of_its_own_signs_nobody_in(
    browsers: Browsers, person: Person
) -> None:
    attacker, victim = browsers(), browsers()
    await victim.begin("google")
    answer = await victim.http.get(await attacker.to_callback("google"))
    assert answer.json()["code"] == "invalid_oauth_attempt"


async def test_a_cookie_that_somebody_planted_fits_no_state_of_theirs(browsers: Browsers, person: Person) -> None:
    """From a neighbouring host: the name is right, the secret is the victim's own or made up."""
    attacker, victim = browsers(), browsers()
    url = await attacker.to_callback("google")
    (name,) = attacker.http.cookies
    await victim.begin("google")
    (own,) = victim.http.cookies.values()
    for planted in (own, new_secret(), "", "x" * 5000):
        answer = await victim.http.get(url, headers={"Cookie": f"{name}={planted}"})
        assert answer.json()["code"] == "invalid_oauth_attempt"


@pytest.mark.parametrize("state", [None, "", "wrong", "é", "a" * 201])
async def test_a_state_that_is_missing_or_wrong_is_refused(browser: Browser, person: Person, state: str | None) -> None:
    url = await browser.to_callback("google")
    query = query_of(url) | {"state": state}
    if state is None:
        del query["state"]
    answer = await browser.http.get(f"{url.partition('?')[0]}?{urlencode(query)}")
    assert answer.json()["code"] in ("invalid_oauth_attempt", "invalid_request")
    assert (await browser.http.get(url)).status_code == 200, "a wrong one does not use the attempt up"


async def test_a_callback_is_good_once(browser: Browser, person: Person) -> None:
    url = await browser.to_callback("google")
    cookies = dict(browser.http.cookies)
    assert (await browser.http.get(url)).status_code == 200
    browser.http.cookies.update(cookies)
    answer = await browser.http.get(url)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_oauth_attempt")


async def test_of_many_equal_callbacks_at_once_one_signs_in(browser: Browser, person: Person, idp: Idp) -> None:
    url = await browser.to_callback("google")
    cookies = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
    answers = await asyncio.gather(*(browser.http.get(url, headers={"Cookie": cookies}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 5]
    assert idp.asked["token"] == 1, "the code is exchanged once"


async def test_an_attempt_ends_after_ten_minutes(browser: Browser, person: Person, behind: Behind) -> None:
    url = await browser.to_callback("google")
    await expire(behind, OauthAttempt)
    assert (await browser.http.get(url)).json()["code"] == "invalid_oauth_attempt"


async def test_two_tabs_may_sign_in_at_once(browser: Browser, person: Person) -> None:
    first, second = await browser.to_callback("google"), await browser.to_callback("github")
    assert (await browser.http.get(first)).status_code == 200
    assert (await browser.http.get(second)).status_code in (200, 409)


async def test_an_answer_of_one_provider_is_not_taken_for_anothers(browser: Browser, person: Person) -> None:
    """Mix-up: what was begun with Google comes back at GitHub's callback."""
    url = await browser.to_callback("google")
    answer = await browser.http.get(url.replace("/google/", "/github/"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_oauth_attempt")


async def test_an_answer_that_names_another_issuer_is_refused(browser: Browser, person: Person, idp: Idp) -> None:
    idp.fault = "wrong_iss_parameter"
    answer = await browser.sign_in("google")
    assert (answer.status_code, answer.json()["code"]) == (401, "oauth_refused")
    assert idp.asked["token"] == 0, "the code goes to nobody"


async def test_the_database_alone_is_of_no_use(browser: Browser, person: Person, behind: Behind) -> None:
    """Neither state nor cookie, verifier or code rest in it."""
    url = await browser.to_callback("google", redirect_to=FRONT, code_challenge=challenge_of(browser.verifier))
    secrets = [query_of(url)["state"], *browser.http.cookies.values()]
    async with behind.database.transaction() as session:
        rows = (await session.execute(select(OauthAttempt.__table__))).all()
    secrets.append(code_in(await browser.http.get(url)))
    async with behind.database.transaction() as session:
        rows += (await session.execute(select(OauthCode.__table__))).all()
    assert rows
    text = repr([[bytes(part).hex() if isinstance(part, bytes) else part for part in row] for row in rows])
    assert not [secret for secret in secrets if secret in text or secret.encode().hex() in text]


# --- codes for front ends


async def test_a_code_is_exchanged_once(browser: Browser, person: Person) -> None:
    code = await browser.code("google")
    answers = await asyncio.gather(*(browser.exchange(code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 4]
    assert {answer.json()["code"] for answer in answers if answer.is_error} == {"invalid_oauth_code"}


async def test_a_code_is_of_no_use_without_the_verifier(browser: Browser, person: Person) -> None:
    code = await browser.code("google")
    assert (await browser.exchange(code, new_secret())).json()["code"] == "invalid_oauth_code"
    assert (await browser.exchange(code)).status_code == 200, "a wrong one does not use it up"


async def test_a_code_ends_after_a_minute(browser: Browser, person: Person, behind: Behind) -> None:
    code = await browser.code("google")
    await expire(behind, OauthCode)
    assert (await browser.exchange(code)).json()["code"] == "invalid_oauth_code"


async def test_a_code_for_linking_signs_nobody_in(browser: Browser, person: Person) -> None:
    code = await browser.code("google", link=True)
    assert (await browser.exchange(code)).json()["code"] == "invalid_oauth_code"


@pytest.mark.parametrize("query", [{"redirect_to": FRONT}, {"link": True}])
async def test_a_code_needs_a_challenge(browser: Browser, query: dict[str, Any]) -> None:
    answer = await browser.begin("google", **query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "query:code_challenge"


async def test_who_was_suspended_meanwhile_gets_no_tokens(browser: Browser, person: Person, behind: Behind) -> None:
    code = await browser.code("google")
    await behind.change_user(str(person.email), status="suspended")
    answer = await browser.exchange(code)
    assert (answer.status_code, answer.json()["code"]) == (403, "account_suspended")


# --- where to


@pytest.mark.parametrize(
    "target",
    [
        *("https://attacker.example", "//attacker.example", "/\\attacker.example", "\\\\attacker.example"),
        *("http://127.0.0.1:5173@attacker.example/", "http://127.0.0.1:5173.attacker.example/", "javascript:alert(1)"),
        *("http:attacker.example", "https:///attacker.example", "/\t/attacker.example", "\n//attacker.example"),
        *(
            "data:text/html,hi",
            "in",
            "",
            "http://127.0.0.1:51730",
            "https://127.0.0.1:5173",
            "http://[",
            "/%0d%0a\r\nX: y",
        ),
        *(f"{FRONT}/in#here", f"{FRONT} /", "/" + "a" * 3000, f"http://user@{FRONT[7:]}/"),
    ],
)
async def test_nobody_is_sent_to_strangers(browser: Browser, target: str) -> None:
    answer = await browser.begin("google", redirect_to=target, code_challenge=CHALLENGE)
    assert answer.status_code == 422, answer.headers.get("location")
    assert answer.json()["errors"][0]["pointer"] == "query:redirect_to"


@pytest.mark.parametrize("target", ["/", "/after?a=1&b=//x", f"{FRONT}", f"{FRONT}/in?next=https://attacker.example"])
async def test_front_ends_and_paths_are_gone_to(browser: Browser, person: Person, target: str) -> None:
    answer = await browser.sign_in("google", redirect_to=target, cookies=True)
    assert answer.headers["location"] == (target if target.startswith("http") else browser.api + target)


async def test_the_way_back_is_what_was_given_at_the_beginning(browser: Browser, person: Person) -> None:
    url = await browser.to_callback("google", redirect_to="/after", cookies=True)
    answer = await browser.http.get(f"{url}&redirect_to=https://attacker.example")
    assert answer.headers["location"] == f"{browser.api}/after"


# --- what goes wrong


async def test_who_declines_is_told_so(browser: Browser, idp: Idp) -> None:
    idp.consents = False
    answer = await browser.sign_in("google", redirect_to=f"{FRONT}/in?a=1&error=old", code_challenge=CHALLENGE)
    assert answer.headers["location"] == f"{FRONT}/in?a=1&error=access_denied"
    plain = await browser.sign_in("github")
    assert (plain.status_code, plain.json()["code"]) == (403, "access_denied")


@pytest.mark.parametrize(
    ("fault", "endpoint_fault", "code", "status"),
    [
        ("wrong_nonce", {}, "oauth_refused", 401),
        ("hs256_with_public_key", {}, "oauth_refused", 401),
        ("none", {}, "oauth_refused", 401),
        ("", {"token": "500"}, "oauth_provider_unavailable", 503),
        ("", {"token": "garbage"}, "oauth_provider_unavailable", 503),
    ],
)
async def test_errors_go_back_as_their_code(
    browser: Browser, person: Person, idp: Idp, fault: str, endpoint_fault: dict[str, str], code: str, status: int
) -> None:
    idp.fault, idp.endpoint_fault = fault, endpoint_fault
    assert error_in(await browser.sign_in("google", redirect_to=FRONT, cookies=True)) == code
    plain = await browser.sign_in("google")
    assert (plain.status_code, plain.json()["code"]) == (status, code)
    assert "traceback" not in plain.text.lower()


@pytest.mark.parametrize(
    "query", [{}, {"code": ""}, {"error": "server_error"}, {"error": "<script>"}, {"code": "wrong"}]
)
async def test_an_answer_without_a_good_code_is_refused(
    browser: Browser, person: Person, query: dict[str, str]
) -> None:
    url = await browser.to_callback("google", redirect_to=FRONT, cookies=True)
    given = {"state": query_of(url)["state"], **query}
    answer = await browser.http.get(f"{url.partition('?')[0]}?{urlencode(given)}")
    assert error_in(answer) == "oauth_refused"


async def test_an_unknown_provider_is_not_found(browser: Browser) -> None:
    assert (await browser.begin("myspace")).status_code == 404


async def test_a_provider_that_is_not_set_up_says_what_to_set(server: Any, settings: Settings) -> None:
    async with client(settings) as plain:
        answer = await plain.get("/v1/auth/oauth/google/authorize")
        assert (answer.status_code, answer.json()["code"]) == (404, "oauth_not_configured")
        assert "BACKLOT_AUTH_GOOGLE_CLIENT_ID" in answer.json()["detail"]
        assert (await plain.get("/v1/auth/oauth")).json() == {"data": []}


async def test_a_network_begins_so_many_in_an_hour(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "_limit", lambda _: Limit("of this test", 2, 3600))
    answers = [await browser.begin("google") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_what_nobody_came_back_for_is_swept(browser: Browser, person: Person, behind: Behind) -> None:
    await browser.to_callback("google")
    await browser.code("google")
    await expire(behind, OauthAttempt)
    await expire(behind, OauthCode)
    await browser.to_callback("google")
    await service.forget_expired(behind.database)
    async with behind.database.transaction() as session:
        left = [
            (await session.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (OauthAttempt, OauthCode)
        ]
    assert left == [1, 0]


async def expire(behind: Behind, table: type[OauthAttempt] | type[OauthCode]) -> None:
    async with behind.database.transaction() as session:
        await session.execute(update(table).values(expires_at=clock.now() - timedelta(seconds=1)))
