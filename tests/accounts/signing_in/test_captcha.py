"""Captchas: asked for where they are on, checked at a verifier over HTTP, and no reason to be locked out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import web
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from app.accounts.signing_in import captcha
from app.core.account_settings import Auth
from tests.accounts.signing_in.people import OTHER, Person, settings_of
from tests.conftest import REACHABLE

Someone = Callable[..., Person]
SECRET = "0x4AAAA-the-secret"
SOLVED = "10000000-aaaa-bbbb-cccc-000000000001"


class Verifier:
    """Speaks as hCaptcha and Turnstile do: a form in, JSON out, each solved token good once."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.solved = {SOLVED}
        self.status = 200
        self.url = ""

    async def verify(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.status != 200:
            return web.Response(status=self.status, text="<html>busy")
        if form.get("secret") != SECRET:
            return web.json_response({"success": False, "error-codes": ["invalid-input-secret"]})
        if form["response"] not in self.solved:
            return web.json_response({"success": False, "error-codes": ["timeout-or-duplicate"]})
        self.solved.discard(form["response"])
        return web.json_response({"success": True, "hostname": "shop.example"})


@pytest.fixture
async def verifier() -> AsyncIterator[Verifier]:
    made = Verifier()
    app = web.Application()
    app.router.add_post("/siteverify", made.verify)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, REACHABLE, 0)
    await site.start()
    made.url = f"http://{REACHABLE}:{runner.addresses[0][1]}/siteverify"
    yield made
    await runner.cleanup()


On = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
def on(server: FastAPI, verifier: Verifier) -> On:
    def switch(
        kind: str = "turnstile", secret: str = SECRET, url: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        return settings_of(server, captcha=kind, captcha_secret=SecretStr(secret), captcha_url=url or verifier.url)

    return switch


@pytest.mark.parametrize("kind", ["hcaptcha", "turnstile"])
async def test_who_signs_up_solves_one(person: Person, on: On, verifier: Verifier, kind: str) -> None:
    async with on(kind):
        answer = await person.sign_up()
        assert (answer.status_code, answer.json()["code"], answer.json()["captcha"]) == (422, "captcha_required", kind)
        assert answer.json()["errors"][0]["pointer"] == "/captcha_token"
        assert (await person.sign_up(captcha_token=SOLVED)).status_code == 202
    assert verifier.asked == [{"secret": SECRET, "response": SOLVED, "remoteip": person.network}]


async def test_one_that_was_not_solved_lets_nobody_in(person: Person, on: On) -> None:
    async with on():
        await person.sign_up(captcha_token=SOLVED)
        for token in ("nonsense", SOLVED):
            answer = await person.sign_up(captcha_token=token)
            assert (answer.status_code, answer.json()["code"]) == (422, "captcha_failed")
    assert len(await person.mails()) == 1


async def test_signing_in_needs_one_after_two_failures(member: Person, on: On, verifier: Verifier) -> None:
    verifier.solved |= {"second", "third"}
    async with on():
        assert [(await member.log_in(OTHER)).status_code for _ in range(2)] == [401, 401]
        for _ in range(5):
            answer = await member.log_in()
            assert (answer.status_code, answer.json()["code"]) == (422, "captcha_required")
        assert (await member.log_in(OTHER, captcha_token="second")).status_code == 401
        assert (await member.log_in(captcha_token="third")).status_code == 200
        assert (await member.log_in()).status_code == 200, "the count begins anew"


async def test_an_unknown_address_needs_one_alike(person: Person, on: On) -> None:
    async with on():
        codes = [(await person.log_in(OTHER)).json()["code"] for _ in range(3)]
    assert codes == ["invalid_credentials", "invalid_credentials", "captcha_required"]


async def test_solving_them_does_not_lift_the_lock(member: Person, on: On, verifier: Verifier) -> None:
    verifier.solved |= {str(number) for number in range(9)}
    async with on():
        statuses = [(await member.log_in(OTHER, captcha_token=str(number))).status_code for number in range(7)]
    assert statuses == [401] * 5 + [429] * 2


async def test_who_solves_one_gets_past_the_brake_on_guessing_from_everywhere(
    member: Person, someone: Someone, on: On, server: FastAPI
) -> None:
    async with on(), settings_of(server, failures_per_account=1):
        assert (await someone(email=member.email).log_in(OTHER)).status_code == 401
        newcomer = someone(email=member.email)
        assert (await newcomer.log_in()).json()["code"] == "captcha_required"
        assert (await newcomer.log_in(captcha_token=SOLVED)).status_code == 200


async def test_a_forgotten_password_needs_one(member: Person, on: On) -> None:
    async with on():
        assert (await member.post("forgot-password", email=member.email)).json()["code"] == "captcha_required"
        answer = await member.post("forgot-password", email=member.email, captcha_token=SOLVED)
        assert answer.status_code == 202


async def test_another_link_needs_one(person: Person, on: On, verifier: Verifier) -> None:
    await person.sign_up()
    async with on():
        answer = await person.post("resend-verification", email=person.email)
        assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == ("captcha_required", "/captcha_token")
        answer = await person.post("resend-verification", email=person.email, captcha_token="nonsense")
        assert answer.json()["code"] == "captcha_failed"
        assert len(await person.mails()) == 1
        answer = await person.post("resend-verification", email=person.email, captcha_token=SOLVED)
        assert answer.status_code == 202
        verifier.status = 502
        answer = await person.post("resend-verification", email=person.email, captcha_token="any")
        assert answer.status_code == 202, "while nobody can tell the limits do"
    assert len(await person.mails("verify_email")) == 3


@pytest.mark.parametrize("trouble", ["down", "broken", "wrong secret"])
async def test_while_nobody_can_tell_signing_up_waits_and_signing_in_goes_on(
    member: Person, someone: Someone, on: On, verifier: Verifier, trouble: str
) -> None:
    verifier.status = 502 if trouble == "broken" else 200
    settings = {"down": {"url": f"http://{REACHABLE}:9/siteverify"}, "wrong secret": {"secret": "another"}}
    async with on(**settings.get(trouble, {})):
        answer = await someone().sign_up(captcha_token=SOLVED)
        assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down")
        assert "retry-after" in answer.headers
        statuses = [(await member.log_in(OTHER, captcha_token=SOLVED)).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429], "the lock holds without it"
        answer = await member.post("forgot-password", email=member.email, captcha_token=SOLVED)
        assert answer.status_code == 202


async def test_the_verifier_has_seconds(person: Person, on: On, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captcha, "SECONDS", 0.0)
    async with on():
        assert (await person.sign_up(captcha_token=SOLVED)).status_code == 503


async def test_without_captchas_a_token_is_not_looked_at(person: Person, verifier: Verifier) -> None:
    assert (await person.sign_up(captcha_token="whatever")).status_code == 202
    assert verifier.asked == []


def test_a_captcha_without_its_secret_is_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="BACKLOT_AUTH_CAPTCHA_SECRET"):
        Auth(captcha="turnstile")
    assert Auth.model_validate({"captcha": "", "captcha_secret": ""}).captcha is None
