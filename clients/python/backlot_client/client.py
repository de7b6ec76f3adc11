"""The client that blocks."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from backlot_client import _orders, events
from backlot_client._generated.api import batches, credits, tasks  # noqa: A004
from backlot_client._policy import Policy, backoff
from backlot_client._sync import EventStream, Sender
from backlot_client._waiting import (
    HOLD,
    HOLD_FOR_PROGRESS,
    LAST_STRETCH,
    MOST_FAILURES,
    SILENCE,
    WAIT_SECONDS,
    Limit,
    Progress,
    Seen,
)
from backlot_client.errors import ApiError, BacklotError, UnexpectedAnswer, WaitTimeout
from backlot_client.models import Asset, Batch, CreditsRead, Quote, Task, TaskPage

Json = Mapping[str, Any]


class Backlot(Sender):
    """A Backlot server. `api_key` is an API key or an access token, or a function that gives one.

    `http` is an httpx.Client of yours, for proxies, certificates and the like; it stays open when this is closed.
    """

    # Tasks

    def create_task(
        self,
        operation: str,
        input: Json,  # noqa: A002
        *,
        model: str = "auto",
        provider: str | None = None,
        routing: Json | None = None,
        webhook_url: str | None = None,
        metadata: Json | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Order a task. The answer comes at once; see `wait_for_task`."""
        order = _orders.order(
            *(operation, input),
            model=model,
            provider=provider,
            routing=routing,
            webhook_url=webhook_url,
            metadata=metadata,
        )
        return self.send(tasks.create_task(body=order), idempotency_key=idempotency_key)

    def quote_task(
        self,
        operation: str,
        input: Json,  # noqa: A002
        *,
        model: str = "auto",
        provider: str | None = None,
        routing: Json | None = None,
    ) -> Quote:
        """What it would cost."""
        order = _orders.order(
            operation, input, model=model, provider=provider, routing=routing, webhook_url=None, metadata=None
        )
        return self.send(_orders.quote_task(order))

    def run(
        self,
        operation: str,
        input: Json,  # noqa: A002
        *,
        timeout: float | None = WAIT_SECONDS,
        on_progress: Progress | None = None,
        **order: Any,
    ) -> Task:
        """Order a task and wait for its end, as `create_task` and `wait_for_task` do."""
        task = self.create_task(operation, input, **order)
        return self.wait_for_task(task.id, timeout=timeout, on_progress=on_progress)

    def get_task(self, task_id: str, *, wait: float = 0) -> Task:
        """With `wait` the answer comes when the task ends, or after so many seconds, at most 60."""
        return self.send(_orders.get_task(task_id, wait=wait), timeout=self._timeout + wait)

    def get_task_if_changed(self, task_id: str, etag: str | None) -> tuple[Task | None, str]:
        """The task and its ETag; None instead of the task while it is as it was with the ETag given."""
        return self.send(_orders.get_task_if_changed(task_id, etag))

    def list_tasks(
        self,
        *,
        status: Sequence[str] | None = None,
        operation: str | None = None,
        batch_id: str | None = None,
        created_after: datetime | None = None,
        metadata: Json | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> TaskPage:
        """One page, newest first; its `next_cursor` is the `cursor` of the next one."""
        return self.send(
            _orders.list_tasks(
                status=status,
                operation=operation,
                batch_id=batch_id,
                created_after=created_after,
                metadata=metadata,
                limit=limit,
                cursor=cursor,
            )
        )

    def cancel_task(self, task_id: str, *, idempotency_key: str | None = None) -> Task:
        return self.send(tasks.cancel_task(task_id), idempotency_key=idempotency_key)

    def retry_task(self, task_id: str, *, idempotency_key: str | None = None) -> Task:
        return self.send(tasks.retry_task(task_id), idempotency_key=idempotency_key)

    # Batches, files, credits

    def create_batch(
        self,
        operation: str,
        items: Iterable[Json],
        *,
        defaults: Json | None = None,
        model: str = "auto",
        provider: str | None = None,
        routing: Json | None = None,
        metadata: Json | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Order one operation on many inputs: each item is `{"input": {…}, "filename": …, "metadata": {…}}`."""
        call = _orders.create_batch(
            *(operation, items),
            defaults=defaults,
            model=model,
            provider=provider,
            routing=routing,
            metadata=metadata,
        )
        return self.send(call, idempotency_key=idempotency_key)

    def get_batch(self, batch_id: str, *, wait: float = 0) -> Batch:
        return self.send(batches.get_batch(batch_id, wait=wait), timeout=self._timeout + wait)

    def upload_asset(
        self,
        file: _orders.File,
        *,
        filename: str | None = None,
        metadata: Json | None = None,
        idempotency_key: str | None = None,
    ) -> Asset:
        """Upload an image: a path, bytes, or an open file."""
        call = _orders.upload_asset(file, filename=filename, metadata=metadata)
        return self.send(call, idempotency_key=idempotency_key)

    def import_asset(
        self,
        url: str,
        *,
        filename: str | None = None,
        metadata: Json | None = None,
        idempotency_key: str | None = None,
    ) -> Asset:
        """Have the server fetch an image from a public https URL."""
        call = _orders.import_asset(url, filename=filename, metadata=metadata)
        return self.send(call, idempotency_key=idempotency_key)

    def get_credits(self) -> CreditsRead:
        return self.send(credits.get_credits())

    # Streams

    def task_events(self, task_id: str, *, last_event_id: str | None = None) -> EventStream[events.TaskEvent]:
        """Follow a task to its end."""
        follower = events.Follower(f"/v1/tasks/{task_id}/events", last_event_id=last_event_id, has_end=True)
        return EventStream(follower, self._follow(follower, events.task_event))

    def batch_events(self, batch_id: str, *, last_event_id: str | None = None) -> EventStream[events.TaskEvent]:
        """Follow a batch to its end: the events of its tasks, then `batch.completed`."""
        follower = events.Follower(f"/v1/batches/{batch_id}/events", last_event_id=last_event_id, has_end=True)
        return EventStream(follower, self._follow(follower, events.task_event))

    def events(
        self, types: Sequence[str] = (), *, last_event_id: str | None = None
    ) -> EventStream[events.Event | events.Reset]:
        """Follow the workspace, for ever: what happens from now on, or has happened since `last_event_id`.

        Types as `task.succeeded` or `task.*`; none: all. After a Reset fetch anew what you show.
        """
        follower = events.Follower(
            "/v1/events/stream", params={"type": list(types)}, last_event_id=last_event_id, has_end=False
        )
        return EventStream(follower, self._follow(follower, events.workspace_event))

    # Waiting

    def wait_for_task(
        self, task_id: str, *, timeout: float | None = WAIT_SECONDS, on_progress: Progress | None = None
    ) -> Task:
        """The task in full once it has ended, whatever came of it: look at its `status`.

        Follows its events, and where these do not come through, holds requests open. Goes on over lost connections
        and restarts of the server. Raises WaitTimeout after so many seconds; the task goes on.
        """
        limit, seen = Limit(timeout), Seen(on_progress)
        self._watch(task_id, limit, seen)
        return self._hold(task_id, limit, seen)

    def _watch(self, task_id: str, limit: Limit, seen: Seen) -> None:
        """Return when the task seems to have ended, when streams do not work here, or when time runs short."""
        follower = events.Follower(f"/v1/tasks/{task_id}/events", has_end=True)
        while limit.left() > LAST_STRETCH:
            try:
                with closing(self._messages(follower, silence=SILENCE)) as messages:
                    for message in messages:
                        if message is not None:
                            follower.handed(message)
                            if seen.see(events.task_event(message).task):
                                return
                        if limit.left() <= LAST_STRETCH:
                            return
            except UnexpectedAnswer:
                return
            except BacklotError as error:
                follower.failed(error)
            if follower.is_over or follower.failures >= MOST_FAILURES:
                return
            time.sleep(min(follower.pause(), limit.left()))

    def _hold(self, task_id: str, limit: Limit, seen: Seen) -> Task:
        failures = 0
        while True:
            hold = min(HOLD_FOR_PROGRESS if seen.on_progress and failures == 0 else HOLD, limit.left())
            try:
                task = self._send(_orders.get_task(task_id, wait=round(hold, 2)), Policy(0), timeout=hold + 10)
            except BacklotError as error:
                if not events.is_passing(error):
                    raise
                asked = error.retry_after or 0.0 if isinstance(error, ApiError) else 0.0
                pause = min(asked + backoff(failures), limit.left())
                failures += 1
            else:
                failures, pause = 0, 0.0
                if seen.see(task):
                    return task
            if limit.left() <= 0:
                raise WaitTimeout(task_id, limit.seconds, seen.task)
            time.sleep(pause)
