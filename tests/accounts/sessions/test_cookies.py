"""Sessions of browsers: two cookies, and what a request has to show that changes something."""

from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import ValidationError

from app.accounts import csrf
from app.accounts.errors import CsrfFailed
from app.accounts.sessions import tokens
from app.core.ids import new_id
from app.core.settings import Settings
from app.main import create_app
from tests.accounts.sessions.conftest import Person, SignIn
from tests.conftest import PHOTOS, Account

UNSAFE = [
    ("POST", "/v1/api-keys", {"name": "mine"}),
    ("DELETE", "/v1/me/sessions", None),
    ("POST", "/v1/tasks", None),  # by its shortcut
]


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    return SimpleCookie("\n".join(answer.headers.get_list("set-cookie")).replace("\n", "; "))


async def door(second_url: str, **params: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=second_url) as http:
        return await http.post("/test/sign-in", params={"email": "browser@example.com", "cookies": True, **params})


async def test_the_session_cookie_is_out_of_reach_of_pages_and_other_sites(second: FastAPI, second_url: str) -> None:
    answer = await door(second_url)
    lines = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    hidden, readable = lines["backlot_session"], lines["backlot_csrf"]
    for line in (hidden, readable):
        assert {"Secure", "SameSite=lax", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line
        assert 604790 <= int(line.partition("Max-Age=")[2].partition(";")[0]) <= 604800
    assert "HttpOnly" in hidden
    assert "HttpOnly" not in readable
    body = answer.json()
    assert (body["token_type"], body["access_token"], body["refresh_token"]) == ("Cookie", None, None)
    assert body["csrf_token"] == readable.partition("=")[2].partition(";")[0]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_sign_in_may_end_with_a_redirect(second: FastAPI, second_url: str) -> None:
    answer = await door(second_url, redirect_to="https://shop.example/welcome")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/welcome")
    assert len(answer.headers.get_list("set-cookie")) == 2


async def test_reading_needs_the_cookie_alone(sign_in: SignIn) -> None:
    person = await sign_in(cookies=True)
    assert (await as_browser(person).get("/v1/credits")).status_code == 200


def as_browser(person: Person) -> httpx.AsyncClient:
    person.http.headers.pop("Authorization", None)
    return person.http


@pytest.mark.parametrize(("method", "path", "body"), UNSAFE)
async def test_a_change_needs_the_token_of_this_session(
    sign_in: SignIn, method: str, path: str, body: dict[str, Any] | None
) -> None:
    person, other = await sign_in(cookies=True), await sign_in(cookies=True)
    http, right = as_browser(person), person.answer["csrf_token"]
    if path == "/v1/tasks":
        photo = {"file": ("coffee.jpg", (PHOTOS / "coffee.jpg").read_bytes())}
        made = await http.post("/v1/assets", files=photo, headers={"X-CSRF-Token": right})
        body = {"operation": "upscale", "input": {"image": made.json()["id"]}}
    foreign = other.answer["csrf_token"]
    session_only = http.headers["Cookie"].partition(";")[0]
    for headers in (
        {},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": right[:-1]},
        {"X-CSRF-Token": "é"},
        {"X-CSRF-Token": right, "Cookie": session_only},
        {"X-CSRF-Token": foreign, "Cookie": f"{session_only}; backlot_csrf={foreign}"},
        {"X-CSRF-Token": "planted", "Cookie": f"{session_only}; backlot_csrf=planted"},
        {"X-CSRF-Token": right, "Origin": "https://evil.example"},
        {"X-CSRF-Token": right, "Origin": "null"},
    ):
        raw = {name: value.encode() for name, value in headers.items()}
        answer = await http.request(method, path, json=body, headers=raw)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed"), headers
    assert (await http.get("/v1/credits")).status_code == 200, "and nothing was changed"
    answer = await http.request(method, path, json=body, headers={"X-CSRF-Token": right})
    assert answer.is_success, answer.text


async def test_a_page_of_ours_may_say_where_it_is_from(sign_in: SignIn, settings: Settings) -> None:
    person = await sign_in(cookies=True)
    headers = {"X-CSRF-Token": person.answer["csrf_token"], "Origin": settings.api.public_url}
    assert (await as_browser(person).delete("/v1/me/sessions", headers=headers)).status_code == 204


async def test_a_bearer_needs_no_token_whatever_cookies_come_along(sign_in: SignIn) -> None:
    browser, program = await sign_in(cookies=True), await sign_in()
    program.http.headers["Cookie"] = browser.http.headers["Cookie"]
    shown = (await program.http.get("/v1/me/sessions")).json()["data"]
    assert [one["id"] for one in shown] == [program.answer["id"]], "Authorization wins"
    assert (await program.http.delete("/v1/me/sessions", headers={"Origin": "https://evil.example"})).is_success


async def test_a_bad_bearer_is_not_made_good_by_a_cookie(sign_in: SignIn) -> None:
    person = await sign_in(cookies=True)
    answer = await person.http.get("/v1/credits", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_a_cookie_is_no_bearer_and_a_key_no_cookie(sign_in: SignIn, account: Account, settings: Settings) -> None:
    person = await sign_in(cookies=True)
    cookie = person.http.headers["Cookie"].partition("backlot_session=")[2].partition(";")[0]
    access = (await sign_in()).answer["access_token"]
    async with httpx.AsyncClient(base_url=settings.api.public_url) as http:
        for headers in (
            {"Authorization": f"Bearer {cookie}"},
            {"X-API-Key": cookie},
            {"X-API-Key": access},
            {"Cookie": f"backlot_session={account.key}"},
            {"Cookie": f"backlot_session={access}"},
            {"Cookie": f"backlot_session={cookie[:-1]}"},
            {"Cookie": "backlot_session="},
            {"Cookie": "backlot_session"},
            {"Cookie": "other=1; ;;=;"},
        ):
            assert (await http.get("/v1/credits", headers=headers)).status_code == 401, headers


async def test_signing_out_takes_the_cookies_away(sign_in: SignIn) -> None:
    person = await sign_in(cookies=True)
    http = as_browser(person)
    answer = await http.post("/v1/auth/logout", headers={"X-CSRF-Token": person.answer["csrf_token"]})
    assert answer.status_code == 204
    for name, morsel in cookies_of(answer).items():
        assert name in ("backlot_session", "backlot_csrf")
        assert (morsel.value, morsel["max-age"]) == ("", "0")
    assert (await http.get("/v1/credits")).json()["code"] == "session_revoked"


async def test_what_is_answered_to_cookies_is_not_shared(sign_in: SignIn) -> None:
    person = await sign_in(cookies=True)
    http = as_browser(person)
    made = await http.post("/v1/api-keys", json={"name": "mine"}, headers={"X-CSRF-Token": person.answer["csrf_token"]})
    answer = await http.get(made.headers["location"])
    assert "Cookie" in answer.headers["vary"]
    assert "private" in answer.headers["cache-control"]


def asking(settings: Settings, **headers: str) -> Request:
    """A POST as a browser sends it."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    app = SimpleNamespace(state=SimpleNamespace(settings=settings))
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw, "app": app})


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("https://api.shop.example", True),
        ("https://app.shop.example", True),
        ("https://other.shop.example", True),
        ("https://evil.example", False),
        ("https://app.shop.example.evil.example", False),
        ("http://app.shop.example", False),
        ("*", False),
        ("", False),
    ],
)
def test_pages_of_listed_origins_may_use_cookies(origin: str, is_ours: bool) -> None:
    settings = Settings(
        _env_file=None,
        api={"public_url": "https://api.shop.example/base", "cors_origins": "https://other.shop.example,*"},
        auth={"app_url": "https://app.shop.example/"},
    )  # type: ignore[call-arg]
    session_id = new_id()
    right = tokens.csrf_token(settings, session_id)
    request = asking(settings, origin=origin, x_csrf_token=right, cookie=f"backlot_csrf={right}")
    if is_ours:
        csrf.check(request, session_id)
        return
    with pytest.raises(CsrfFailed):
        csrf.check(request, session_id)


async def test_browsers_may_send_our_headers_from_listed_origins(settings: Settings) -> None:
    api = settings.api.model_copy(update={"cors_origins": ("https://app.shop.example",)})
    app = create_app(settings.model_copy(update={"api": api}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as browser:
        wanted = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-csrf-token,x-workspace-id",
        }
        answer = await browser.options("/v1/tasks", headers={"Origin": "https://app.shop.example", **wanted})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert {"x-csrf-token", "x-workspace-id"} <= set(answer.headers["access-control-allow-headers"].split(","))


def test_production_wants_secure_cookies() -> None:
    with pytest.raises(ValidationError, match="BACKLOT_AUTH_COOKIE_SECURE must be true"):
        Settings(_env_file=None, env="production", secret="x" * 40, auth={"cookie_secure": False})  # type: ignore[call-arg]


async def test_an_origin_may_be_written_with_capitals_or_a_slash(settings: Settings) -> None:
    api = settings.api.model_copy(update={"cors_origins": ("https://App.shop.example/",)})
    app = create_app(settings.model_copy(update={"api": api}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as browser:
        answer = await browser.get("/health/live", headers={"Origin": "https://app.shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.shop.example"
