"""Examples for the OpenAPI document."""

from typing import Any

ENDPOINT_CREATE: dict[str, Any] = {
    "url": "https://shop.example.com/webhooks/backlot",
    "event_types": ["task.succeeded", "task.failed"],
    "description": "orders of the shop",
    "headers": {"X-Environment": "production"},
}
ENDPOINT: dict[str, Any] = {
    "id": "whe_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "webhook_endpoint",
    "mode": "live",
    "url": "https://shop.example.com/webhooks/backlot",
    "description": "orders of the shop",
    "event_types": ["task.succeeded", "task.failed"],
    "header_names": ["X-Environment"],
    "status": "enabled",
    "disabled_reason": None,
    "disabled_at": None,
    "failing_since": None,
    "public_key": "whpk_Txm1qtEIVdKGuRsTkOyFkRT5dM9DyiX1ZqoVd5vJSCk=",
    "secret_rotated_at": None,
    "previous_secret_until": None,
    "created_at": "2026-11-22T09:00:00Z",
    "updated_at": "2026-11-22T09:00:00Z",
}
SECRET = {"secret": "whsec_" + 43 * "A" + "="}
SIGNING_SECRET: dict[str, Any] = {
    "object": "webhook_signing_secret",
    "mode": "live",
    "public_key": "whpk_Txm1qtEIVdKGuRsTkOyFkRT5dM9DyiX1ZqoVd5vJSCk=",
    "rotated_at": "2026-11-22T09:00:00Z",
    "previous_secret_until": None,
}
DELIVERY: dict[str, Any] = {
    "id": "whd_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "webhook_delivery",
    "endpoint_id": "whe_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "url": None,
    "event_id": "evt_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "event_type": "task.succeeded",
    "task_id": "task_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "is_test": False,
    "status": "pending",
    "attempt_count": 1,
    "response_status": 500,
    "error": "status",
    "next_attempt_at": "2026-11-22T09:10:05Z",
    "created_at": "2026-11-22T09:10:00Z",
    "ended_at": None,
}
ATTEMPT: dict[str, Any] = {
    "number": 1,
    "started_at": "2026-11-22T09:10:00Z",
    "duration": 0.182,
    "request": {
        "url": "https://shop.example.com/webhooks/backlot",
        "headers": {
            "content-type": "application/json",
            "user-agent": "Backlot/1",
            "webhook-id": "evt_01jcqzm4x8e3v9tk5h2w7d6n0p",
            "webhook-timestamp": "1795338600",
            "webhook-signature": "v1,U7kRqWMjNg9OgKOTE94r5upleQK4QnC7OUWb2lVSiGg=",
            "X-Environment": "***",
        },
        "body": '{"id":"evt_01jcqzm4x8e3v9tk5h2w7d6n0p","object":"event","type":"task.succeeded"}',
    },
    "response": {"status": 500, "headers": {"content-type": "text/plain"}, "body": "Internal Server Error"},
    "error": {"code": "status", "message": "The server answered with status 500."},
}
