"""Two vendors in a route, asked over HTTP, of which the first is down."""

from base64 import b64encode
from collections import Counter
from dataclasses import replace
from uuid import UUID

import httpx
import orjson
import pytest
from pydantic import SecretStr

from app.core.settings import Providers, Settings
from app.generation import advance
from app.generation.intake import Intake
from app.generation.schemas import TaskCreate
from app.providers.adapters.openai import OpenAI
from app.providers.adapters.runware import Runware
from app.providers.catalog import Catalog
from tests.generation.conftest import Stage
from tests.generation.scripted import png

ORDER = {"operation": "text_to_image", "input": {"prompt": "a red bicycle"}, "routing": {"prefer": "cost"}}
KEYS = {name: (SecretStr(f"{name}-key"),) for name in ("runware", "openai")}


class Internet:
    """Both vendors; what was asked of whom."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.is_down = True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked[request.url.host] += 1
        if request.url.host == "api.openai.com":
            return httpx.Response(200, json={"data": [{"b64_json": b64encode(png()).decode()}]})
        if self.is_down:
            return httpx.Response(503, html="<html>Service Unavailable</html>")
        [task] = orjson.loads(request.content)
        made = {"taskUUID": task["taskUUID"], "imageBase64Data": b64encode(png()).decode(), "cost": 0.004}
        return httpx.Response(200, json={"data": [made]})


@pytest.fixture
def internet() -> Internet:
    return Internet()


@pytest.fixture
def vendors(stage: Stage, settings: Settings, internet: Internet) -> Stage:
    """A stage with adapters instead of scripts."""
    given = settings.model_copy(update={"providers": Providers(keys=KEYS, breaker_seconds=30)})
    client = httpx.AsyncClient(transport=httpx.MockTransport(internet))
    catalog = Catalog(
        {"runware": Runware(given, client=client), "openai": OpenAI(given, client=client)}, ["runware", "openai"]
    )
    engine = replace(stage.engine, settings=given, catalog=catalog)
    return replace(stage, engine=engine, intake=Intake(given, stage.database, catalog, stage.engine.assets))


async def order(stage: Stage) -> UUID:
    return (await stage.intake.order(stage.caller, TaskCreate.model_validate(ORDER), None)).task_id


async def finish(stage: Stage, task_id: UUID) -> str:
    for _ in range(10):
        await stage.make_due(task_id)
        await advance.advance_task(stage.engine, task_id)
        if (task := await stage.row(task_id)).is_ended:
            break
    return f"{task.status} by {task.provider}"


async def test_tasks_succeed_by_the_second_and_spare_the_first(vendors: Stage, internet: Internet) -> None:
    task_ids = [await order(vendors) for _ in range(8)]
    assert [await finish(vendors, task_id) for task_id in task_ids] == ["succeeded by openai"] * 8
    assert internet.asked["api.openai.com"] == 8, "nothing was bought twice"
    assert internet.asked["api.runware.ai"] == 6, "three times for each of its models"
    assert await vendors.credits() == (2, 0, 8)


async def test_when_it_is_back_it_is_used_again(vendors: Stage, internet: Internet) -> None:
    assert await finish(vendors, await order(vendors)) == "succeeded by openai"
    internet.is_down = False
    await vendors.engine.gates.breakers.note("runware/flux-schnell", None)
    task_id = await order(vendors)
    assert await finish(vendors, task_id) == "succeeded by runware"
    assert (await vendors.row(task_id)).attempts[0].cost_microusd == 4000
