"""Mails by Resend: its errors, its limits, and its Idempotency-Key."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from app.core import clock
from app.mail.senders.resend import Resend
from tests.mail.outbox import Outbox
from tests.mail.resend_server import KEY, ResendServer, error


def told(server: ResendServer) -> dict[str, str]:
    return {"resend_key": KEY, "resend_url": server.url}


async def test_it_is_handed_over_whole(outbox: Outbox, resend: ResendServer) -> None:
    mail_id = await outbox.post(locale="vi")
    await outbox.postman(**told(resend)).deliver()
    ((key, body),) = resend.requests
    letter = await outbox.letter(mail_id)
    assert key == f"reset_password:{mail_id}"
    assert body == {
        "from": "Backlot <no-reply@mail.example.com>",
        "to": ["thu@example.com"],
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "reply_to": "help@example.com",
        "headers": {"Auto-Submitted": "auto-generated"},
        "tags": [{"name": "kind", "value": "reset_password"}],
    }
    assert all(agent.startswith("backlot/") for agent in resend.agents)
    row = await outbox.row(mail_id)
    assert (row["status"], row["provider_id"]) == ("sent", resend.taken[key][1])


async def test_an_answer_that_got_lost_makes_no_second_mail(outbox: Outbox, resend: ResendServer) -> None:
    resend.breaks_off = 1
    mail_id = await outbox.post()
    postman = outbox.postman(**told(resend))
    await postman.deliver()
    assert (await outbox.row(mail_id))["status"] == "pending"
    await outbox.wait()
    await postman.deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"
    assert len(resend.requests) == 2
    assert len(resend.mails) == 1


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "application_error"),
        error(503, ""),
        error(409, "concurrent_idempotent_requests"),
        (200, {"ok": True}, {}),
    ],
    ids=lambda answer: f"{answer[0]}",
)
async def test_what_may_pass_is_tried_again_with_the_same_key(
    outbox: Outbox, resend: ResendServer, answer: tuple[int, dict[str, object], dict[str, str]]
) -> None:
    resend.script = [answer]
    mail_id = await outbox.post()
    postman = outbox.postman(**told(resend))
    await postman.deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"]) == ("pending", 1)
    assert 5 < row["seconds"] <= 10
    await outbox.wait()
    await postman.deliver()
    assert len({key for key, _ in resend.requests}) == 1
    assert (await outbox.row(mail_id))["status"] == "sent"


@pytest.mark.parametrize("name", ["validation_error", "missing_required_field", "invalid_parameter"])
async def test_what_never_will_be_taken_is_not_tried_again(outbox: Outbox, resend: ResendServer, name: str) -> None:
    resend.script = [error(422, name, "Invalid `to` field: thu@example.com")]
    mail_id = await outbox.post()
    await outbox.postman(**told(resend)).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["error"]) == ("failed", f"422 {name} Invalid `to` field: <address>")


@pytest.mark.parametrize(
    "answer",
    [
        error(401, "missing_api_key"),
        error(403, "validation_error", "The mail.example.com domain is not verified."),
        error(422, "invalid_from_address"),
        error(451, "security_error"),
    ],
    ids=lambda answer: f"{answer[0]}",
)
async def test_a_refusal_of_ours_stops_all_and_loses_nothing(
    outbox: Outbox, resend: ResendServer, answer: tuple[int, dict[str, object], dict[str, str]]
) -> None:
    resend.script = [answer] * 4
    addresses = await outbox.post_many(9)
    postman = outbox.postman(**told(resend))
    await postman.deliver()
    assert len(resend.requests) <= 4
    assert resend.mails == []
    assert await postman.deliver() == 0
    resend.script = []
    await outbox.wait()
    assert await postman.deliver() == 9
    assert sorted(body["to"][0] for body in resend.mails) == sorted(addresses)


async def test_a_wrong_key_loses_nothing(outbox: Outbox, resend: ResendServer) -> None:
    mail_id = await outbox.post()
    await outbox.postman(resend_key="re_wrong", resend_url=resend.url).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert "invalid_api_key" in row["error"]


async def test_its_retry_after_holds_for_all_workers(outbox: Outbox, resend: ResendServer) -> None:
    resend.script = [error(429, "rate_limit_exceeded", retry_after="7")] * 4
    await outbox.post_many(9)
    one, another = outbox.postman(**told(resend)), outbox.postman(**told(resend))
    await one.deliver()
    assert 2 < (await outbox.pauses())["resend"] <= 7
    assert (await another.deliver(), len(resend.mails)) == (0, 0)
    rows = await outbox.database.fetch("select attempts from mails")
    assert {row["attempts"] for row in rows} == {0}
    await outbox.wait()
    assert await another.deliver() == 9
    assert len(resend.mails) == 9


async def test_the_last_request_of_a_window_is_followed_by_a_rest(outbox: Outbox, resend: ResendServer) -> None:
    resend.script = [(200, {"id": "49a3999c"}, {"ratelimit-remaining": "0", "ratelimit-reset": "9"})]
    await outbox.post()
    await outbox.postman(**told(resend)).deliver()
    assert 4 < (await outbox.pauses())["resend"] <= 9


async def test_a_spent_quota_waits_for_long(outbox: Outbox, resend: ResendServer) -> None:
    resend.script = [error(429, "daily_quota_exceeded")]
    mail_id = await outbox.post()
    await outbox.postman(**told(resend)).deliver()
    assert 3500 < (await outbox.pauses())["resend"] <= 3600
    assert (await outbox.row(mail_id))["status"] == "pending"


async def test_a_date_is_understood_as_retry_after(outbox: Outbox, resend: ResendServer) -> None:
    later = format_datetime(clock.now() + timedelta(seconds=30))
    resend.script = [error(429, "rate_limit_exceeded", retry_after=later)]
    await outbox.post()
    await outbox.postman(**told(resend)).deliver()
    assert 20 < (await outbox.pauses())["resend"] <= 30


async def test_a_template_that_changed_between_two_tries_loses_no_mail(outbox: Outbox, resend: ResendServer) -> None:
    resend.breaks_off = 1
    mail_id = await outbox.post()
    await outbox.postman(**told(resend)).deliver()
    await outbox.wait()
    changed = outbox.postman(**told(resend), product="Studio")
    await changed.deliver()
    assert (await outbox.row(mail_id))["status"] == "sent"
    keys = list(resend.taken)
    assert keys[0] == f"reset_password:{mail_id}"
    assert keys[1].startswith(f"{keys[0]}:")


async def test_a_server_that_is_away_costs_no_tries(outbox: Outbox) -> None:
    with ResendServer() as gone:
        url = gone.url
    mail_id = await outbox.post()
    await outbox.postman(resend_key=KEY, resend_url=url).deliver()
    row = await outbox.row(mail_id)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert "cannot be reached" in row["error"]


async def test_its_key_is_shown_nowhere(outbox: Outbox, resend: ResendServer) -> None:
    sender = Resend(outbox.settings_with(**told(resend)).mail)
    assert KEY not in repr(vars(sender))
    await sender.close()
