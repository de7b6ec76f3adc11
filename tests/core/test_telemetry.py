"""What is logged, and what never is: keys, signed links, file contents."""

import asyncio
import base64
import io
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from app.core.access_log import FLUSH_SECONDS
from app.core.settings import Settings
from app.core.telemetry import configure_logs, redact
from app.ledger.price_list import PriceList
from tests.conftest import PHOTOS, Account
from tests.core.application import running

COFFEE = (PHOTOS / "coffee.jpg").read_bytes()
KEY = "bk_live_" + 71 * "k"


@dataclass
class Talkative:
    """The API at its most talkative, and all that is written, the libraries' own words included."""

    caller: httpx.AsyncClient
    stream: io.StringIO

    async def written(self) -> str:
        """All of it, when the lines of the last requests are written too."""
        await asyncio.sleep(2 * FLUSH_SECONDS)
        return self.stream.getvalue()

    async def lines(self, event: str) -> list[dict[str, Any]]:
        every = [json.loads(line) for line in (await self.written()).splitlines()]
        return [line for line in every if line["event"] == event]


@pytest.fixture
async def api(account: Account, settings: Settings) -> AsyncIterator[Talkative]:
    debug = settings.model_copy(update={"log": settings.log.model_copy(update={"level": "debug"})})
    try:
        async with running(debug) as caller:
            [handler] = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]
            handler.setStream(stream := io.StringIO())
            yield Talkative(caller, stream)
    finally:
        configure_logs(settings)


async def test_no_secret_of_a_request_is_logged(account: Account, api: Talkative) -> None:
    text = base64.b64encode(COFFEE).decode()
    wrong = account.key[:-1] + ("0" if account.key[-1] != "0" else "1")
    mine = {"X-API-Key": account.key}
    for headers in (
        mine,
        {"Authorization": f"Bearer {account.key}"},
        {"X-API-Key": wrong},
        {"Authorization": f"Bearer {wrong}"},
        {"Authorization": "Basic dXNlcjpodW50ZXIy"},
        {"Cookie": "session=hunter2"},
    ):
        await api.caller.get("/v1/credits", headers=headers)
    await api.caller.get(f"/v1/api-keys/{account.key}", headers=mine)
    order = {"name": "n", "scopes": ["credits:read"]}
    made = (await api.caller.post("/v1/api-keys", json=order, headers=mine)).json()
    asset = (await api.caller.post("/v1/assets", json={"base64": text, "filename": "a.jpg"}, headers=mine)).json()
    for body in ({"base64": text[:-40] + "!" + text[-40:]}, {"url": "https://u:hunter2@127.0.0.1/a?token=hunter2"}):
        await api.caller.post("/v1/assets", json=body, headers=mine)
    task = {"operation": "upscale", "input": {"image": f"data:;base64,{text}"}}
    await api.caller.post("/v1/tasks", json=task, headers=mine)
    link = asset["urls"]["full"]
    for url in (link, link[:-3] + "000"):
        await api.caller.get(url)
    written = await api.written()
    assert len(await api.lines("request")) == 14
    signature = httpx.URL(link).params["signature"]
    for secret in (account.key, account.key[31:70], wrong, made["secret"], signature, "hunter2", "dXNlcjpodW50ZXIy"):
        assert secret not in written
    assert text[1000:1100] not in written
    assert "\\\\x" not in written, "bytes of a file"


async def test_a_request_is_one_line_with_its_id(account: Account, api: Talkative) -> None:
    headers = {"X-API-Key": account.key, "X-Request-Id": "trace-0001"}
    assert (await api.caller.get("/v1/credits?secret=in-the-query", headers=headers)).status_code == 200
    await api.caller.get("/health/live")
    [line] = await api.lines("request")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/credits", 200)
    assert line["request_id"] == "trace-0001"
    assert "in-the-query" not in await api.written()


async def test_a_crash_is_logged_whole_but_for_its_secrets(api: Talkative, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: Any) -> None:
        raise RuntimeError(f"no luck with {KEY}")

    monkeypatch.setattr(PriceList, "get", crash)
    answer = await api.caller.get("/v1/operations")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    [line] = await api.lines("request_crashed")
    assert line["request_id"] == answer.json()["request_id"]
    assert "RuntimeError: no luck with <secret>" in line["exception"]
    assert KEY not in await api.written()


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {KEY}",
        f"key={KEY}",
        {"nested": [{"X-API-Key": "hunter2-in-a-header"}]},
        {"password": "hunter2"},
        [("authorization", KEY)],
        SimpleNamespace(text=f"shown by repr: {KEY}"),
        RuntimeError(KEY),
        "postgresql://backlot:hunter2@db/backlot",
        "redis://:hunter2@cache/0",
        "http://api/files/a?expires=1&signature=hunter2_x-Y",
        "https://s3/a?X-Amz-Expires=1&X-Amz-Signature=hunter2",
        "whsec_hunter2",
        f"/v1/invitations/bkl_{'hunter2' * 8}Ab/accept",
        {"body": base64.b64encode(COFFEE).decode()},
        base64.urlsafe_b64encode(COFFEE).decode(),
        COFFEE,
    ],
)
def test_secrets_are_known_by_name_and_by_look(value: object) -> None:
    shown = repr(redact(None, "info", {"event": "x", "value": value}))
    assert "hunter2" not in shown
    assert KEY not in shown
    assert len(shown) < 300


def test_other_values_are_logged_as_they_are() -> None:
    event = {"event": "x", "count": 3, "ratio": 0.5, "none": None, "yes": True, "text": "a task", "list": [1, "b"]}
    assert redact(None, "info", dict(event)) == event
