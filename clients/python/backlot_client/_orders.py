"""The calls behind the clients' own methods."""

import json
import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import IO, Any

import httpx

from backlot_client._calls import Call
from backlot_client._generated.api import batches, tasks
from backlot_client._generated.types import UNSET
from backlot_client.models import Asset, Batch, BatchCreate, BatchItemCreate, Quote, Routing, Task, TaskCreate, TaskPage

Json = Mapping[str, Any]
File = str | PathLike[str] | bytes | IO[bytes]


def order(
    operation: str,
    input: Json,  # noqa: A002
    *,
    model: str,
    provider: str | None,
    routing: Json | None,
    webhook_url: str | None,
    metadata: Json | None,
) -> TaskCreate:
    return TaskCreate(
        operation=operation,
        input=dict(input),
        model=model,
        provider=UNSET if provider is None else provider,
        routing=UNSET if routing is None else Routing.from_dict(routing),
        webhook_url=UNSET if webhook_url is None else webhook_url,
        metadata=UNSET if metadata is None else dict(metadata),
    )


def quote_task(wanted: TaskCreate) -> Call[Quote]:
    """It has no effect, and so takes no Idempotency-Key."""
    return replace(tasks.quote_task(body=wanted), is_safe_twice=True)


def create_batch(
    operation: str,
    items: Iterable[Json],
    *,
    defaults: Json | None,
    model: str,
    provider: str | None,
    routing: Json | None,
    metadata: Json | None,
) -> Call[Batch]:
    batch = BatchCreate(
        operation=operation,
        items=[BatchItemCreate.from_dict(item) for item in items],
        defaults=UNSET if defaults is None else dict(defaults),
        model=model,
        provider=UNSET if provider is None else provider,
        routing=UNSET if routing is None else Routing.from_dict(routing),
        metadata=UNSET if metadata is None else dict(metadata),
    )
    return batches.create_batch(body=batch)


def get_task(task_id: str, *, wait: float = 0) -> Call[Task]:
    return tasks.get_task(task_id, wait=wait)


def get_task_if_changed(task_id: str, etag: str | None) -> Call[tuple[Task | None, str]]:
    """The task, or None where it is still the one with that ETag; and the ETag."""
    call = tasks.get_task(task_id)

    def parse(response: httpx.Response) -> tuple[Task | None, str]:
        task = None if response.status_code == 304 else call.parse(response)
        return task, response.headers["etag"]

    headers = {"If-None-Match": etag} if etag else {}
    return Call("GET", call.path, parse, params=call.params, headers=headers)


def list_tasks(
    *,
    status: Sequence[str] | None,
    operation: str | None,
    batch_id: str | None,
    created_after: datetime | None,
    metadata: Json | None,
    limit: int,
    cursor: str | None,
) -> Call[TaskPage]:
    call = tasks.list_tasks(
        status=list(status) if status else UNSET,  # type: ignore[arg-type]
        operation=operation,
        batch_id=batch_id,
        created_after=created_after,
        limit=limit,
        cursor=cursor,
    )
    wanted = {f"metadata[{name}]": value for name, value in (metadata or {}).items()}
    return replace(call, params={**call.params, **wanted})


def _asset(response: httpx.Response) -> Asset:
    return Asset.from_dict(response.json())


def upload_asset(file: File, *, filename: str | None, metadata: Json | None) -> Call[Asset]:
    """Read now, so that it can be sent again."""
    match file:
        case bytes():
            content, name = file, "upload"
        case str() | PathLike():
            content, name = Path(file).read_bytes(), Path(file).name
        case _:
            content, name = file.read(), Path(str(getattr(file, "name", "upload"))).name
    name = filename or name
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Call(
        "POST",
        "/v1/assets",
        _asset,
        data={"metadata": json.dumps(metadata)} if metadata else None,
        files={"file": (name, content, kind)},
    )


def import_asset(url: str, *, filename: str | None, metadata: Json | None) -> Call[Asset]:
    body = {"url": url, "filename": filename, "metadata": dict(metadata or {})}
    return Call("POST", "/v1/assets", _asset, json={name: value for name, value in body.items() if value})
