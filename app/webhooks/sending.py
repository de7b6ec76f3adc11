"""One attempt at a delivery over HTTP: what is sent, and what the answer says of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import uniform
from time import monotonic
from typing import Any

import httpx

from app.core import clock
from app.core.egress import Answer, Egress, EgressError, guarded_client
from app.core.ids import encode
from app.core.names import Names
from app.core.sealing import Sealer
from app.core.settings import Settings
from app.webhooks import own_headers, signing
from app.webhooks.signing import Signer

SECONDS = 15.0
DELAYS_SECONDS = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
MOST_TRIES = len(DELAYS_SECONDS) + 1
JITTER = 0.1
LONGEST_DELAY_SECONDS = 86400.0
LONGEST_PAUSE_SECONDS = 3600.0
KEPT_BYTES = 4096
"""Of an answer's body, and of its headers."""
MOST_BODY_KEPT = 64 * 1024
IDLE_SECONDS = 4.0
"""Many servers close a connection after five: one that is closed while we write to it would be a failure of ours."""
SLOW_DOWN = frozenset({429, 503})
MASK = "***"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt. `error` is None when it arrived."""

    started_at: datetime
    seconds: float
    headers: Mapping[str, str]
    body: bytes
    answer: Answer | None = None
    error: tuple[str, str] | None = None
    own: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_gone(self) -> bool:
        return self.answer is not None and self.answer.status == 410

    def delay(self, tries: int) -> float | None:
        """Seconds to the next try after so many; None: that was the last. Never earlier than the schedule."""
        if tries >= MOST_TRIES:
            return None
        seconds = DELAYS_SECONDS[tries - 1] * uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        return min(max(seconds, self.asked_seconds), LONGEST_DELAY_SECONDS)

    @property
    def asked_seconds(self) -> float:
        """By `Retry-After`, as seconds or as a date."""
        text = self.answer.headers.get("retry-after", "") if self.answer is not None else ""
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, TypeError):
            return 0.0
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max((at - clock.now()).total_seconds(), 0.0)

    @property
    def pause(self) -> float | None:
        """How long the server wants to hear nothing at all."""
        if self.answer is None or self.answer.status not in SLOW_DOWN or not self.asked_seconds:
            return None
        return min(self.asked_seconds, LONGEST_PAUSE_SECONDS)

    def told(self) -> dict[str, Any]:
        """As `note_webhooks` takes it."""
        code, detail = self.error or (None, None)
        return {
            "started_at": self.started_at,
            "seconds": self.seconds,
            "request_headers": {name: MASK if name in self.own else value for name, value in self.headers.items()},
            "request_body": _text(self.body[:MOST_BODY_KEPT]),
            "status": self.answer and self.answer.status,
            "response_headers": self.answer and _kept(self.answer.headers),
            "response_body": self.answer and _text(self.answer.beginning),
            "error": code,
            "detail": detail,
        }


class Sender:
    """One per process."""

    def __init__(self, settings: Settings) -> None:
        self._signer = Signer(settings)
        self._sealer = Sealer(settings, own_headers.PURPOSE)
        client = guarded_client(settings, names=Names, connections=0, idle_seconds=IDLE_SECONDS, forgives=True)
        self._egress = Egress(settings, client=client)

    async def close(self) -> None:
        await self._egress.aclose()

    async def send(self, claimed: Mapping[str, Any], body: bytes) -> Result:
        """One attempt, within its time. Whatever the other side does, it is told by the result."""
        own = own_headers.read(self._sealer, claimed["headers"])
        started_at, began = clock.now(), monotonic()
        headers = own | {
            "content-type": "application/json",
            "user-agent": "Backlot/1",
            **self._signatures(claimed, math.floor(started_at.timestamp()), body),
        }
        answer, error = None, None
        try:
            request = self._egress.client.build_request("POST", claimed["url"], headers=headers, content=body)
            answer = await self._egress.begin(request, most_bytes=KEPT_BYTES, seconds=SECONDS)
        except EgressError as fault:
            error = (fault.code, fault.detail)
        except (httpx.InvalidURL, ValueError):
            error = ("scheme", "This is not a URL.")
        if answer is not None and not 200 <= answer.status < 300:
            moved = ": redirects are not followed" if 300 <= answer.status < 400 else ""
            error = ("status", f"The server answered with status {answer.status}{moved}.")
        return Result(started_at, monotonic() - began, headers, body, answer, error, frozenset(own))

    def _signatures(self, claimed: Mapping[str, Any], timestamp: int, body: bytes) -> dict[str, str]:
        endpoint_id, generation = claimed["endpoint_id"], claimed["generation"]
        owner = (
            signing.of_endpoint(endpoint_id)
            if endpoint_id is not None
            else signing.of_workspace(claimed["workspace_id"], claimed["mode"])
        )
        generations = (generation, generation - 1) if claimed["is_rotating"] else (generation,)
        message_id = encode("evt", claimed["event_id"])
        return self._signer.headers(owner, generations, message_id=message_id, timestamp=timestamp, body=body)


def _text(content: bytes) -> str:
    """As it can be kept: PostgreSQL takes no NUL."""
    return content.decode(errors="replace").replace("\x00", "\ufffd")


def _kept(headers: httpx.Headers) -> dict[str, str]:
    kept: dict[str, str] = {}
    room = KEPT_BYTES
    for name, value in headers.raw:
        room -= len(name) + len(value)
        if room < 0:
            break
        kept[_text(name).lower()] = _text(value)
    return kept
