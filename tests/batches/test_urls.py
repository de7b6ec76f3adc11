"""Items that name their images by URL: brought in by the workers, once, and each failing for itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.db import Database
from app.generation import imports, transitions
from app.generation.files import Files
from tests.batches.ordering import books_are_right, ended, events, order, statuses
from tests.conftest import REACHABLE, Account
from tests.core.site import Site, answer, listening
from tests.generation.scripted import png

pytestmark = [pytest.mark.usefixtures("running_workers"), pytest.mark.xdist_group("workers")]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with listening(REACHABLE) as site:
        yield site


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PAUSE_SECONDS", 0.05)


def body(*urls: str, **fields: Any) -> dict[str, Any]:
    items = [{"filename": url.rpartition("/")[2][:50], "input": {"image": url}} for url in urls]
    return {"operation": "transform_image", "defaults": {"blur": 1}, "items": items, **fields}


def paths(site: Site) -> Counter[str]:
    return Counter(request.split(" ")[1] for request in site.requests)


async def test_good_and_bad_urls(account: Account, database: Database, site: Site) -> None:
    """Each bad one fails its task, with the error that tells why, and gives its hold back."""
    good = site.page("/good.png", answer(png(size=(60, 40))))
    site.page("/broken.png", answer(png()[:60]))
    site.page("/page.html", answer(b"<html>no picture</html>"))
    site.page("/gone.png", answer(b"", "404 Not Found"))
    site.page("/empty.png", answer(b""))
    site.page("/inside.png", answer(b"", "302 Found", location="http://169.254.169.254/secret"))
    bad = [site.url(f"/{name}") for name in ("broken.png", "page.html", "gone.png", "empty.png", "inside.png")]
    batch = await order(account.live, body(good, *bad, "http://127.0.0.1:9/x.png", "ftp://example.com/x.png"))
    assert statuses(batch) == ["pending"] * 7 + ["failed"]
    assert batch["summary"]["credits"]["held"] == 7

    done = await ended(account.live, batch["id"])
    assert [item["error"] and item["error"]["code"] for item in done["items"]] == [
        None,
        "invalid_image",
        "invalid_image",
        "url_unreachable",
        "invalid_image",
        "url_not_allowed",
        "url_not_allowed",
        "url_not_allowed",
    ]
    assert done["items"][3]["error"] == {
        "code": "url_unreachable",
        "message": "The server answered with status 404.",
        "retryable": True,
        "provider": None,
        "pointer": None,
    }
    assert done["items"][0]["outputs"][0]["width"] == 60
    assert paths(site) == {"/good.png": 1, "/broken.png": 1, "/page.html": 1, "/gone.png": 3, "/empty.png": 1} | {
        "/inside.png": 1
    }
    task = (await account.live.get(f"/v1/tasks/{done['items'][0]['task_id']}")).json()
    asset = (await account.live.get(f"/v1/assets/{task['input']['image']}")).json()
    assert (asset["source"], asset["width"]) == ("import", 60)
    assert [attempt["status"] for attempt in task["attempts"]] == ["succeeded"]
    credits_ = (await account.live.get("/v1/credits")).json()
    assert (credits_["balance"], credits_["held"], credits_["total_spent"]) == (9, 0, 1)
    await books_are_right(database)


async def test_what_the_picture_is_too_small_for_is_told(account: Account, site: Site) -> None:
    tiny = site.page("/tiny.png", answer(png(size=(8, 8))))
    batch = await order(account.live, {"operation": "remove_background", "items": [{"input": {"image": tiny}}]})
    done = await ended(account.live, batch["id"])
    assert done["items"][0]["error"]["code"] == "invalid_image"
    assert "8×8" in done["items"][0]["error"]["message"]


async def test_one_url_for_many_items_is_fetched_once(account: Account, database: Database, site: Site) -> None:
    url = site.page("/one.png", answer(png(size=(60, 40))))
    items = [{"input": {"width": 10 + number}} for number in range(8)]
    batch = await order(account.live, {"operation": "transform_image", "defaults": {"image": url}, "items": items})
    done = await ended(account.live, batch["id"])
    assert [item["outputs"][0]["width"] for item in done["items"]] == [10 + number for number in range(8)]
    assert paths(site) == {"/one.png": 1}
    imported = (await account.live.get("/v1/assets", params={"source": "import"})).json()["data"]
    assert len(imported) == 1
    await books_are_right(database)


async def test_one_dead_url_for_many_items_is_not_tried_for_each(account: Account, site: Site) -> None:
    url = site.page("/dead.png", answer(b"", "503 Service Unavailable"))
    batch = await order(account.live, body(*[url] * 9))
    done = await ended(account.live, batch["id"])
    assert statuses(done) == ["failed"] * 9
    assert paths(site) == {"/dead.png": 3}
    site.page("/dead.png", answer(png()))
    again = await account.live.post(f"/v1/tasks/{done['items'][4]['task_id']}/retry")
    assert again.status_code == 202
    assert (await ended(account.live, batch["id"]))["items"][4]["status"] == "succeeded"
    assert paths(site) == {"/dead.png": 4}


async def test_a_worker_that_stops_after_the_import_does_not_import_again(
    account: Account, database: Database, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the import and the note in the task: the lease runs out, and what was fetched is found."""
    url = site.page("/good.png", answer(png()))
    take_in, stops = transitions.take_in, [True]

    async def stop(*args: Any) -> bool:
        if stops:
            stops.clear()
            raise RuntimeError("killed")
        return await take_in(*args)

    monkeypatch.setattr(transitions, "take_in", stop)
    batch = await order(account.live, body(url))
    done = await ended(account.live, batch["id"])
    assert statuses(done) == ["succeeded"]
    assert not stops
    assert paths(site) == {"/good.png": 1}
    await books_are_right(database)


