"""The built-in pages of links in mails: plain, safe, in the reader's language, and doing nothing before a click."""

import html
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.accounts.pages import words
from app.accounts.pages.router import choose
from app.core.problems import Problem
from app.core.settings import Settings
from app.mail.writing import PAGES
from app.main import create_app
from tests.conftest import client


@pytest.fixture
async def web(settings: Settings, server: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(settings) as web:
        yield web


def test_each_link_of_a_mail_leads_to_a_page_in_every_language() -> None:
    for language in words.LANGUAGES:
        assert words.PAGES[language].keys() == set(PAGES.values())


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("page", words.PAGES["en"])
async def test_it_is_shown_in_the_readers_language(web: httpx.AsyncClient, page: str, language: str) -> None:
    answer = await web.get(
        f"/account/{page}?token=bkl_x", headers={"Accept-Language": f"{language}-XX,{language};q=0.9"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-language"] == language
    said = html.unescape(answer.text)
    assert f'<html lang="{language}">' in said
    own = words.PAGES[language][page]  # type: ignore[index]
    assert own.title in said
    assert own.button in said


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_it_has_words_for_problems_that_there_are(language: words.Language) -> None:
    assert words.PROBLEMS[language].keys() <= Problem.catalogue.keys()


async def test_it_holds_nothing_that_leaks_or_runs(web: httpx.AsyncClient) -> None:
    answer = await web.get("/account/verify-email?token=bkl_<script>alert(1)</script>")
    headers = answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert "bkl_" not in answer.text, "the token is read by the script alone, out of the address"
    assert re.findall(r"<script[^>]*>", answer.text) == ['<script src="files/page.js" defer>']
    assert not re.search(r"\son\w+=|style=", answer.text)
    for name in ("page.js", "page.css"):
        file = await web.get(f"/account/files/{name}")
        assert (file.status_code, file.headers["x-content-type-options"]) == (200, "nosniff")


async def test_its_words_reach_the_script_whole(web: httpx.AsyncClient) -> None:
    answer = await web.get("/account/confirm", headers={"Accept-Language": "vi"})
    (packed,) = re.findall(r'data-words="([^"]*)"', answer.text)
    told = json.loads(html.unescape(packed))
    assert told["done"] == words.PAGES["vi"]["confirm"].done
    assert told["problems"]["invalid_credentials"]


@pytest.mark.parametrize(
    "path", ["/account/none", "/account/files/router.py", "/account/files/..%2frouter.py", "/account/"]
)
async def test_nothing_else_is_served(web: httpx.AsyncClient, path: str) -> None:
    assert (await web.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/account/verify-email", "/account/files/page.js"])
async def test_a_front_end_of_the_operators_takes_their_place(settings: Settings, path: str) -> None:
    auth = settings.auth.model_copy(update={"app_url": "https://app.example"})
    app = create_app(settings.model_copy(update={"auth": auth}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as caller:
        assert (await caller.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("vi", "vi"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("en-US,en;q=0.9,vi;q=0.8", "en"),
        ("fr, vi;q=0.3", "vi"),
        ("fr", "en"),
        ("vi;q=0", "en"),
        ("vi;q=x, ;;,", "en"),
    ],
)
def test_the_language_liked_best_is_chosen(accepted: str, language: str) -> None:
    assert choose(accepted) == language
