"""The postman: each mail is sent, once, soon, by whichever worker; whatever dies, none is lost."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
import structlog

from app.core import clock, tokens
from app.core.db import Database
from app.core.ids import new_id
from app.core.telemetry import configure_logs
from app.mail import sending, service
from app.mail.sending import LEASE_SECONDS, Postman
from tests.mail.outbox import Outbox
from tests.mail.smtp_server import SmtpServer


@asynccontextmanager
async def running(*postmen: Postman) -> AsyncIterator[None]:
    for postman in postmen:
        postman.start()
    yield


async def until_sent(outbox: Outbox, count: int, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while list((await outbox.statuses()).values()).count("sent") < count:
            await asyncio.sleep(0.01)


async def test_it_leaves_within_a_second_of_the_commit(outbox: Outbox, smtp: SmtpServer) -> None:
    async with running(outbox.postman(smtp_url=smtp.url)):
        for number in range(3):
            await asyncio.sleep(0.3)  # the first look is over: it is a bell that wakes it
            began = monotonic()
            await outbox.post(to=f"user{number}@example.com")
            await until_sent(outbox, number + 1)
            assert monotonic() - began < 1, "a look by itself comes every two"


async def test_a_lost_bell_costs_seconds_only(outbox: Outbox, smtp: SmtpServer) -> None:
    async with running(outbox.postman(smtp_url=smtp.url)):
        await asyncio.sleep(0.3)
        await outbox.database.fetch(
            "insert into mails (id, kind, to_address, locale, facts, due_at, created_at) "
            "values ($1, 'account_exists', 'thu@example.com', 'en', '{}', now(), now())",
            new_id(),
        )
        await until_sent(outbox, 1, seconds=4)


async def test_what_is_rolled_back_is_not_sent(outbox: Outbox, smtp: SmtpServer, database: Database) -> None:
    async with running(outbox.postman(smtp_url=smtp.url)):
        with suppress(KeyError):
            async with database.transaction() as session:
                service.post(session, "account_exists", to="no@example.com", locale="en", workspace_id=new_id())
                await session.flush()
                raise KeyError
        await outbox.post(to="yes@example.com")
        await until_sent(outbox, 1)
    assert smtp.envelopes == ["yes@example.com"]


async def test_two_workers_send_each_mail_once(outbox: Outbox, smtp: SmtpServer) -> None:
    addresses = await outbox.post_many(80)
    async with running(outbox.postman(smtp_url=smtp.url), outbox.postman(smtp_url=smtp.url)):
        await until_sent(outbox, 80)
    assert sorted(smtp.envelopes) == sorted(addresses)
    assert set(smtp.ids.values()) == {1}


async def test_a_worker_that_is_killed_after_handing_over_loses_nothing(
    outbox: Outbox, smtp: SmtpServer, database: Database
) -> None:
    """The server has the mail, the worker died before it noted that: it comes again, under the same Message-ID."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.mail.posting",
        env=os.environ | {"BACKLOT_MAIL_SMTP_URL": smtp.url, "BACKLOT_MAIL_SENDER": "no-reply@mail.example.com"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        smtp.kill = process.pid
        mail_id = await outbox.post()
        assert await process.wait() == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    smtp.kill = None
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"]) == ("pending", 1)
    assert 0 < row["seconds"] <= LEASE_SECONDS
    assert await outbox.postman(smtp_url=smtp.url).deliver() == 0, "the lease holds"
    await outbox.wait()
    assert await outbox.postman(smtp_url=smtp.url).deliver() == 1
    assert (await outbox.row(mail_id))["status"] == "sent"
    assert smtp.ids == {f"<{mail_id}@mail.example.com>": 2}


async def test_what_kills_every_worker_is_given_up(outbox: Outbox, smtp: SmtpServer) -> None:
    mail_id = await outbox.post()
    await outbox.database.fetch("update mails set attempts = 6 where id = $1", mail_id)
    assert await outbox.postman(smtp_url=smtp.url).deliver() == 0
    assert (await outbox.row(mail_id))["status"] == "failed"


async def test_a_mail_whose_link_is_dead_is_not_sent(outbox: Outbox, smtp: SmtpServer) -> None:
    mail_id = await outbox.post(expires_at=clock.now() - timedelta(seconds=1))
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert (await outbox.row(mail_id))["status"] == "expired"
    assert smtp.messages == []


async def test_what_nobody_could_send_for_days_is_no_news_any_more(outbox: Outbox, smtp: SmtpServer) -> None:
    await smtp.stop()
    mail_id = await outbox.post("account_exists")
    await outbox.database.fetch("update mails set created_at = now() - interval '4 days' where id = $1", mail_id)
    postman = outbox.postman(smtp_url=smtp.url)
    await postman.deliver()
    await outbox.wait()
    await postman.deliver()
    assert (await outbox.row(mail_id))["status"] == "failed"


async def test_new_mails_go_before_those_that_failed(outbox: Outbox, smtp: SmtpServer) -> None:
    addresses = await outbox.post_many(12)
    for address in addresses:
        smtp.recipients[address] = "451 later"
    postman = outbox.postman(smtp_url=smtp.url)
    await postman.deliver()
    smtp.recipients.clear()
    await outbox.wait()
    await outbox.post(to="new@example.com")
    await postman.deliver()
    assert "new@example.com" in smtp.envelopes[:4]


async def test_a_slow_recipient_holds_up_nobody_else(outbox: Outbox, smtp: SmtpServer) -> None:
    smtp.hold = asyncio.Event()
    async with running(outbox.postman(smtp_url=smtp.url)):
        await outbox.post(to="slow@example.com")
        await smtp.holding.wait()
        held, smtp.hold = smtp.hold, None
        await outbox.post_many(20)
        await until_sent(outbox, 20)
        assert (await outbox.statuses())["slow@example.com"] == "pending"
        held.set()
        await until_sent(outbox, 21)


async def test_a_worker_that_stops_finishes_what_it_began(outbox: Outbox, smtp: SmtpServer) -> None:
    smtp.hold = asyncio.Event()
    postman = outbox.postman(smtp_url=smtp.url)
    postman.start()
    mail_id = await outbox.post()
    await smtp.holding.wait()
    stopping = asyncio.create_task(postman.stop())
    smtp.hold.set()
    await stopping
    assert (await outbox.row(mail_id))["status"] == "sent"


async def test_without_a_backend_nothing_waits_for_ever(outbox: Outbox) -> None:
    mail_id = await outbox.post()
    await outbox.postman(backend="none").deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["error"]) == ("failed", "mail is switched off (BACKLOT_MAIL_BACKEND=none)")


