"""Mails by SMTP: each way a server can fail, and what becomes of the mail."""

import asyncio
from datetime import timedelta
from urllib.parse import quote

import pytest

from app.core import clock, tokens
from app.core.ids import new_id
from app.mail.senders import smtp as sender
from tests.mail.outbox import Outbox
from tests.mail.smtp_server import PASSWORD, SmtpServer

CREDENTIALS = f"backlot:{quote(PASSWORD, safe='')}"


def with_credentials(server: SmtpServer) -> str:
    return f"smtp://{CREDENTIALS}@127.0.0.1:{server.port}"


async def test_it_has_what_a_transactional_mail_needs(outbox: Outbox, smtp: SmtpServer) -> None:
    token_id = new_id()
    mail_id = await outbox.post(token_id=token_id, locale="vi", expires_at=clock.now() + timedelta(minutes=30))
    assert await outbox.postman(smtp_url=smtp.url).deliver() == 1
    (message,) = smtp.messages
    assert smtp.envelopes == ["thu@example.com"]
    assert message["To"] == "thu@example.com"
    assert message["From"] == "Backlot <no-reply@mail.example.com>"
    assert message["Reply-To"] == "help@example.com"
    assert message["Message-ID"] == f"<{mail_id}@mail.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime is not None
    assert message["Subject"] == "Đặt lại mật khẩu Backlot"
    assert message.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in message.iter_parts())
    link = f"{outbox.settings.api.public_url}/account/reset-password?token={tokens.make(outbox.settings, token_id)}"
    assert link in text.splitlines()
    assert f'href="{link}"' in html
    assert "30 phút" in text
    row = await outbox.row(mail_id)
    assert (row["status"], row["provider_id"], row["attempts"], row["error"]) == ("sent", "OK queued as A1", 1, None)
    assert row["sent_at"] is not None


async def test_a_second_run_sends_nothing(outbox: Outbox, smtp: SmtpServer) -> None:
    await outbox.post()
    postman = outbox.postman(smtp_url=smtp.url)
    assert [await postman.deliver(), await postman.deliver()] == [1, 0]
    await outbox.wait()
    assert await postman.deliver() == 0
    assert len(smtp.messages) == 1


async def test_what_is_refused_for_now_is_tried_again_later_and_later(outbox: Outbox, smtp: SmtpServer) -> None:
    smtp.recipients["thu@example.com"] = "451 4.7.1 <thu@example.com> greylisted, come back"
    mail_id = await outbox.post()
    postman = outbox.postman(smtp_url=smtp.url)
    waits = []
    for _ in range(5):
        await postman.deliver()
        row = await outbox.row(mail_id)
        assert (row["status"], row["error"]) == ("pending", "451 4.7.1 <<address>> greylisted, come back")
        waits.append(round(row["seconds"], -1))
        await outbox.wait()
    assert waits == [10, 60, 300, 1800, 7200]
    await postman.deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"]) == ("failed", 6)
    await outbox.wait()
    assert await postman.deliver() == 0


async def test_what_is_refused_for_good_is_not_tried_again(outbox: Outbox, smtp: SmtpServer) -> None:
    smtp.recipients["thu@example.com"] = "550 5.1.1 <thu@example.com> no such user"
    mail_id = await outbox.post()
    await outbox.postman(smtp_url=smtp.url).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"], row["error"]) == ("failed", 1, "550 5.1.1 <<address>> no such user")


async def test_content_that_is_refused_for_good_is_not_tried_again(outbox: Outbox, smtp: SmtpServer) -> None:
    smtp.data = lambda _: "554 5.7.1 looks like spam"
    mail_id = await outbox.post()
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert (await outbox.row(mail_id))["status"] == "failed"


async def test_a_connection_lost_after_the_mail_was_taken_makes_it_go_again_under_the_same_id(
    outbox: Outbox, smtp: SmtpServer
) -> None:
    smtp.breaks_off = 1
    mail_id = await outbox.post()
    postman = outbox.postman(smtp_url=smtp.url)
    await postman.deliver()
    assert (await outbox.row(mail_id))["status"] == "pending"
    await outbox.wait()
    await postman.deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"
    assert smtp.ids == {f"<{mail_id}@mail.example.com>": 2}


