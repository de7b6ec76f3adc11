"""The types of events there are."""

from typing import Any

from app.generation import examples as tasks

examples: dict[str, Any] = {
    **dict.fromkeys(
        ("task.created", "task.started", "task.progress", "task.succeeded", "task.failed", "task.canceled"), tasks.TASK
    ),
    "batch.completed": {"id": "batch_01jcqzm4x8e3v9tk5h2w7d6n0p"},
    "asset.created": {"id": "asset_01jcqzm4x8e3v9tk5h2w7d6n0p"},
    "asset.deleted": {"id": "asset_01jcqzm4x8e3v9tk5h2w7d6n0p"},
    "credits.granted": {},
    "credits.low": {},
    "credits.exhausted": {},
    "api_key.created": {},
    "api_key.rotated": {},
    "api_key.updated": {},
    "api_key.revoked": {},
    "webhook_endpoint.disabled": {},
}
