"""What goes over the wire, as the OpenAPI document shows it."""

import json
from typing import Any

from app.generation import examples

_ASSETS = ("asset_01jcqzm4x8e3v9tk5h2w7d6n0p", "asset_01jcqzm5a2fbsr6q8c1xk4y7ze")
_TASK = examples.TASK["id"]

ORDER: dict[str, Any] = {
    "operation": "remove_background",
    "defaults": {"output_format": "webp"},
    "items": [
        {"filename": "mug.jpg", "input": {"image": _ASSETS[0]}, "metadata": {"sku": "A-17"}},
        {"filename": "lamp.jpg", "input": {"image": "https://example.com/lamp.jpg"}},
        {"filename": "note.jpg", "input": {"image": _ASSETS[1]}},
    ],
    "metadata": {"season": "autumn"},
}

_SHOWN: dict[str, Any] = {
    "id": "batch_01jcqzm8v0e8dr7f3nq1x5w2ka",
    "object": "batch",
    "operation": "remove_background",
    "status": "pending",
    "model": "auto",
    "provider": None,
    "routing": {"prefer": "quality", "fallback": True},
    "summary": {
        "total": 3,
        "pending": 2,
        "processing": 0,
        "succeeded": 0,
        "failed": 1,
        "canceled": 0,
        "credits": {"quoted": 2, "held": 2, "charged": 0},
    },
    "created_at": "2026-11-21T09:00:00.104202Z",
    "completed_at": None,
    "metadata": {"season": "autumn"},
}


def _item(index: int, filename: str, task_id: str | None, **rest: Any) -> dict[str, Any]:
    held = 1 if task_id else 0
    return {
        "index": index,
        "filename": filename,
        "status": "pending" if task_id else "failed",
        "task_id": task_id,
        "outputs": [],
        "error": None,
        "credits": {"quoted": held, "held": held, "charged": 0},
        "metadata": {},
    } | rest


_REFUSED = {
    "code": "asset_not_found",
    "message": f"There is no asset {_ASSETS[1]} in this workspace.",
    "retryable": False,
    "provider": None,
    "pointer": "/items/2/input/image",
}
_UNREACHABLE = {
    "code": "url_unreachable",
    "message": "The server answered with status 404.",
    "retryable": True,
    "provider": None,
    "pointer": None,
}

PENDING_BATCH: dict[str, Any] = _SHOWN | {
    "items": [
        _item(0, "mug.jpg", _TASK, metadata={"sku": "A-17"}),
        _item(1, "lamp.jpg", "task_01jcqzm8v2fzpt9a6mk4r0c7hn"),
        _item(2, "note.jpg", None, error=_REFUSED),
    ]
}

SHOWN: dict[str, Any] = _SHOWN | {
    "status": "completed",
    "summary": _SHOWN["summary"]
    | {"pending": 0, "succeeded": 1, "failed": 2, "credits": {"quoted": 2, "held": 0, "charged": 1}},
    "completed_at": "2026-11-21T09:00:04.518830Z",
}

BATCH: dict[str, Any] = SHOWN | {
    "items": [
        PENDING_BATCH["items"][0]
        | {
            "status": "succeeded",
            "outputs": examples.TASK["outputs"][:1],
            "credits": {"quoted": 1, "held": 0, "charged": 1},
        },
        PENDING_BATCH["items"][1]
        | {"status": "failed", "error": _UNREACHABLE, "credits": {"quoted": 1, "held": 0, "charged": 0}},
        PENDING_BATCH["items"][2],
    ]
}

_EVENTS = [*examples.EVENT_SCHEMA["properties"]["event"]["enum"], "batch.completed"]
EVENT_SCHEMA: dict[str, Any] = examples.EVENT_SCHEMA | {
    "properties": examples.EVENT_SCHEMA["properties"]
    | {
        "event": {"type": "string", "enum": _EVENTS},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "Of a task: the task as it was then; of `batch.completed`: the batch without its items.",
        },
    }
}
EVENT: dict[str, Any] = {
    "id": "evt_01jcqzmcn4f1vab7w3k9s6r2ed",
    "event": "batch.completed",
    "data": json.dumps(SHOWN, separators=(",", ":")),
}
