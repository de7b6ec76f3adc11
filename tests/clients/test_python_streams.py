"""How the Python client follows streams and verifies webhooks, without a server of ours."""

import base64
import time
from collections.abc import Iterator, Mapping
from threading import Event as Signal
from typing import Any

import pytest
from backlot_client import (
    AsyncBacklot,
    Backlot,
    Event,
    Forbidden,
    Reset,
    UnexpectedAnswer,
    WebhookVerificationError,
    _async,
    _sync,
    verify_webhook,
)
from backlot_client._sse import Message, Parser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.clients.proxy import telling
from tests.clients.test_python import each, given
from tests.clients.webhooks import BODY, HEADERS, OTHER, SECRET, SENT_AT, signature

both = pytest.mark.parametrize("kind", [Backlot, AsyncBacklot])


def told(id_: str, type_: str = "task.succeeded") -> bytes:
    event = (
        f'{{"id":"{id_}","object":"event","type":"{type_}","version":1,"timestamp":"2026-11-21T02:30:00Z",'
        f'"workspace_id":"ws_1","mode":"live","data":{{"id":"task_1"}}}}'
    )
    return f"id: {id_}\nevent: {type_}\ndata: {event}\n\n".encode()


def parsed(*chunks: bytes) -> list[Message]:
    parser = Parser()
    return [message for chunk in chunks for message in parser.feed(chunk)]


def test_a_stream_is_read_however_it_is_cut_up() -> None:
    whole = (
        "\ufeff: hello\r\nid: 1\r\nevent: a\r\ndata: x\r\ndata:  y\u2028z\r\n\r\ndata\n\nid: 2\rdata: last\r\r"
        "id\ndata: without\n\n"
    ).encode()
    wanted = [
        Message("1", "a", "x\n y\u2028z"),
        Message("1", "message", ""),
        Message("2", "message", "last"),
        Message(None, "message", "without"),
    ]
    assert parsed(whole) == wanted
    assert parsed(*[whole[at : at + 1] for at in range(len(whole))]) == wanted
    assert parsed(b"id: 1\ndata: cut off\n") == []


@both
async def test_the_workspace_is_followed_over_lost_connections(kind: Any) -> None:
    connections = 0

    def tell(headers: Mapping[str, str], _: str) -> Iterator[bytes] | int:
        nonlocal connections
        connections += 1
        match connections:
            case 1:
                return iter([b"retry: 10\n\n", told("evt_1"), told("evt_2", "asset.created"), told("evt_cut")[:40]])
            case 2:
                return 503
            case 3:
                return iter([b": ping\n\n", b"id: evt_3\n\n"])  # the place moves without an event
            case 4:
                return iter([b"id: evt_9\nevent: reset\ndata: {}\n\n", told("evt_10")])
        return 403

    with telling(tell) as teller:
        client = kind(teller.url, "key")
        stream = client.events(["task.*", "asset.created"], last_event_id="evt_0")
        found: list[Any] = []

        async def follow() -> None:
            async for event in each(stream):
                found.append((type(event), event.type, event.id))

        with pytest.raises(Forbidden):
            await follow()
        assert found == [
            (Event, "task.succeeded", "evt_1"),
            (Event, "asset.created", "evt_2"),
            (Reset, "reset", "evt_9"),
            (Event, "task.succeeded", "evt_10"),
        ]
        assert stream.last_event_id == "evt_10"
        assert [headers["last-event-id"] for _, headers in teller.asked] == [
            *("evt_0", "evt_2", "evt_2", "evt_3", "evt_10")
        ]
        path, headers = teller.asked[0]
        assert path == "/v1/events/stream?type=task.%2A&type=asset.created"
        assert (headers["accept"], headers["authorization"]) == ("text/event-stream", "Bearer key")
        await given(client.close())


@both
async def test_the_place_to_go_on_from_is_that_of_the_event_in_hand(kind: Any) -> None:
    with telling(lambda *_: iter([told("evt_1") + told("evt_2") + b"id: evt_3\n\n"])) as teller:
        client = kind(teller.url)
        stream = client.events()
        places = []
        async for _ in each(stream):
            places.append(stream.last_event_id)
            if len(places) == 3:
                break
        assert places == ["evt_1", "evt_2", "evt_1"]  # the third is told after `evt_3`, by another connection
        assert teller.asked[1][1]["last-event-id"] == "evt_3"
        await given(stream.close())
        await given(client.close())


