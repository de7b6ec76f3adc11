"""Callbacks of a vendor that signs them, over HTTP: our API asks the vendor, a real server, for its secret."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.core import clock
from app.core.settings import Providers, Settings
from app.generation import callbacks
from app.ledger.verify import verify
from app.providers import signatures
from app.providers.adapters.replicate import Replicate
from app.providers.base import Running
from tests.conftest import client
from tests.core.site import Site, answer, listening
from tests.generation.conftest import Stage
from tests.generation.scripted import done
from tests.generation.test_inbound import kept, seconds_to_wake, sleeping
from tests.providers.test_replicate import signs

KEY = "r8_the-key-of-this-installation"
OLD, NEW = b"the secret of this account", b"the secret that came after it"
SECRET_PATH = "/v1/webhooks/default/secret"


@dataclass
class Peer:
    """The vendor: it tells its secret, and signs with it."""

    site: Site
    settings: Settings
    secret: bytes = OLD
    answers: list[httpx.Response] = field(default_factory=list)

    def tell(self, secret: bytes) -> None:
        body = json.dumps({"key": f"whsec_{b64encode(secret).decode()}"}).encode()
        self.site.page(SECRET_PATH, answer(body, content_type="application/json"))

    def break_down(self) -> None:
        self.site.page(SECRET_PATH, answer(b"<html>", "503 Service Unavailable"))

    async def call(self, token: str, *, secret: bytes = OLD, seconds: int = 0, **changed: str | None) -> int:
        """What the API answers to a callback signed so many seconds later, with headers changed or left out."""
        body = b'{"id": "k3x9f2c1", "status": "succeeded"}'
        headers = signs(secret).sign(body, clock.now() + timedelta(seconds=seconds))
        for name, value in changed.items():
            headers.pop(f"webhook-{name}")
            headers |= {f"webhook-{name}": value} if value is not None else {}
        async with client(self.settings) as vendor:
            told = await vendor.post(f"/v1/inbound/scripted/{token}", content=body, headers=headers)
        self.answers.append(told)
        return told.status_code


@pytest.fixture
async def peer(stage: Stage, server: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Peer]:
    async with listening("127.0.0.1") as site:
        providers = Providers(keys={"replicate": (SecretStr(KEY),)}, urls={"replicate": site.url("/v1")})
        vendor = Replicate(stage.engine.settings.model_copy(update={"providers": providers}))
        monkeypatch.setitem(server.state.catalog.providers, "scripted", vendor)
        it = Peer(site, stage.engine.settings)
        it.tell(OLD)
        yield it
        await vendor.close()


@pytest.fixture(autouse=True)
async def _no_secret_is_told_and_the_books_are_right(
    peer: Peer, stage: Stage, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[None]:
    yield
    lines = [str(record.msg) for record in caplog.get_records("call")]
    refused = [one for one in peer.answers if one.status_code == 403]
    assert sum("callback_refused" in line for line in lines) == len(refused), "not logged, or not here"
    told = "".join(lines) + "".join(one.text for one in peer.answers)
    for secret in (KEY, OLD.decode(), NEW.decode(), b64encode(OLD).decode(), b64encode(NEW).decode()):
        assert secret not in told
    async with stage.database.transaction() as session:
        assert await verify(session) == []


async def test_what_it_signed_makes_the_poll_due(stage: Stage, peer: Peer) -> None:
    task_id, token = await sleeping(stage, done())
    assert await peer.call(token) == 204
    assert await seconds_to_wake(stage, task_id) <= 0
    assert (await stage.advance(task_id)).status == "succeeded"
    [asked] = peer.site.requests
    assert asked.startswith(f"GET {SECRET_PATH} HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}" in asked.lower().replace(KEY.lower(), KEY)


@pytest.mark.parametrize(
    "forged",
    [
        {"signature": None},
        {"signature": ""},
        {"signature": "v1,AAAA"},
        {"id": "another"},
        {"id": None},
        {"timestamp": None},
        {"timestamp": "now"},
        {"secret": NEW},
        {"seconds": -310},
        {"seconds": 310},
    ],
    ids=str,
)
async def test_what_is_forged_changes_nothing_and_does_not_hear_why(
    stage: Stage, peer: Peer, forged: dict[str, Any]
) -> None:
    task_id, token = await sleeping(stage)
    assert await peer.call(token, **forged) == 403
    problem = peer.answers[0].json()
    assert (problem["code"], problem["detail"]) == ("callback_refused", problem["title"])
    assert await kept(stage, task_id) == []
    row = await stage.row(task_id)
    assert (row.attempts[0].callbacks, row.attempts[0].called_back_at) == (0, None)
    assert await seconds_to_wake(stage, task_id) > 100
    assert await peer.call(token) == 204


async def test_a_replay_is_told_all_is_well_and_wakes_nobody(stage: Stage, peer: Peer) -> None:
    task_id, token = await sleeping(stage, Running(poll_after=200))
    assert await peer.call(token) == 204
    await stage.advance(task_id)
    for seconds in (0, 7):  # as it was, and signed anew
        assert await peer.call(token, seconds=seconds) == 204
    assert await seconds_to_wake(stage, task_id) > 100
    assert [row["deliveries"] for row in await kept(stage, task_id)] == [3]


async def test_a_good_signature_does_not_make_up_for_the_token(stage: Stage, peer: Peer) -> None:
    task_id, token = await sleeping(stage)
    forged = f"{token[:-4]}0000"
    assert await peer.call(forged) == 404
    assert peer.site.requests == []
    assert await seconds_to_wake(stage, task_id) > 100


async def test_a_callback_for_one_task_replayed_at_another_only_asks_after_that_one(stage: Stage, peer: Peer) -> None:
    """Nobody has its token but the vendor. If somebody had: it is the vendor who says what became of it."""
    one, token = await sleeping(stage)
    other, of_other = await sleeping(stage, Running(poll_after=200))
    assert await peer.call(token) == 204
    assert await peer.call(of_other) == 204
    assert (await stage.advance(other)).status == "processing"
    assert (await stage.row(one)).attempts[0].callbacks == 1


async def test_the_operator_may_renew_the_secret(stage: Stage, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await sleeping(stage)
    assert await peer.call(token) == 204
    peer.tell(NEW)
    monkeypatch.setattr(signatures, "monotonic", lambda: monotonic() + 61)
    assert await peer.call(token, secret=NEW) == 204
    assert await peer.call(token, secret=OLD) == 403
    assert len(peer.site.requests) == 2


async def test_forgeries_do_not_make_us_ask_again_and_again(stage: Stage, peer: Peer) -> None:
    _, token = await sleeping(stage)
    assert set(await asyncio.gather(*(peer.call(token, secret=NEW) for _ in range(10)))) == {403}
    assert len(peer.site.requests) == 1


async def test_while_the_vendor_is_down_it_is_to_call_again(
    stage: Stage, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And polling goes on."""
    task_id, token = await sleeping(stage, Running(poll_after=200), done())
    peer.break_down()
    assert [await peer.call(token), await peer.call(token)] == [503, 503]
    assert all(int(one.headers["retry-after"]) > 0 for one in peer.answers)
    assert len(peer.site.requests) == 1
    assert await kept(stage, task_id) == []
    assert (await stage.advance(task_id)).status == "processing"
    peer.tell(OLD)
    monkeypatch.setattr(signatures, "monotonic", lambda: monotonic() + 6)
    assert await peer.call(token) == 204
    assert (await stage.advance(task_id)).status == "succeeded"
    assert await stage.credits() == (9, 0, 1)


async def test_a_token_is_not_good_for_another_provider(stage: Stage, peer: Peer) -> None:
    task_id, _ = await sleeping(stage)
    [attempt] = (await stage.row(task_id)).attempts
    assert await peer.call(callbacks.token(stage.engine.settings, "second", attempt.id)) == 404


async def test_of_a_task_that_is_gone_nothing_is_kept(stage: Stage, peer: Peer) -> None:
    gone = callbacks.token(stage.engine.settings, "scripted", UUID(int=7))
    assert await peer.call(gone) == 204
    row = await stage.database.fetchrow("select count(*) from inbound_callbacks where attempt_id = $1", UUID(int=7))
    assert row is not None
    assert row["count"] == 0