async def test_a_server_that_answers_too_slowly_is_asked_again(
    outbox: Outbox, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SEND_SECONDS", 0.2)
    smtp.hold = asyncio.Event()
    mail_id = await outbox.post()
    postman = outbox.postman(smtp_url=smtp.url)
    await postman.deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"]) == ("pending", 1)
    smtp.hold.set()
    await outbox.wait()
    await postman.deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"


async def test_many_go_by_few_connections_each_to_one_address(outbox: Outbox, smtp: SmtpServer) -> None:
    addresses = await outbox.post_many(60)
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert sorted(smtp.envelopes) == sorted(addresses)
    assert set(smtp.ids.values()) == {1}
    assert smtp.connections <= 6


async def test_bad_addresses_delay_nobody(outbox: Outbox, smtp: SmtpServer) -> None:
    addresses = await outbox.post_many(20)
    for address in addresses[::2]:
        smtp.recipients[address] = "550 no such user"
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert sorted(smtp.envelopes) == sorted(addresses[1::2])
    statuses = await outbox.statuses()
    assert {statuses[address] for address in addresses[::2]} == {"failed"}


async def test_a_server_that_is_away_costs_no_tries(outbox: Outbox, smtp: SmtpServer) -> None:
    await smtp.stop()
    mail_id = await outbox.post()
    postman = outbox.postman(smtp_url=smtp.url)
    for _ in range(8):
        await postman.deliver()
        row = await outbox.row(mail_id)
        assert (row["status"], row["attempts"]) == ("pending", 0)
        assert 5 < (await outbox.pauses())["smtp"] <= 10
        await outbox.wait()


async def test_a_connection_that_died_while_idle_is_replaced(outbox: Outbox, smtp: SmtpServer) -> None:
    sending = sender.Smtp(outbox.settings_with(smtp_url=smtp.url).mail)
    first, second = [await outbox.letter(await outbox.post()) for _ in range(2)]
    await sending.send(first)
    smtp.drop()
    await sending.send(second)
    await sending.close()
    assert (len(smtp.messages), smtp.connections) == (2, 2)


async def test_a_password_is_never_sent_in_the_clear(outbox: Outbox, smtp: SmtpServer) -> None:
    mail_id = await outbox.post()
    await outbox.postman(smtp_url=with_credentials(smtp)).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert "does not do what we need" in row["error"]
    assert smtp.passwords == []
    assert 50 < (await outbox.pauses())["smtp"] <= 60


async def test_a_password_goes_in_the_clear_where_that_was_asked_for(outbox: Outbox, smtp: SmtpServer) -> None:
    mail_id = await outbox.post()
    await outbox.postman(smtp_url=with_credentials(smtp), smtp_tls="none").deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"
    assert smtp.passwords == [PASSWORD.encode()]


async def test_tls_is_started_and_the_password_sent_within(outbox: Outbox, smtp_with_tls: SmtpServer) -> None:
    server = smtp_with_tls
    mail_id = await outbox.post()
    await outbox.postman(smtp_url=with_credentials(server), smtp_ca=server.certificate).deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"
    assert server.passwords == [PASSWORD.encode()]


async def test_a_certificate_that_is_not_trusted_gets_no_password(outbox: Outbox, smtp_with_tls: SmtpServer) -> None:
    mail_id = await outbox.post()
    await outbox.postman(smtp_url=with_credentials(smtp_with_tls)).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["error"]) == ("pending", "the certificate of the SMTP server is not trusted")
    assert smtp_with_tls.passwords == []


async def test_a_wrong_password_stops_all_and_loses_nothing(outbox: Outbox, smtp_with_tls: SmtpServer) -> None:
    server = smtp_with_tls
    addresses = await outbox.post_many(12)
    wrong = {"smtp_url": f"smtp://backlot@127.0.0.1:{server.port}", "smtp_ca": server.certificate}
    await outbox.postman(**wrong, smtp_password="wrong").deliver()
    assert len(server.passwords) <= 4
    assert set((await outbox.statuses()).values()) == {"pending"}
    assert await outbox.postman(**wrong, smtp_password="wrong").deliver() == 0
    await outbox.wait()
    assert await outbox.postman(**wrong, smtp_password=PASSWORD).deliver() == 12
    assert sorted(server.envelopes) == sorted(addresses)


async def test_an_address_in_another_script_reaches_its_domain(outbox: Outbox, smtp: SmtpServer) -> None:
    mail_id = await outbox.post(to="thu@bánh.example.com")
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"
    assert smtp.envelopes == ["thu@xn--bnh-ela.example.com"]


@pytest.mark.parametrize(
    "to", ["a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "<a@example.com> SIZE=1", "nobody"]
)
async def test_what_is_not_one_address_is_not_sent_to(outbox: Outbox, smtp: SmtpServer, to: str) -> None:
    mail_id = await outbox.post(to=to)
    await outbox.postman(smtp_url=smtp.url).deliver()
    assert (await outbox.row(mail_id))["status"] == "failed"
    assert smtp.envelopes == []


async def test_an_address_the_server_cannot_take_is_given_up(outbox: Outbox, smtp: SmtpServer) -> None:
    mail_id = await outbox.post(to="ngô@example.com")
    await outbox.postman(smtp_url=smtp.url).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["error"]) == ("failed", "the SMTP server takes no address that is not ASCII")
