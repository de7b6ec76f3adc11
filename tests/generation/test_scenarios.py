"""docs/test-mode.md is true: each scenario of its table comes to what it says, through the API and a real worker."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.core.db import Database
from app.core.settings import Settings, get_settings
from app.generation import failures
from app.ledger.verify import verify
from app.providers.adapters.sandbox.scenarios import SCENARIOS
from tests.conftest import Account
from tests.generation.scripted import png
from workers import settings as workers

pytestmark = pytest.mark.xdist_group("workers")

PAGE = (Path(__file__).parents[2] / "docs" / "test-mode.md").read_text()
DEADLINE_SECONDS = 14
"""Instead of 300, which two scenarios wait for."""


@pytest.fixture(scope="module", autouse=True)
async def _quick_worker(settings: Settings) -> AsyncIterator[None]:
    """A worker with a short deadline, that asks sooner what became of lost answers, and can be called back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKLOT_TASKS_IMAGE_DEADLINE_SECONDS", str(DEADLINE_SECONDS))
        patch.setenv("BACKLOT_PROVIDERS_CALLBACK_URL", settings.api.public_url)
        patch.setattr(failures, "SHORTEST_POLL_SECONDS", 1.5)
        get_settings.cache_clear()
        running = workers.make("generation", handle_signals=False)
        working = asyncio.create_task(running.async_run())
        yield
        await running.close()
        await asyncio.gather(working, return_exceptions=True)
    get_settings.cache_clear()


@dataclass(frozen=True)
class Told:
    """A line of the table."""

    scenario: str
    status: str
    code: str
    charged: int
    attempts: list[str]


def table() -> list[Told]:
    lines = re.findall(r"^\| (.*) \|$", PAGE.split("## The scenarios")[1], re.MULTILINE)[2:]
    found = []
    for line in lines:
        name, status, code, charged, _, attempts, _ = (cell.strip(" `()") for cell in line.split("|"))
        found.append(Told(name, status, code, int(charged), attempts.split(", ")))
    return found


async def order(account: Account, **fields: Any) -> dict[str, Any]:
    body = {"operation": "text_to_image", "input": {"prompt": "a cat", "num_images": 2}} | fields
    answer = await account.test.post("/v1/tasks", json=body)
    assert answer.status_code == 202, answer.text
    task: dict[str, Any] = answer.json()
    return task


async def ended(account: Account, task: dict[str, Any], seconds: int = 45) -> dict[str, Any]:
    answer = await account.test.get(f"/v1/tasks/{task['id']}", params={"wait": seconds}, timeout=seconds + 5)
    found: dict[str, Any] = answer.json()
    return found


def test_the_table_has_every_scenario() -> None:
    told = [line.scenario for line in table()]
    assert sorted(told) == sorted([*SCENARIOS, "none", "slow-<seconds>"])


async def test_each_scenario_comes_to_what_is_told(account: Account, database: Database) -> None:
    async def played(told: Told) -> tuple[Told, dict[str, Any]]:
        word = told.scenario.replace("<seconds>", "2")
        model = "auto" if word == "none" else f"sandbox:{word}"
        task = await order(account, model=model)
        assert task["credits"] == {"quoted": 2, "held": 2, "charged": 0}
        return told, await ended(account, task)

    results = await asyncio.gather(*(played(line) for line in table()))
    seen = []
    for told, task in results:
        error = task["error"] or {"code": ""}
        attempts = [attempt["status"] for attempt in task["attempts"]]
        seen.append(Told(told.scenario, task["status"], error["code"], task["credits"]["charged"], attempts))
        named = "sandbox" if told.scenario == "none" else f"sandbox:{told.scenario.replace('<seconds>', '2')}"
        assert {attempt["model"] for attempt in task["attempts"]} == {named}
        assert len(task["outputs"]) == told.charged
        assert task["credits"]["held"] == 0
    assert seen == [told for told, _ in results]

    spent = sum(told.charged for told, _ in results)
    credits_ = (await account.test.get("/v1/credits")).json()
    assert credits_ == {"balance": 1000 - spent, "held": 0, "total_earned": 1000, "total_spent": spent, "low_mark": 2}
    async with database.transaction() as session:
        assert await verify(session) == []
    called = {
        row["model"]: row["times"]
        for row in await database.fetch(
            "select a.model, sum(c.deliveries) as times from inbound_callbacks c"
            " join task_attempts a on a.id = c.attempt_id join tasks t on t.id = a.task_id"
            " where t.workspace_id = $1 group by 1",
            account.workspace_id,
        )
    }
    assert called == {"sandbox:callback": 1, "sandbox:duplicate-callback": 3, "sandbox:lying-callback": 2}


async def test_any_operation_plays_what_its_prompt_or_model_names(account: Account) -> None:
    image = (await account.test.post("/v1/assets", files={"file": ("a.png", png())})).json()["id"]
    tasks = [
        await order(account, input={"prompt": "a cat, sandbox:reject"}),
        await order(account, operation="replace_background", input={"image": image, "prompt": "sandbox:fail-once"}),
        await order(account, operation="transform_image", model="sandbox:invalid-image", input={"image": image}),
        await order(account, operation="upscale", model="sandbox:quota", input={"image": image}),
    ]
    results = await asyncio.gather(*(ended(account, task) for task in tasks))

    assert [(task["status"], (task["error"] or {}).get("code")) for task in results] == [
        ("failed", "content_rejected"),
        ("succeeded", None),
        ("failed", "invalid_image"),
        ("failed", "provider_quota"),
    ]
    assert [attempt["status"] for attempt in results[1]["attempts"]] == ["failed", "succeeded"] * 3


async def test_an_unknown_scenario_is_refused_before_anything_is_held(account: Account) -> None:
    for body, pointer in (
        ({"model": "sandbox:nope", "input": {"prompt": "a"}}, "/model"),
        ({"input": {"prompt": "a sandbox:nope"}}, "/input/prompt"),
    ):
        for path in ("/v1/tasks", "/v1/tasks/quote"):
            answer = await account.test.post(path, json={"operation": "text_to_image", **body})
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (422, "unknown_model")
            assert problem["errors"][0]["pointer"] == pointer
            assert all(word in problem["detail"] for word in SCENARIOS)
    assert (await account.test.get("/v1/credits")).json()["held"] == 0


async def test_live_keys_are_told_what_there_is_instead(account: Account) -> None:
    body = {"operation": "text_to_image", "input": {"prompt": "a cat, sandbox:slow"}}
    problem = (await account.live.post("/v1/tasks", json=body)).json()
    assert (problem["status"], problem["code"]) == (422, "unknown_model")
    assert problem["detail"] == (
        "No provider enabled here does text_to_image; there are remove_background, replace_background, "
        "transform_image, upscale."
    )
    listed = (await account.live.get("/v1/operations")).json()["data"]
    assert "text_to_image" not in {operation["name"] for operation in listed}


async def test_the_examples_work_as_pasted(account: Account, settings: Settings) -> None:
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "curl" in block]
    assert len(blocks) == 3
    outputs = []
    for block in blocks:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", block),
            env={"URL": settings.api.public_url, "KEY": account.test_key, "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE,
        )
        outputs.append((await process.communicate())[0].decode())
        assert process.returncode == 0
    assert all('"object":"task"' in output for output in outputs)
    assert '"status":"succeeded"' in outputs[2]