async def test_a_fault_of_a_template_is_tried_again(outbox: Outbox, smtp: SmtpServer, tmp_path: Path) -> None:
    folder = tmp_path / "en"
    folder.mkdir()
    (folder / "reset_password.txt").write_text("Subject: Hi\n\n{{ 1 / 0 }}\n")
    mail_id = await outbox.post()
    await outbox.postman(smtp_url=smtp.url, templates=tmp_path).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["error"]) == ("pending", "crashed: ZeroDivisionError")
    await outbox.wait()
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"


async def test_logs_name_no_address_no_token_and_no_content(
    outbox: Outbox, smtp: SmtpServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp.recipients["bad@example.com"] = "550 <bad@example.com> unknown"
    smtp.recipients["late@example.com"] = "450 <late@example.com> busy"
    token_id = new_id()
    logging.getLogger("mail.log").setLevel("WARNING")  # of the server in this test
    root = logging.getLogger()
    kept = root.handlers, root.level
    configure_logs(outbox.settings.model_copy(update={"log": outbox.settings.log.model_copy(update={"level": "info"})}))
    monkeypatch.setattr(sending, "log", structlog.get_logger())  # a logger keeps the level it began with
    try:
        for to in ("good@example.com", "bad@example.com", "late@example.com"):
            mail_id = await outbox.post("invitation", to, facts={"inviter": "Nguyễn An"}, token_id=token_id)
        await outbox.postman(smtp_url=smtp.url).deliver()
    finally:
        configure_logs(outbox.settings)
        root.handlers, root.level = kept
    logged = capsys.readouterr().err
    assert "mail_sent" in logged
    assert "mail_failed" in logged
    assert "mail_put_off" in logged
    assert str(mail_id) in logged
    for secret in ("@example.com", tokens.make(outbox.settings, token_id), "Nguy", "bkl_"):
        assert secret not in logged


async def test_the_last_mail_to_a_deleted_account_leaves_no_row(outbox: Outbox, smtp: SmtpServer) -> None:
    await outbox.post("account_deleted")
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert len(smtp.messages) == 1
    assert await outbox.statuses() == {}


async def test_old_mails_are_forgotten_and_those_that_wait_are_not(outbox: Outbox, database: Database) -> None:
    for to, status in (
        ("sent@example.com", "sent"),
        ("failed@example.com", "failed"),
        ("waits@example.com", "pending"),
    ):
        mail_id = await outbox.post(to=to)
        await database.fetch(
            "update mails set status = $2, created_at = now() - interval '31 days' where id = $1", mail_id, status
        )
    await database.fetch("update mails set status = 'sent' where id = $1", await outbox.post(to="new@example.com"))
    assert await service.forget_old(database, outbox.settings) == 2
    assert (await outbox.statuses()).keys() == {"waits@example.com", "new@example.com"}


async def test_a_link_has_an_end(database: Database) -> None:
    with pytest.raises(ValueError, match="expires_at"):
        async with database.transaction() as session:
            service.post(session, "confirm", to="a@example.com", locale="en", workspace_id=new_id(), token_id=new_id())


async def test_a_pause_that_is_over_does_not_keep_it_awake(outbox: Outbox, smtp: SmtpServer) -> None:
    postman = outbox.postman(smtp_url=smtp.url)
    await outbox.database.fetch(
        "insert into mail_pauses (backend, until, reason) values ('smtp', now() - interval '1 hour', 'busy')",
    )
    with postman._tower.bell(sending.DUE) as bell:
        assert await postman._pull_once(bell) == sending.LOOK_SECONDS
