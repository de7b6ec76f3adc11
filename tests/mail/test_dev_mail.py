"""`/dev/mail`: what was caught, shown to who develops and to nobody else."""

from datetime import timedelta

import httpx
import pytest

from app.core import clock
from app.core.settings import Settings
from app.mail import queries
from app.main import create_app
from tests.conftest import client
from tests.mail.outbox import Outbox
from tests.mail.smtp_server import SmtpServer

pytestmark = pytest.mark.usefixtures("server")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def web(settings: Settings) -> httpx.AsyncClient:
    return client(settings)


async def test_without_settings_mails_are_caught_and_can_be_read(outbox: Outbox, web: httpx.AsyncClient) -> None:
    await outbox.post("account_exists", "an@example.com")
    mail_id = await outbox.post(expires_at=clock.now() + timedelta(minutes=30))
    assert await outbox.postman().deliver() == 2
    assert (await outbox.row(mail_id))["status"] == "sent"
    async with web:
        found = (await web.get("/dev/mail.json", params={"to": "THU@example.com"})).json()["data"]
        everything = (await web.get("/dev/mail.json")).json()["data"]
    assert [mail["kind"] for mail in everything] == ["reset_password", "account_exists"]
    (mail,) = found
    letter = await outbox.letter(mail_id)
    assert mail.keys() == {"id", "kind", "to", "subject", "text", "html", "links", "created_at"}
    assert (mail["kind"], mail["to"], mail["subject"]) == ("reset_password", "thu@example.com", letter.subject)
    (link,) = mail["links"]
    assert link in mail["text"]
    assert link in mail["html"]
    assert link.startswith(f"{outbox.settings.api.public_url}/account/reset-password?token=bkl_")


async def test_each_has_a_page_its_html_and_its_source(outbox: Outbox, web: httpx.AsyncClient) -> None:
    await outbox.post("invitation", facts={"workspace": HOSTILE, "inviter": "An", "role": "member"})
    await outbox.postman().deliver()
    async with web:
        (mail,) = (await web.get("/dev/mail.json")).json()["data"]
        pages = [await web.get(f"/dev/mail{rest}") for rest in ("", f"/{mail['id']}", f"/{mail['id']}/html")]
        raw = await web.get(f"/dev/mail/{mail['id']}/raw")
    for page in pages:
        assert page.status_code == 200
        assert "<script" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert page.headers["cache-control"] == "no-store"
    assert mail["id"] in pages[0].text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in pages[1].text
    assert "&lt;script&gt;" in pages[1].text
    assert pages[2].headers["content-security-policy"].startswith("sandbox allow-popups")
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"Message-ID: <" in raw.content


async def test_it_can_be_emptied(outbox: Outbox, web: httpx.AsyncClient) -> None:
    await outbox.post()
    await outbox.postman().deliver()
    async with web:
        assert (await web.delete("/dev/mail")).status_code == 204
        assert (await web.get("/dev/mail.json")).json() == {"data": []}


async def test_with_smtp_a_copy_is_kept(outbox: Outbox, web: httpx.AsyncClient, smtp: SmtpServer) -> None:
    await outbox.post()
    await outbox.postman(smtp_url=smtp.url).deliver()
    async with web:
        assert len((await web.get("/dev/mail.json")).json()["data"]) == 1
    assert len(smtp.messages) == 1


async def test_in_production_nothing_is_copied(outbox: Outbox, smtp: SmtpServer) -> None:
    await outbox.post()
    outbox.settings = outbox.settings.model_copy(update={"env": "production"})
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert len(smtp.messages) == 1
    assert await outbox.database.fetch("select from caught_mails") == []


@pytest.mark.parametrize("path", ["/dev/mail", "/dev/mail.json", "/dev/mail/mail_01jcqzm4x8e3v9tk5h2w7d6n0p"])
async def test_in_production_there_is_no_such_page(settings: Settings, path: str) -> None:
    app = create_app(settings.model_copy(update={"env": "production"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as caller:
        assert (await caller.get(path)).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.evil.example"},
        {"Host": "localhost.evil.example:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Forwarded-For": "8.8.8.8, 10.0.0.1"},
    ],
)
async def test_other_sites_and_strangers_read_nothing(web: httpx.AsyncClient, headers: dict[str, str]) -> None:
    async with web:
        for method, path in (("GET", "/dev/mail.json"), ("GET", "/dev/mail"), ("DELETE", "/dev/mail")):
            assert (await web.request(method, path, headers=headers)).status_code == 404


async def test_what_no_address_can_hold_is_refused(web: httpx.AsyncClient) -> None:
    async with web:
        assert (await web.get("/dev/mail.json?to=%00")).status_code == 422


@pytest.mark.parametrize("path", ["mail_01jcqzm4x8e3v9tk5h2w7d6n0p", "nonsense"])
async def test_an_unknown_mail_is_not_found(web: httpx.AsyncClient, path: str) -> None:
    async with web:
        assert (await web.get(f"/dev/mail/{path}")).status_code == 404


async def test_no_more_than_the_newest_are_kept(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "FORGET_CAUGHT", queries.FORGET_CAUGHT.replace("500", "3"))
    await outbox.post_many(7)
    await outbox.postman().deliver()
    assert len(await outbox.database.fetch("select from caught_mails")) == 3
