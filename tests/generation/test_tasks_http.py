"""Tasks over HTTP, with real workers and real pictures."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from app.core.settings import Settings
from tests.conftest import Account, client
from tests.generation.scripted import png

pytestmark = [pytest.mark.usefixtures("running_workers"), pytest.mark.xdist_group("workers")]

TASK_FIELDS = {
    "id",
    "object",
    "operation",
    "status",
    "progress",
    "input",
    "model",
    "provider",
    "routing",
    "steps",
    "credits",
    "balance",
    "estimated_seconds",
    "queue_position",
    "estimated_start_at",
    "attempts",
    "outputs",
    "error",
    "batch_id",
    "batch_index",
    "webhook_url",
    "created_at",
    "started_at",
    "completed_at",
    "metadata",
}


async def order(account: Account, operation: str, **fields: Any) -> dict[str, Any]:
    body = {"operation": operation, "input": fields.pop("input"), **fields}
    answer = await account.live.post("/v1/tasks", json=body)
    assert answer.status_code == 202, answer.text
    task: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/tasks/{task['id']}"
    return task


async def events(caller: httpx.AsyncClient, task_id: str, **headers: str) -> list[dict[str, Any]]:
    """The events of a task's stream, to its end."""
    found: list[dict[str, Any]] = []
    async with caller.stream("GET", f"/v1/tasks/{task_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        current: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event"):
                current[name] = value
            elif name == "data":
                current["data"] = json.loads(value)
            elif not line and "event" in current:
                found.append(current)
                current = {}
    return found


async def test_replace_background_from_upload_to_download(account: Account) -> None:
    image = await account.upload()
    body = {
        "operation": "replace_background",
        "input": {"image": image, "preset": "studio-white", "prompt": "on a marble table", "num_images": 2},
        "metadata": {"sku": "A-17"},
    }
    quote = (await account.live.post("/v1/tasks/quote", json=body)).json()
    assert quote["credits"] == {"quoted": 2}
    assert set(quote) == {"credits", "model", "provider", "estimated_seconds"}
    task = await order(account, **body)
    assert set(task) == TASK_FIELDS
    assert (task["object"], task["status"], task["progress"]) == ("task", "pending", 0.0)
    assert task["credits"] == {"quoted": 2, "held": 2, "charged": 0}
    assert (task["balance"], task["outputs"], task["attempts"], task["error"]) == (8, [], [], None)
    assert [step["name"] for step in task["steps"]] == ["remove_background", "background", "composite"]
    assert all(step["status"] == "pending" and step["asset_id"] is None for step in task["steps"])

    ended = await account.finished(task["id"])
    assert (ended["status"], ended["progress"], ended["provider"]) == ("succeeded", 1.0, "local")
    assert ended["credits"] == {"quoted": 2, "held": 0, "charged": 2}
    assert [step["status"] for step in ended["steps"]] == ["succeeded"] * 3
    assert len(ended["outputs"]) == 2
    for output in ended["outputs"]:
        assert (output["object"], output["source"], output["task_id"]) == ("asset", "task", task["id"])
        assert (output["width"], output["height"]) == (600, 400)
        async with httpx.AsyncClient() as anybody:
            for link in output["urls"].values():
                picture = await anybody.get(link)
                assert picture.status_code == 200
                assert picture.headers["content-type"].startswith("image/")
    for step in ended["steps"]:
        assert (await account.live.get(f"/v1/assets/{step['asset_id']}")).status_code == 200
    assert ended["outputs"][0]["sha256"] != ended["outputs"][1]["sha256"]
    assert (await account.live.get("/v1/credits")).json() == {
        "balance": 8,
        "held": 0,
        "total_earned": 10,
        "total_spent": 2,
        "low_mark": 2,
    }
    moved = (await account.live.get("/v1/credits/transactions")).json()["data"]
    assert [(row["kind"], row["amount"], row["task_id"]) for row in moved] == [
        ("capture", -2, task["id"]),
        ("grant", 10, None),
    ]
    gallery = (await account.live.get("/v1/assets", params={"source": "task"})).json()["data"]
    assert {asset["id"] for asset in gallery} == {output["id"] for output in ended["outputs"]}


