"""A background by whoever makes pictures from words; the cut-out and the composite are made here."""

import io
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import orjson
import pytest
from PIL import Image
from pydantic import SecretStr

from app.core.settings import Providers, Settings
from app.generation import advance, service
from app.generation.intake import Intake
from app.generation.schemas import TaskCreate
from app.providers.adapters.local import Local
from app.providers.adapters.openai import OpenAI
from app.providers.adapters.runware import Runware
from app.providers.catalog import Catalog
from tests.generation.conftest import Stage
from tests.generation.scripted import png

KEYS = {name: (SecretStr(f"{name}-key"),) for name in ("runware", "openai")}


class Internet:
    """Both vendors; what they were asked for."""

    def __init__(self) -> None:
        self.prompts: list[tuple[str, str]] = []
        self.is_down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = orjson.loads(request.content)
        if request.url.host == "api.openai.com":
            self.prompts.append(("openai", body["prompt"]))
            made = b64encode(png("blue", (1536, 1024))).decode()
            return httpx.Response(200, json={"data": [{"b64_json": made}] * body.get("n", 1)})
        self.prompts.append(("runware", body[0]["positivePrompt"]))
        if self.is_down:
            return httpx.Response(503)
        pictures = [
            {
                "taskUUID": body[0]["taskUUID"],
                "imageBase64Data": b64encode(png("green", (768, 512))).decode(),
                "cost": 0.004,
            }
            for _ in range(body[0].get("numberResults", 1))
        ]
        return httpx.Response(200, json={"data": pictures})


@pytest.fixture
def internet() -> Internet:
    return Internet()


@pytest.fixture
async def studio(stage: Stage, settings: Settings, internet: Internet) -> AsyncIterator[Stage]:
    given = settings.model_copy(update={"providers": Providers(keys=KEYS)})
    client = httpx.AsyncClient(transport=httpx.MockTransport(internet))
    vendors = {"runware": Runware(given, client=client), "openai": OpenAI(given, client=client), "local": Local(given)}
    catalog = Catalog(vendors, ["runware", "openai"])
    engine = replace(stage.engine, settings=given, catalog=catalog)
    yield replace(stage, engine=engine, intake=Intake(given, stage.database, catalog, stage.engine.assets))
    await vendors["local"].close()


async def order(stage: Stage, **fields: object) -> UUID:
    image = await stage.account.upload()
    wanted = {"image": image, "preset": "wood", "num_images": 2, **fields}
    given = {"operation": "replace_background", "input": wanted, "routing": {"prefer": "cost"}}
    return (await stage.intake.order(stage.caller, TaskCreate.model_validate(given), None)).task_id


async def lanes(stage: Stage, task_id: UUID) -> list[str]:
    """The lanes it goes through until its end."""
    seen: list[str] = []
    for _ in range(20):
        row = await stage.row(task_id)
        if not seen or seen[-1] != row.lane:
            seen.append(row.lane)
        if row.is_ended:
            break
        await stage.make_due(task_id)
        await advance.advance_task(stage.engine, task_id)
    return seen


async def test_the_steps_are_done_by_those_who_can(studio: Stage, internet: Internet) -> None:
    task_id = await order(studio, width=640, height=480)
    assert await lanes(studio, task_id) == ["local", "remote", "local"]
    task = await studio.read(task_id)
    assert (task.status, task.provider) == ("succeeded", "runware"), task.error
    assert [(one.name, one.status) for one in task.steps] == [
        ("remove_background", "succeeded"),
        ("background", "succeeded"),
        ("composite", "succeeded"),
    ]
    assert [one.provider for one in task.attempts] == ["local", "runware", "local", "local"]
    assert [(one.width, one.height) for one in task.outputs] == [(640, 480), (640, 480)]
    [(vendor, prompt)] = internet.prompts
    assert vendor == "runware"
    assert "wood" in prompt
    assert "no product" in prompt
    row = await studio.row(task_id)
    assert sum(one.cost_microusd or 0 for one in row.attempts) == 8000
    assert await studio.credits() == (8, 0, 2)


async def test_the_subject_stands_on_what_the_vendor_made(studio: Stage) -> None:
    task_id = await order(studio, num_images=1, shadow=False)
    await lanes(studio, task_id)
    [output] = (await studio.row(task_id)).output_ids
    found = await studio.engine.files._outputs.find_inputs(
        [output], workspace_id=studio.caller.workspace_id, mode=studio.caller.mode
    )
    picture = Image.open(io.BytesIO(await studio.engine.files._outputs.read(found[output]))).convert("RGB")
    red, green, blue = picture.getpixel((2, 2))  # type: ignore[misc]
    assert green > 2 * max(red, blue)


async def test_the_mask_is_kept_when_another_makes_the_background(studio: Stage, internet: Internet) -> None:
    internet.is_down = True
    task_id = await order(studio, num_images=1)
    await lanes(studio, task_id)
    task = await studio.read(task_id)
    assert (task.status, task.provider) == ("succeeded", "openai")
    assert [one.provider for one in task.attempts if one.status == "succeeded"] == ["local", "openai", "local"]
    assert sum(one.step == "remove_background" for one in task.attempts) == 1
    assert {vendor for vendor, _ in internet.prompts} == {"runware", "openai"}


async def test_a_canceled_set_is_ordered_again_from_where_it_was(studio: Stage) -> None:
    task_id = await order(studio, num_images=1)
    await studio.make_due(task_id)
    await advance.advance_task(studio.engine, task_id)
    assert (await studio.row(task_id)).lane == "remote"
    async with studio.database.transaction() as session:
        await service.cancel_task(session, studio.caller, task_id)
    async with studio.database.transaction() as session:
        await service.retry_task(session, studio.engine.settings, studio.caller, task_id)
    assert await lanes(studio, task_id) == ["remote", "local"]
    assert (await studio.read(task_id)).status == "succeeded"
