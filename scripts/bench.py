"""`make bench`: what the product promises, measured on the whole stack, each figure beside its limit.

Machines are noisy: run it when little else runs, and read figures of one run together.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

BACKLOT = Path(sys.executable).with_name("backlot")
PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "coffee.jpg"
MEBIBYTE = 1024 * 1024
rows: list[tuple[str, str, str, bool]] = []


def report(what: str, value: float, unit: str, limit: float | None) -> None:
    """One line: the figure, what it must stay under, and whether it does."""
    fits = limit is None or value <= limit
    rows.append((what, f"{value:.1f} {unit}", f"{limit:g} {unit}" if limit is not None else "", fits))
    print(f"{what:58} {rows[-1][1]:>12}   {'limit ' + rows[-1][2] if limit else '':16} {'' if fits else 'TOO HIGH'}")


@contextmanager
def running() -> Iterator[tuple[dict[str, Any], psutil.Process]]:
    """The embedded stack in a folder of its own: its ready line and its supervisor."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")}
        process = subprocess.Popen(
            [BACKLOT, "dev", "--json", "--data", folder, "--port", "0"],
            env={**environment, "BACKLOT_LOG_LEVEL": "warning"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline()), psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def seconds_between(task: dict[str, Any], earlier: str, later: str) -> float:
    return (datetime.fromisoformat(task[later]) - datetime.fromisoformat(task[earlier])).total_seconds()


def ordered(api: httpx.Client, operation: str, **values: Any) -> dict[str, Any]:
    """Order, wait, and give the ended task."""
    answer = api.post("/v1/tasks", json={"operation": operation, "input": values})
    answer.raise_for_status()
    task: dict[str, Any] = api.get(f"/v1/tasks/{answer.json()['id']}", params={"wait": 60}).json()
    assert task["status"] == "succeeded", task
    return task


def milliseconds(work: Callable[[], Any], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def memory(process: psutil.Process) -> float:
    """MiB of a process and its children, shared pages counted once (PSS)."""
    return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True))) / MEBIBYTE


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU a process and its living children have used."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def waiting(ready: dict[str, Any]) -> None:
    with httpx.Client(base_url=ready["url"], headers={"X-API-Key": ready["test_api_key"]}, timeout=90) as api:
        image = api.post("/v1/assets", files={"file": ("coffee.jpg", PHOTO.read_bytes())}).json()["id"]
        tasks = []
        for _ in range(60):
            tasks.append(ordered(api, "upscale", image=image))
            time.sleep(0.02)
        starts = [1000 * seconds_between(task, "created_at", "started_at") for task in tasks]
        report("submit to worker start, idle, p50", statistics.median(starts), "ms", 50)
        report("submit to worker start, idle, p95", statistics.quantiles(starts, n=20)[-1], "ms", None)
        done = [1000 * seconds_between(task, "created_at", "completed_at") for task in tasks]
        report("submit to end of a sandbox task, p50", statistics.median(done), "ms", None)
        body = {"operation": "upscale", "input": {"image": image}}
        submits = milliseconds(lambda: api.post("/v1/tasks", json=body).raise_for_status(), 50)
        report("submit, one caller, p50", statistics.median(submits), "ms", None)
        path = f"/v1/tasks/{tasks[0]['id']}"
        report("status GET, one caller, p50", statistics.median(milliseconds(lambda: api.get(path), 100)), "ms", None)


def pictures(ready: dict[str, Any], worker: psutil.Process) -> None:
    with httpx.Client(base_url=ready["url"], headers={"X-API-Key": ready["api_key"]}, timeout=90) as api:
        report("memory of a worker that has done no image work", memory(worker), "MiB", 150)
        image = api.post("/v1/assets", files={"file": ("coffee.jpg", PHOTO.read_bytes())}).json()["id"]
        ordered(api, "replace_background", image=image, preset="marble")
        used, spans = [], []
        for seed in range(3):
            before = cpu(worker)
            task = ordered(api, "replace_background", image=image, preset="marble", seed=seed)
            used.append(cpu(worker) - before)
            spans.append(seconds_between(task, "started_at", "completed_at"))
        report("replace_background of 600×400, CPU of one core", statistics.median(used), "s", 3)
        report("replace_background of 600×400, start to end", statistics.median(spans), "s", None)
        ordered(api, "upscale", image=image, scale=2)
        report("memory of a worker with its models loaded", memory(worker), "MiB", 900)


def main() -> int:
    with running() as (ready, _):
        waiting(ready)
        workers = [psutil.Process(pid) for pid in ready["pids"]["worker"]]
        worker = next(one for one in workers if "generation" in one.cmdline())
        pictures(ready, worker)
    return int(any(not fits for *_, fits in rows))


if __name__ == "__main__":
    sys.exit(main())
