"""From the API to a mailbox and back: the links of real mails, as a reader gets them, do what they say."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from app.mail.sending import Postman
from tests.conftest import client

PASSWORD = "four words of no sense"


@pytest.fixture
async def web(settings: Settings, server: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(settings) as web:
        yield web


async def read_mail(settings: Settings, database: Database, web: httpx.AsyncClient, to: str) -> dict[str, str]:
    """The newest to this address: its kind, and the page and token of its link."""
    postman = Postman(settings, database, database.redis)
    await postman.deliver()
    await postman.stop()
    (mail, *_) = (await web.get("/dev/mail.json", params={"to": to})).json()["data"]
    (link,) = mail["links"] or [""]
    return {"kind": mail["kind"], "path": urlsplit(link).path, "token": parse_qs(urlsplit(link).query)["token"][0]}


async def test_an_address_is_verified_by_the_link_in_the_mail(
    settings: Settings, database: Database, web: httpx.AsyncClient
) -> None:
    email = f"{uuid4().hex}@example.com"
    answer = await web.post("/v1/auth/signup", json={"email": email, "password": PASSWORD, "locale": "vi"})
    assert answer.status_code == 202, answer.text
    mail = await read_mail(settings, database, web, email)
    assert mail["kind"] == "verify_email"
    page = await web.get(mail["path"], params={"token": mail["token"]})
    assert page.status_code == 200
    for status in (204, 422):  # opening the page has not used it up; using it does
        answer = await web.post("/v1/auth/verify-email", json={"token": mail["token"], "password": PASSWORD})
        assert answer.status_code == status, answer.text


async def test_a_password_is_reset_by_the_link_in_the_mail(
    settings: Settings, database: Database, web: httpx.AsyncClient
) -> None:
    email = f"{uuid4().hex}@example.com"
    await web.post("/v1/auth/signup", json={"email": email, "password": PASSWORD})
    await web.post("/v1/auth/forgot-password", json={"email": email})
    mail = await read_mail(settings, database, web, email)
    assert (mail["kind"], mail["path"]) == ("reset_password", "/account/reset-password")
    body = {"token": mail["token"], "password": "other words of no sense"}
    assert (await web.post("/v1/auth/reset-password", json=body)).status_code == 204
    login = await web.post("/v1/auth/login", json={"email": email, "password": body["password"]})
    assert login.status_code == 200