async def test_the_same_seed_gives_the_same_picture(account: Account) -> None:
    image = await account.upload()
    made = []
    for seed in (7, 7, 8):
        task = await order(account, "replace_background", input={"image": image, "preset": "marble", "seed": seed})
        made.append((await account.finished(task["id"]))["outputs"][0]["sha256"])
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("operation", "values", "size"),
    [
        ("remove_background", {}, (600, 400)),
        ("remove_background", {"only_mask": True}, (600, 400)),
        ("upscale", {"scale": 2}, (1200, 800)),
        ("transform_image", {"width": 300, "grayscale": True, "output_format": "webp"}, (300, 200)),
        ("transform_image", {"crop": {"left": 10, "top": 10, "width": 100, "height": 50}, "rotate": 90}, (50, 100)),
    ],
)
async def test_each_operation_does_its_work(
    account: Account, operation: str, values: dict[str, Any], size: tuple[int, int]
) -> None:
    task = await order(account, operation, input={"image": await account.upload(), **values})
    ended = await account.finished(task["id"])
    assert ended["status"] == "succeeded", ended
    assert (ended["outputs"][0]["width"], ended["outputs"][0]["height"]) == size


async def test_test_keys_play_in_the_sandbox_with_test_credits(account: Account) -> None:
    upload = await account.test.post("/v1/assets", files={"file": ("a.png", png())})
    body = {"operation": "replace_background", "input": {"image": upload.json()["id"], "preset": "studio-white"}}
    task = (await account.test.post("/v1/tasks", json=body)).json()
    assert task["balance"] == 999
    ended = (await account.test.get(f"/v1/tasks/{task['id']}", params={"wait": 20})).json()
    assert (ended["status"], ended["provider"]) == ("succeeded", "sandbox")
    assert (await account.live.get(f"/v1/tasks/{task['id']}")).status_code == 404
    assert (await account.live.get("/v1/credits")).json()["balance"] == 10


async def test_events_tell_the_whole_story_and_resume(account: Account) -> None:
    task = await order(account, "replace_background", input={"image": await account.upload(), "preset": "wood"})
    story = await events(account.live, task["id"])
    assert [event["event"] for event in story] == [
        "task.created",
        "task.started",
        "task.progress",
        "task.progress",
        "task.succeeded",
    ]
    assert [event["data"]["progress"] for event in story] == [0.0, 0.0, 0.33, 0.67, 1.0]
    assert all(event["data"]["id"] == task["id"] and event["id"].startswith("evt_") for event in story)
    assert story[-1]["data"]["outputs"][0]["urls"]["full"].startswith("http")
    rest = await events(account.live, task["id"], **{"Last-Event-ID": story[2]["id"]})
    assert [event["id"] for event in rest] == [event["id"] for event in story[3:]]
    over = await account.live.get(f"/v1/tasks/{task['id']}/events", headers={"Last-Event-ID": story[-1]["id"]})
    assert over.status_code == 204