async def test_slow_servers_do_not_keep_others_waiting(account: Account, neighbour: Account, site: Site) -> None:
    """Fetching waits for its server on the lane of providers; the work of this machine's processors goes on."""
    release = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(answer(png()))

    site.pages["/slow.png"] = slow
    for number in range(9):
        site.pages[f"/slow.png?{number}"] = slow
    batch = await order(account.live, body(*(site.url(f"/slow.png?{number}") for number in range(9))))
    task = await neighbour.live.post(
        "/v1/tasks", json={"operation": "transform_image", "input": {"image": await neighbour.upload(), "blur": 1}}
    )
    assert (await neighbour.finished(task.json()["id"], 5))["status"] == "succeeded"
    release.set()
    assert statuses(await ended(account.live, batch["id"])) == ["succeeded"] * 9


async def test_what_is_imported_waits_for_its_turn_like_others(
    account: Account, database: Database, site: Site
) -> None:
    """Each lane has the slots of the plan: hundreds of imports do not become hundreds of running tasks in house."""
    first = await order(
        account.live, {"operation": "transform_image", "items": [{"input": {"image": await account.upload()}}]}
    )
    await ended(account.live, first["id"])
    await database.fetch(
        "update task_queues set slots = 1 where workspace_id = $1 and lane = 'local'", account.workspace_id
    )
    batch = await order(
        account.live, body(*(site.page(f"/{n}.png", answer(png("blue", (60 + n, 40)))) for n in range(6)))
    )
    most = 0
    while (await account.live.get(f"/v1/batches/{batch['id']}")).json()["status"] != "completed":
        row = await database.fetchrow(
            "select running from task_queues where workspace_id = $1 and lane = 'local'", account.workspace_id
        )
        most = max(most, row["running"] if row else 0)
    done = await ended(account.live, batch["id"])
    assert [item["outputs"][0]["width"] for item in done["items"]] == [60 + n for n in range(6)]
    assert most <= 1
    story = await events(account.live, batch["id"])
    assert Counter(event["event"] for event in story)["task.started"] == 6
    await books_are_right(database)


async def test_an_import_under_way_is_stopped_by_a_cancel(
    account: Account, database: Database, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[dict[str, Any]] = []
    plan = Files.plan

    async def seen(self: Files, task: Any, step: Any) -> Any:
        planned.append(task.input)
        return await plan(self, task, step)

    monkeypatch.setattr(Files, "plan", seen)

    async def slow(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    site.pages["/slow.png"] = slow
    batch = await order(account.live, body(site.url("/slow.png")))
    while not site.requests:
        await asyncio.sleep(0.02)
    canceled = (await account.live.post(f"/v1/batches/{batch['id']}/cancel")).json()
    assert statuses(canceled) == ["canceled"]
    await asyncio.sleep(1.5)
    assert [values for values in planned if values["image"] == site.url("/slow.png")] == []
    assert (await account.live.get("/v1/credits")).json()["held"] == 0
    await books_are_right(database)
