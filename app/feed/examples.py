"""The data of events as the documentation shows them."""

from typing import Any

from app.accounts.keys.schemas import KEY_EXAMPLE
from app.assets.schemas import ASSET_EXAMPLE
from app.generation.examples import PENDING_TASK, TASK

Json = dict[str, Any]

_STARTED_AT = TASK["started_at"]
_ATTEMPT: Json = {"step": "remove_background", "provider": "local", "model": "studio", "duration": None, "error": None}
_FAULT: Json = {
    "code": "provider_unavailable",
    "message": "The provider could not be reached.",
    "retryable": True,
    "provider": "local",
}


def _steps(*states: str) -> list[Json]:
    """Those of the task so far, each with what it made."""
    made: list[list[str]] = [
        TASK["steps"][place]["asset_ids"] if state == "succeeded" else [] for place, state in enumerate(states)
    ]
    return [
        {"name": step["name"], "status": state, "asset_id": ids[0] if ids else None, "asset_ids": ids}
        for step, state, ids in zip(TASK["steps"], states, made, strict=True)
    ]


_RUNNING: Json = PENDING_TASK | {
    "status": "processing",
    "provider": "local",
    "queue_position": None,
    "estimated_start_at": None,
    "started_at": _STARTED_AT,
}
_RETURNED: Json = {"credits": {"quoted": 2, "held": 0, "charged": 0}, "balance": 99}

TASK_STARTED: Json = _RUNNING | {
    "steps": _steps("processing", "pending", "pending"),
    "attempts": [_ATTEMPT | {"status": "submitting"}],
}
TASK_PROGRESS: Json = _RUNNING | {
    "progress": 0.33,
    "steps": _steps("succeeded", "pending", "pending"),
    "attempts": TASK["attempts"][:1],
}
TASK_FAILED: Json = (
    _RUNNING
    | _RETURNED
    | {
        "status": "failed",
        "steps": _steps("failed", "canceled", "canceled"),
        "attempts": [_ATTEMPT | {"status": "failed", "error": _FAULT, "duration": 2.1}],
        "error": _FAULT,
        "completed_at": TASK["completed_at"],
    }
)
TASK_CANCELED: Json = (
    PENDING_TASK
    | _RETURNED
    | {
        "status": "canceled",
        "queue_position": None,
        "estimated_start_at": None,
        "steps": _steps("canceled", "canceled", "canceled"),
        "completed_at": TASK["completed_at"],
    }
)

ASSET_GONE: Json = {name: value for name, value in ASSET_EXAMPLE.items() if name != "urls"}

CREDITS_GRANTED: Json = {
    "id": "grant_01jcqzn0v2f5wrb7c1m4k9t3sy",
    "object": "credit_grant",
    "kind": "purchase",
    "amount": 100,
    "remaining": 100,
    "priority": 0,
    "expires_at": None,
    "reason": "100 credits",
    "created_at": "2026-11-21T09:00:24.310552Z",
    "balance": 101.5,
    "held": 0,
}
CREDITS_LOW: Json = {"balance": 0.5, "held": 1, "total_earned": 110, "total_spent": 108.5, "low_mark": 2}
CREDITS_EXHAUSTED: Json = {"balance": 0, "held": 0, "total_earned": 110, "total_spent": 110, "low_mark": 2}

API_KEY: Json = KEY_EXAMPLE
API_KEY_NEW: Json = API_KEY | {"last_used_at": None, "last_used_ip": None}
API_KEY_ROTATED: Json = API_KEY | {
    "hint": "bk_live_…Lm2v",
    "rotated_at": "2026-11-21T10:00:00Z",
    "old_secret_until": "2026-11-22T10:00:00Z",
}
API_KEY_REVOKED: Json = API_KEY | {"revoked_at": "2026-11-21T11:00:00Z"}

WEBHOOK_DISABLED: Json = {
    "id": "whe_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "webhook_endpoint",
    "mode": "live",
    "url": "https://shop.example.com/webhooks/backlot",
    "description": "orders of the shop",
    "event_types": ["task.succeeded", "task.failed"],
    "status": "disabled",
    "disabled_reason": "failing",
    "disabled_at": "2026-11-27T09:00:00Z",
    "created_at": "2026-11-22T09:00:00Z",
}