async def test_waiting_by_header_and_conditional_reading(account: Account) -> None:
    task = await order(account, "transform_image", input={"image": await account.upload(), "flip": "horizontal"})
    answer = await account.live.get(f"/v1/tasks/{task['id']}", headers={"Prefer": "wait=20"})
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["preference-applied"] == "wait=20"
    again = await account.live.get(f"/v1/tasks/{task['id']}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])


async def test_a_wait_that_is_over_answers_as_things_stand(account: Account, settings: Settings) -> None:
    task = await order(account, "upscale", input={"image": await account.upload(), "scale": 4})
    started = asyncio.get_running_loop().time()
    answer = await account.live.get(f"/v1/tasks/{task['id']}", params={"wait": 0.3})
    assert asyncio.get_running_loop().time() - started < 2
    assert answer.status_code == 200
    await account.live.post(f"/v1/tasks/{task['id']}/cancel")


async def test_cancel_retry_and_delete(account: Account) -> None:
    task = await order(account, "upscale", input={"image": await account.upload(), "scale": 4})
    assert (await account.live.delete(f"/v1/tasks/{task['id']}")).json()["code"] == "task_not_ended"
    canceled = await account.live.post(f"/v1/tasks/{task['id']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert (await account.live.get("/v1/credits")).json()["balance"] == 10
    assert (await account.live.post(f"/v1/tasks/{task['id']}/cancel")).status_code == 200
    again = await account.live.post(f"/v1/tasks/{task['id']}/retry")
    assert (again.status_code, again.json()["status"], again.json()["balance"]) == (202, "pending", 9)
    assert (await account.finished(task["id"]))["status"] == "succeeded"
    assert (await account.live.post(f"/v1/tasks/{task['id']}/cancel")).json()["code"] == "task_ended"
    assert (await account.live.post(f"/v1/tasks/{task['id']}/retry")).json()["code"] == "task_not_retryable"
    assert (await account.live.delete(f"/v1/tasks/{task['id']}")).status_code == 204
    assert (await account.live.get(f"/v1/tasks/{task['id']}")).status_code == 404


async def test_lists_are_filtered_and_paged(account: Account) -> None:
    image = await account.upload()
    made = [
        (
            await order(
                account, "transform_image", input={"image": image, "blur": 1}, metadata={"n": number, "sku": "x"}
            )
        )["id"]
        for number in range(5)
    ]
    for task_id in made:
        await account.finished(task_id)

    async def listed(**params: Any) -> list[str]:
        answer = await account.live.get("/v1/tasks", params=params)
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["data"]]

    assert await listed() == made[::-1]
    assert await listed(status="succeeded", operation="transform_image") == made[::-1]
    assert await listed(status="failed") == []
    assert await listed(**{"metadata[n]": "3"}) == [made[3]]
    assert await listed(**{"metadata[sku]": "x", "metadata[n]": "0"}) == [made[0]]
    first = (await account.live.get("/v1/tasks", params={"limit": 3})).json()
    await order(account, "transform_image", input={"image": image, "blur": 1})
    second = (await account.live.get("/v1/tasks", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [task["id"] for task in first["data"] + second["data"]] == made[::-1]
    assert second["next_cursor"] is None
    shown = (await account.live.get(f"/v1/tasks/{made[2]}")).json()
    assert await listed(created_after=shown["created_at"]) != []


async def test_a_neighbours_task_is_not_there(account: Account, neighbour: Account) -> None:
    task = await order(account, "transform_image", input={"image": await account.upload(), "blur": 1})
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
        answer = await neighbour.live.request(method, f"/v1/tasks/{task['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "task_not_found")


async def test_idempotent_orders_are_one_order(account: Account) -> None:
    image = await account.upload()
    body = {"operation": "transform_image", "input": {"image": image, "blur": 1}}
    key = {"Idempotency-Key": "order-1"}
    answers = await asyncio.gather(*(account.live.post("/v1/tasks", json=body, headers=key) for _ in range(6)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 409)
    assert len({answer.json()["id"] for answer in accepted}) == 1
    replay = await account.live.post(
        "/v1/tasks", json=dict(reversed(body.items())), headers={"Idempotency-Key": '"order-1"'}
    )
    assert (replay.status_code, replay.headers["idempotency-replayed"]) == (202, "true")
    assert replay.headers["location"].endswith(replay.json()["id"])
    assert replay.json()["id"] == accepted[0].json()["id"]
    other = await account.live.post("/v1/tasks", json={**body, "metadata": {"a": 1}}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await account.live.get("/v1/credits")).json()["balance"] == 9


async def test_a_refused_order_frees_its_key(account: Account) -> None:
    body: dict[str, Any] = {"operation": "transform_image", "input": {"image": "asset_01jcqzm4x8e3v9tk5h2w7d6n0p"}}
    key = {"Idempotency-Key": "mended"}
    assert (await account.live.post("/v1/tasks", json=body, headers=key)).status_code == 404
    body["input"]["image"] = await account.upload()
    assert (await account.live.post("/v1/tasks", json=body, headers=key)).status_code == 202


BAD_ORDERS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"operation": "fly"}, 422, "unknown_operation", "/operation"),
    ({"model": "gpt-9"}, 422, "unknown_model", "/model"),
    ({"provider": "nobody"}, 422, "unknown_model", "/provider"),
    ({"input": {"preset": "moon"}}, 422, "unknown_preset", "/input/preset"),
    ({"input": {"width": 0}}, 422, "invalid_request", "/input/width"),
    ({"input": {"width": 100000}}, 422, "invalid_request", "/input/width"),
    ({"input": {"sparkle": True}}, 422, "invalid_request", "/input/sparkle"),
    ({"input": {"num_images": 1.5}}, 422, "invalid_request", "/input/num_images"),
    ({"input": {"image": None}}, 422, "invalid_request", "/input/image"),
    ({"input": {"image": "asset_nonsense"}}, 422, "invalid_request", "/input/image"),
    ({"input": {"image": "http://127.0.0.1/x.png"}}, 422, "url_not_allowed", "/input/image"),
    ({"input": {"image": "file:///etc/passwd"}}, 422, "url_not_allowed", "/input/image"),
    ({"input": {"preset": None}}, 422, "invalid_request", "/input"),
    ({"input": []}, 422, "invalid_request", "/input"),
    ({"colour": "red"}, 422, "invalid_request", "/colour"),
    ({"metadata": {"a": {"b": 1}}}, 422, "invalid_request", "/metadata"),
    ({"webhook_url": "https://10.0.0.1/hook"}, 422, "webhook_url_not_allowed", "/webhook_url"),
]


@pytest.mark.parametrize(("change", "status", "code", "pointer"), BAD_ORDERS)
async def test_a_bad_order_names_the_field_and_leaves_nothing(
    account: Account, change: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    body: dict[str, Any] = {
        "operation": "replace_background",
        "input": {"image": await account.upload(), "preset": "studio-white"},
    }
    nested = change.get("input")
    body = {
        **body,
        **change,
        "input": {**body["input"], **nested} if isinstance(nested, dict) else nested or body["input"],
    }
    if nested == []:
        body["input"] = []
    answer = await account.live.post("/v1/tasks", json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert problem["type"].endswith(f"/problems/{code}")
    assert (await account.live.get("/v1/tasks")).json()["data"] == []
    assert (await account.live.get("/v1/credits")).json()["held"] == 0
    assert len((await account.live.get("/v1/assets")).json()["data"]) == 1


async def test_a_neighbours_image_is_not_there(account: Account, neighbour: Account) -> None:
    body = {"operation": "upscale", "input": {"image": await neighbour.upload()}}
    answer = await account.live.post("/v1/tasks", json=body)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["pointer"] == "/input/image"


async def test_too_few_credits_tell_price_and_balance(account: Account) -> None:
    image = await account.upload()
    body = {"operation": "replace_background", "input": {"image": image, "preset": "wood", "num_images": 4}}
    for _ in range(2):
        assert (await account.live.post("/v1/tasks", json=body)).status_code == 202
    answer = await account.live.post("/v1/tasks", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "insufficient_credits")
    assert (problem["price"], problem["balance"]) == (4, 2)
    assert len((await account.live.get("/v1/tasks")).json()["data"]) == 2


async def test_broken_json_is_told_as_such(account: Account) -> None:
    answer = await account.live.post("/v1/tasks", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_the_catalogue_is_public_and_complete(account: Account, settings: Settings) -> None:
    async with client(settings) as anybody:
        operations = (await anybody.get("/v1/operations")).json()["data"]
        presets = (await anybody.get("/v1/presets")).json()["data"]
        models = (await anybody.get("/v1/models")).json()["data"]
        kinds = (await anybody.get("/v1/problems")).json()["data"]
    assert {one["name"] for one in operations} == {
        "remove_background",
        "replace_background",
        "transform_image",
        "upscale",
    }
    for one in operations:
        assert one["input_schema"]["additionalProperties"] is False
        assert one["price"] == 1
        assert one["models"]
    sold = {(offer["operation"], model["id"]) for model in models for offer in model["offers"]}
    assert sold == {(one["name"], model["model"]) for one in operations for model in one["models"]}
    assert all(offer["parameters"] is None and offer["price"] == 1 for model in models for offer in model["offers"])
    assert len(presets) >= 12
    assert {"insufficient_credits", "task_not_found", "idempotency_key_reused"} <= {kind["code"] for kind in kinds}


async def test_a_picture_too_small_to_cut_out_is_refused_before_any_hold(account: Account) -> None:
    tiny = await account.upload(png(size=(8, 8)), "tiny.png")
    for operation, extra in (("remove_background", {}), ("replace_background", {"preset": "wood"})):
        answer = await account.live.post("/v1/tasks", json={"operation": operation, "input": {"image": tiny, **extra}})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/input/image")
    assert (await account.live.get("/v1/credits")).json()["held"] == 0


async def test_thresholds_the_wrong_way_round_are_refused(account: Account) -> None:
    values = {"image": await account.upload(), "foreground_threshold": 10, "background_threshold": 200}
    answer = await account.live.post("/v1/tasks", json={"operation": "remove_background", "input": values})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/input/foreground_threshold")


@pytest.mark.parametrize("path", ["/v1/tasks/nope", "/v1/tasks/asset_01jcqzm4x8e3v9tk5h2w7d6n0p", "/v1/assets/task_1"])
async def test_an_id_that_is_none_of_ours_is_not_there(account: Account, path: str) -> None:
    assert (await account.live.get(path)).status_code == 404