@both
async def test_a_stream_without_pings_is_left(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for method in (_sync.Sender._messages, _async.AsyncSender._messages):
        monkeypatch.setattr(method, "__kwdefaults__", {"silence": 0.3})
    over = Signal()

    def tell(headers: Mapping[str, str], _: str) -> Iterator[bytes]:
        if "last-event-id" in headers:
            yield told("evt_2")
        else:
            yield b"retry: 1\n\n" + told("evt_1")
            over.wait(10)

    with telling(tell) as teller:
        client = kind(teller.url)
        began = time.monotonic()
        found = []
        async for event in each(stream := client.events()):
            found.append(event.id)
            if len(found) == 2:
                break
        assert found == ["evt_1", "evt_2"]
        assert 0.3 < time.monotonic() - began < 5
        over.set()
        await given(stream.close())
        await given(client.close())


@both
async def test_what_is_no_event_is_told(kind: Any) -> None:
    with telling(lambda *_: iter([b"id: 1\nevent: task.failed\ndata: <html>\n\n"])) as teller:
        client = kind(teller.url)
        with pytest.raises(UnexpectedAnswer):
            [event async for event in each(client.events())]
        await given(client.close())


def test_a_webhook_is_the_event() -> None:
    event = verify_webhook(BODY, HEADERS, SECRET, now=SENT_AT)
    assert (event.type, event.id, event.data) == ("post.published", "msg_sample_01", {"id": "pst_1"})
    assert event.timestamp.isoformat() == "2026-11-21T02:30:00+00:00"
    assert verify_webhook(BODY.decode(), {k.upper(): v for k, v in HEADERS.items()}, SECRET, now=SENT_AT) == event
    assert verify_webhook(BODY, HEADERS, [OTHER, SECRET], now=SENT_AT + 299) == event


def test_while_a_secret_is_changed_either_is_taken() -> None:
    both_ways = f"v2,abcd v1a,AAAA {signature(OTHER)} nonsense {signature(SECRET)}"
    for secret in (SECRET, OTHER):
        assert verify_webhook(BODY, HEADERS | {"webhook-signature": both_ways}, secret, now=SENT_AT)


@pytest.mark.parametrize(
    ("body", "headers", "secret", "after"),
    [
        (BODY + b" ", {}, SECRET, 0),
        (BODY, {"webhook-id": "msg_sample_02"}, SECRET, 0),
        (BODY, {"webhook-timestamp": str(SENT_AT + 1)}, SECRET, 0),
        (BODY, {"webhook-timestamp": "soon"}, SECRET, 0),
        (BODY, {}, OTHER, 0),
        (BODY, {}, SECRET, 301),
        (BODY, {}, SECRET, -301),
        (BODY, {"webhook-signature": "v1,"}, SECRET, 0),
        (BODY, {"webhook-signature": ""}, SECRET, 0),
        (BODY, {"webhook-signature": HEADERS["webhook-signature"].replace("v1", "v2")}, SECRET, 0),
        (b"[]", {"webhook-signature": signature(SECRET, body=b"[]")}, SECRET, 0),
    ],
)
def test_what_is_no_webhook_of_ours_is_refused(body: bytes, headers: dict[str, str], secret: str, after: int) -> None:
    with pytest.raises(WebhookVerificationError):
        verify_webhook(body, HEADERS | headers, secret, now=SENT_AT + after)


def test_a_header_that_is_missing_is_named() -> None:
    with pytest.raises(WebhookVerificationError, match="webhook-timestamp"):
        verify_webhook(BODY, {"webhook-id": "a", "webhook-signature": "v1,"}, SECRET)
    with pytest.raises(ValueError, match="no secret"):
        verify_webhook(BODY, HEADERS, [], now=SENT_AT)


def test_a_public_key_verifies_what_a_private_one_signed() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    made = base64.b64encode(private.sign(f"msg_sample_01.{SENT_AT}.".encode() + BODY)).decode()
    headers = HEADERS | {"webhook-signature": f"{HEADERS['webhook-signature']} v1a,{made}"}
    assert verify_webhook(BODY, headers, public, now=SENT_AT).type == "post.published"
    assert verify_webhook(BODY, headers, SECRET, now=SENT_AT).type == "post.published"
    for wrong in (HEADERS, headers | {"webhook-id": "other"}):
        with pytest.raises(WebhookVerificationError):
            verify_webhook(BODY, wrong, public, now=SENT_AT)
