"""What goes over the wire, as the OpenAPI document shows it."""

import json
from typing import Any

from app.assets.schemas import ASSET_EXAMPLE

ORDER: dict[str, Any] = {
    "operation": "replace_background",
    "input": {
        "image": "asset_01jcqzm4x8e3v9tk5h2w7d6n0p",
        "preset": "studio-white",
        "prompt": "on a marble table, soft morning light",
        "num_images": 2,
    },
    "metadata": {"sku": "A-17"},
}

_STEPS = ("remove_background", "background", "composite")

PENDING_TASK: dict[str, Any] = {
    "id": "task_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "task",
    "operation": "replace_background",
    "status": "pending",
    "progress": 0.0,
    "input": ORDER["input"] | {"shadow": True, "seed": 481516234, "output_format": "png", "output_quality": 95},
    "model": "auto",
    "provider": None,
    "routing": {"prefer": "quality", "fallback": True},
    "steps": [{"name": name, "status": "pending", "asset_id": None, "asset_ids": []} for name in _STEPS],
    "credits": {"quoted": 2, "held": 2, "charged": 0},
    "balance": 97,
    "estimated_seconds": 6,
    "queue_position": 1,
    "estimated_start_at": "2026-11-21T09:00:00.104202Z",
    "attempts": [],
    "outputs": [],
    "error": None,
    "batch_id": None,
    "batch_index": None,
    "webhook_url": None,
    "created_at": "2026-11-21T09:00:00.104202Z",
    "started_at": None,
    "completed_at": None,
    "metadata": {"sku": "A-17"},
}

_MADE = ("asset_01jcqzn5t8f0d9x3q6v1rk7w2b", "asset_01jcqzn5t9e7kaz4m8hs0c6yfd")

TASK: dict[str, Any] = PENDING_TASK | {
    "status": "succeeded",
    "progress": 1.0,
    "provider": "local",
    "steps": [{"name": name, "status": "succeeded", "asset_id": _MADE[0], "asset_ids": list(_MADE)} for name in _STEPS],
    "credits": {"quoted": 2, "held": 0, "charged": 2},
    "queue_position": None,
    "estimated_start_at": None,
    "attempts": [
        {"step": name, "provider": "local", "model": "studio", "status": "succeeded", "error": None, "duration": 0.8}
        for name in _STEPS
    ],
    "outputs": [
        ASSET_EXAMPLE
        | {
            "id": asset_id,
            "source": "task",
            "content_type": "image/png",
            "task_id": PENDING_TASK["id"],
            "metadata": {},
            "filename": f"replace_background-{number}.png",
        }
        for number, asset_id in enumerate(_MADE, 1)
    ],
    "started_at": "2026-11-21T09:00:00.131870Z",
    "completed_at": "2026-11-21T09:00:02.902113Z",
}

EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Give the last one as `Last-Event-ID` to go on after it."},
        "event": {
            "type": "string",
            "enum": [f"task.{what}" for what in ("created", "started", "progress", "succeeded", "failed", "canceled")],
        },
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "The task as `GET /v1/tasks/{id}` gives it, as it was then; the results come with its end.",
        },
    },
}

EVENT: dict[str, Any] = {
    "id": "evt_01jcqzn5tbf7w8ad3e0k6m2r9h",
    "event": "task.succeeded",
    "data": json.dumps(TASK, separators=(",", ":")),
}

QUOTE: dict[str, Any] = {"credits": {"quoted": 2}, "model": "studio", "provider": "local", "estimated_seconds": 6}

OPERATION: dict[str, Any] = {
    "name": "upscale",
    "object": "operation",
    "description": "Enlarge a picture and work out its detail.",
    "input_schema": {
        "type": "object",
        "required": ["image"],
        "additionalProperties": False,
        "properties": {
            "image": {"type": "string", "description": "An asset id, or an `https` URL, which is imported first."},
            "scale": {"type": "integer", "enum": [2, 4], "default": 2},
        },
    },
    "price": 1,
    "models": [
        {"provider": "local", "model": "realesrgan", "title": "Real-ESRGAN", "price": 1, "steps": ["upscale"]},
    ],
}

MODEL: dict[str, Any] = {
    "id": "acme-large",
    "object": "model",
    "title": "Acme Large",
    "owned_by": "acme",
    "aliases": [],
    "offers": [
        {
            "operation": "text_to_image",
            "provider": "acme",
            "price": 1,
            "parameters": ["guidance_scale", "scheduler", "seed", "steps"],
            "values": {"steps": {"least": 1, "most": 100, "multiple": 1}},
            "sizes": None,
            "ratios": None,
            "estimated_seconds": 8,
            "quality": 4,
        }
    ],
}

PRESET: dict[str, Any] = {
    "id": "studio-white",
    "object": "preset",
    "name": "White studio",
    "category": "studio",
    "description": "A seamless white sweep with soft light from the left.",
    "prompt": "seamless white studio backdrop, soft even light",
    "negative_prompt": "text, watermark, logo, clutter",
}
