"""What the streams and the webhooks tell."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import httpx

from backlot_client._policy import backoff, parsed
from backlot_client._sse import Message, Parser
from backlot_client.errors import ApiError, BacklotError, UnexpectedAnswer, error_of
from backlot_client.models import BatchShown, Task

ENDED = frozenset({"succeeded", "failed", "canceled"})
"""The statuses of tasks after which nothing comes by itself."""
LAST_OF_TASK = frozenset({"task.succeeded", "task.failed", "task.canceled"})
LAST = LAST_OF_TASK | {"batch.completed"}

SILENCE_SECONDS = 45.0
"""A stream that says nothing for so long, not even its pings, is dead."""


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Of the stream of a task or batch: `data` is the task as it was then; of `batch.completed`, the batch."""

    id: str | None
    type: str
    data: dict[str, Any] = field(repr=False)

    @property
    def task(self) -> Task:
        return parsed(Task.from_dict, self.data)

    @property
    def batch(self) -> BatchShown:
        return parsed(BatchShown.from_dict, self.data)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened in a workspace: of its stream, and the body of a webhook."""

    id: str
    type: str
    version: int
    timestamp: datetime
    workspace_id: str | None
    mode: str | None
    data: dict[str, Any] = field(repr=False)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], *, id: str | None = None) -> "Event":  # noqa: A002
        """`id` is what it is known by where the body does not say."""
        return cls(
            id=str(body.get("id") or id or ""),
            type=str(body["type"]),
            version=int(body.get("version", 1)),
            timestamp=datetime.fromisoformat(body["timestamp"]),
            workspace_id=body.get("workspace_id"),
            mode=body.get("mode"),
            data=dict(body["data"]),
        )


@dataclass(frozen=True, slots=True)
class Reset:
    """The place to go on from is unknown, or too old: events were missed. Fetch anew what you show; then go on."""

    id: str | None = None
    type: Literal["reset"] = "reset"


def task_event(message: Message) -> TaskEvent:
    data: dict[str, Any] = parsed(json.loads, message.data)
    return TaskEvent(message.id, message.event, data)


def workspace_event(message: Message) -> Event | Reset:
    if message.event == "reset":
        return Reset(message.id)
    return parsed(lambda text: Event.from_dict(json.loads(text), id=message.id), message.data)


class Follower:
    """Where a stream stands, over all its connections. `has_end`: that of a task or batch; a workspace's has none."""

    def __init__(
        self, path: str, *, params: Mapping[str, Any] | None = None, last_event_id: str | None = None, has_end: bool
    ) -> None:
        self.path = path
        self.params = dict(params or {})
        self.last_event_id = last_event_id
        self.has_end = has_end
        self.is_over = False
        self.failures = 0
        self._retry = 2.0
        self._asked = 0.0
        self._last_type = ""
        self._parser = Parser()

    def headers(self) -> dict[str, str]:
        """Of the next connection, which counts as failed until it says something."""
        self.failures += 1
        self._parser = Parser(self.last_event_id)
        known = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        return {"Accept": "text/event-stream", **known}

    def begin(self, response: httpx.Response) -> None:
        """Whether this is a stream; an answer that is none has been read. 204: nothing will come any more."""
        if response.status_code == 204:
            self.is_over = True
        elif response.status_code >= 400:
            raise error_of(response)
        elif response.status_code != 200 or "text/event-stream" not in response.headers.get("content-type", ""):
            raise UnexpectedAnswer(f"no stream of events, but {response.status_code} to {self.path}")

    def feed(self, chunk: bytes) -> list[Message]:
        self.failures = 0
        found = self._parser.feed(chunk)
        if self._parser.retry is not None:
            self._retry = self._parser.retry
        for message in found:
            self._last_type = message.event
        return found

    def handed(self, message: Message) -> None:
        """The message is the caller's now: a new connection goes on after it."""
        self.last_event_id = message.id

    def caught_up(self) -> None:
        """All messages were handed over: what moved the place without a message counts too."""
        self.last_event_id = self._parser.last_event_id

    def failed(self, error: BacklotError) -> None:
        """Raises the error where connecting again would not help."""
        if not is_passing(error):
            raise error
        self._asked = (error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0

    def pause(self) -> float:
        """Seconds before the next connection: none after what may have been the last, to hear whether it was."""
        asked, self._asked = self._asked, 0.0
        if self.failures == 0 and self.has_end and self._last_type in LAST:
            self._last_type = ""
            return 0.0
        return asked + backoff(max(0, self.failures - 1), first=self._retry, most=30.0)


def is_passing(error: BacklotError) -> bool:
    """Whether who waits should go on waiting: a server that restarts may answer anything from 500 on."""
    return error.retryable or (isinstance(error, ApiError) and error.status >= 500)
