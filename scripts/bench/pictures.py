"""Work on our own processors: what a picture costs, and what a worker weighs."""

import asyncio
import statistics
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from scripts.bench.report import Report
from scripts.bench.stand import Stand, cpu, memory

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "coffee.jpg"


async def measure(stand: Stand, report: Report) -> None:
    report.head("Pictures made in house, 600×400, one at a time")
    await stand.open_accounts(1, mode="live")
    key = stand.customers[0].secret
    async with stand.api(BACKLOT_LEDGER_SIGNUP_CREDITS="1000") as (port, _):
        with stand.worker() as worker:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, timeout=90
            ) as api:
                await asyncio.sleep(5)
                report.at_most("memory of a worker that has done no image work", memory(worker), "MiB", 150)
                answer = await api.post("/v1/assets", files={"file": ("coffee.jpg", PHOTO.read_bytes())})
                image = answer.json()["id"]
                await _ordered(api, "replace_background", image=image, preset="marble")
                used, spans = [], []
                for seed in range(3):
                    before = cpu(worker)
                    task = await _ordered(api, "replace_background", image=image, preset="marble", seed=seed)
                    used.append(cpu(worker) - before)
                    moments = [datetime.fromisoformat(task[name]) for name in ("started_at", "completed_at")]
                    spans.append((moments[1] - moments[0]).total_seconds())
                report.at_most("replace_background, CPU of one core", statistics.median(used), "s", 3)
                report.at_most("replace_background, start to end", statistics.median(spans), "s")
                await _ordered(api, "upscale", image=image, scale=2)
                report.at_most("memory of a worker with its models loaded", memory(worker), "MiB", 900)


async def _ordered(api: httpx.AsyncClient, operation: str, **values: Any) -> dict[str, Any]:
    """Order, wait, and give the ended task."""
    answer = await api.post("/v1/tasks", json={"operation": operation, "input": values})
    answer.raise_for_status()
    task: dict[str, Any] = (await api.get(f"/v1/tasks/{answer.json()['id']}", params={"wait": 60})).json()
    assert task["status"] == "succeeded", task
    return task
