"""Whatever may be sent to the API, it answers as its OpenAPI document says.

A longer look: BACKLOT_SCHEMATHESIS_EXAMPLES=500 .venv/bin/pytest tests/test_schemathesis.py --timeout 3600
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from app.core.settings import Settings
from tests.conftest import Account

EXAMPLES = os.environ.get("BACKLOT_SCHEMATHESIS_EXAMPLES", "5")
ROOT = Path(__file__).parents[1]


async def known_ids(account: Account) -> dict[str, str]:
    """One of each thing, so that some requests are about something that is there."""
    asset_id = await account.upload()
    order = {"operation": "transform_image", "input": {"image": asset_id, "width": 8}}
    task_id = (await account.live.post("/v1/tasks", json=order)).json()["id"]
    ended = await account.live.post(f"/v1/tasks/{task_id}/cancel")
    assert ended.json()["status"] == "canceled"
    items = [{"input": {"image": asset_id, "width": 8}}]
    batch = await account.live.post("/v1/batches", json={"operation": "transform_image", "items": items})
    batch_id = batch.json()["id"]
    assert (await account.live.post(f"/v1/batches/{batch_id}/cancel")).json()["status"] == "canceled"
    key_id = (await account.live.get("/v1/api-keys")).json()["data"][0]["id"]
    hook = await account.live.post("/v1/webhook-endpoints", json={"url": "https://nobody.invalid/hook"})
    delivery = await account.live.post(f"/v1/webhook-endpoints/{hook.json()['id']}/test")
    webhooks = {"endpoint_id": hook.json()["id"], "delivery_id": delivery.json()["id"]}
    return {"asset_id": asset_id, "task_id": task_id, "batch_id": batch_id, "key_id": key_id} | webhooks


@pytest.mark.timeout(3600)
async def test_every_answer_is_a_documented_one(account: Account, settings: Settings, tmp_path: Path) -> None:
    url, ids = settings.api.public_url, await known_ids(account)
    environment = os.environ | {
        "BACKLOT_KEY": account.key,
        "BACKLOT_KNOWN_IDS": json.dumps(ids),
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
    }
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", ROOT / "tests" / "schemathesis.toml", "run", f"{url}/openapi.json", "--url", url),
        *("--max-examples", EXAMPLES, "--seed", "1", "--request-timeout", "20"),
        cwd=tmp_path,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    task = (await account.live.get(f"/v1/tasks/{ids['task_id']}")).json()
    assert task["status"] == "canceled", "the run has begun it again, so requests may have waited for its end"
    assert process.returncode == 0, output.decode()
