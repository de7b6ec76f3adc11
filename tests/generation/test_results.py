"""What a vendor returned, as the customer gets it: in the ordered format and size, streamed, and no more than that."""

import io
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from app.generation.files import TRIES
from app.generation.operations import OPERATIONS
from app.generation.schemas import TaskCreate, TaskRead
from app.ledger.models import Price
from app.providers.base import Accepted, Done, Offer, Output
from tests.conftest import REACHABLE, Account
from tests.core.site import Site, Writer, answer, listening
from tests.generation.conftest import Stage
from tests.generation.scripted import png

SIZE = (160, 120)


def photo(size: tuple[int, int] = SIZE, kind: str = "PNG", mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, "white").save(file, kind)
    return file.getvalue()


@pytest.fixture
async def vendor(stage: Stage) -> Stage:
    """The scripted provider as a vendor whose results are brought into form, and who sells all operations."""
    stage.first.keeps_form = False
    stage.first.sells = [Offer(name, "one", "One") for name in OPERATIONS if name != "transform_image"]
    async with stage.database.transaction() as session:
        for name in OPERATIONS:
            await session.merge(Price(operation=name, provider="scripted", model="*", amount=1_000_000))
    return stage


async def made(
    stage: Stage, operation: str, *outputs: bytes, **input_: Any
) -> list[tuple[str, tuple[int, int], bytes]]:
    """Order it, let the vendor return this, and read what the customer gets: its type, size and bytes."""
    image = await stage.account.upload(photo())
    given = dict.fromkeys(OPERATIONS[operation].input.images, image)
    if operation != "text_to_image":
        given |= {"image": image}
    if "prompt" in OPERATIONS[operation].input.model_fields:
        given |= {"prompt": "a cat"}
    stage.first.script = [Done([Output(content) for content in outputs])]
    task_id = await order(stage, operation, given | input_)
    task = await stage.advance(task_id)
    assert task.error is None
    return [
        (
            asset.content_type,
            (asset.width or 0, asset.height or 0),
            (await stage.account.live.get(asset.urls.full)).content,
        )
        for asset in task.outputs
    ]


async def order(stage: Stage, operation: str, input_: dict[str, Any]) -> UUID:
    asked = TaskCreate.model_validate({"operation": operation, "input": input_, "provider": "scripted"})
    return (await stage.intake.order(stage.caller, asked, None)).task_id


@pytest.mark.parametrize(
    ("operation", "wish", "size"),
    [
        ("text_to_image", {"width": 200, "height": 100}, (200, 100)),
        ("image_to_image", {}, SIZE),
        ("image_to_image", {"width": 80}, (80, 60)),
        ("inpaint", {}, SIZE),
        ("outpaint", {"right": 40, "top": 3}, (200, 123)),
        ("edit_image", {}, SIZE),
        ("replace_background", {"height": 60}, (80, 60)),
        ("upscale", {"scale": 4}, (640, 480)),
        ("remove_background", {"output_format": "webp"}, (64, 48)),
    ],
    ids=str,
)
async def test_a_result_is_of_the_ordered_format_and_size(
    vendor: Stage, operation: str, wish: dict[str, Any], size: tuple[int, int]
) -> None:
    wanted = {"output_format": "webp", **wish}
    [(kind, found, content)] = await made(vendor, operation, png(), **wanted)
    assert (kind, found) == ("image/webp", size)
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("WEBP", size)


async def test_each_of_several_is_and_one_that_is_right_is_left_alone(vendor: Stage) -> None:
    right, wrong = photo((200, 100)), photo((100, 100), "JPEG")
    results = await made(vendor, "text_to_image", right, wrong, width=200, height=100, num_images=2)
    assert [(kind, size) for kind, size, _ in results] == [("image/png", (200, 100))] * 2
    assert results[0][2] == right


async def test_results_of_a_provider_that_says_so_stay_as_they_are(vendor: Stage) -> None:
    vendor.first.keeps_form = True
    content = photo((64, 48))
    assert await made(vendor, "upscale", content, output_format="webp") == [("image/png", (64, 48), content)]


async def test_the_quality_is_ours_to_make_where_the_model_is_not_told(vendor: Stage) -> None:
    noise = Image.effect_noise((200, 100), 90)
    file = io.BytesIO()
    noise.convert("RGB").save(file, "JPEG", quality=95)
    wish = {"width": 200, "height": 100, "output_format": "jpeg", "output_quality": 20}
    told = await made(vendor, "text_to_image", file.getvalue(), **wish)
    vendor.first.sells = [replace(offer, parameters={}) for offer in vendor.first.sells]
    untold = await made(vendor, "text_to_image", file.getvalue(), **wish)
    assert len(untold[0][2]) < len(told[0][2]) / 2


async def test_what_goes_into_later_steps_is_not_touched(vendor: Stage) -> None:
    steps_ = ("remove_background", "background", "composite")
    vendor.first.sells = [Offer("replace_background", "one", "One", steps=steps_)]
    content = photo((64, 48))
    vendor.first.script = [Done([Output(content)])] * 2
    image = await vendor.account.upload(photo())
    task_id = await order(vendor, "replace_background", {"image": image, "prompt": "a beach", "output_format": "webp"})
    vendor.first.script.append(Done([Output(content)]))
    await vendor.advance(task_id)
    assert vendor.first.calls[-1].files["mask"] == vendor.first.calls[-1].files["background"] == content


async def test_of_an_image_that_was_deleted_meanwhile_the_size_is_not_known(vendor: Stage) -> None:
    image = await vendor.account.upload(photo())
    task_id = await order(vendor, "upscale", {"image": image, "output_format": "webp"})
    vendor.first.script = [Accepted("job-1", 0)]
    await vendor.advance(task_id)
    assert (await vendor.account.live.delete(f"/v1/assets/{image}")).status_code == 204
    vendor.first.script = [Done([Output(png())])]
    [output] = (await vendor.advance(task_id)).outputs
    assert (output.content_type, output.width, output.height) == ("image/webp", 64, 48)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
async def test_adapters_get_a_mask_of_one_grey_band(vendor: Stage, account: Account, mode: str) -> None:
    image, mask = await account.upload(photo()), await account.upload(photo(mode=mode))
    vendor.first.script = [Done([Output(photo())])]
    task_id = await order(vendor, "inpaint", {"image": image, "mask": mask, "prompt": "a cat"})
    await vendor.advance(task_id)
    [call] = vendor.first.calls
    with Image.open(io.BytesIO(call.files["mask"])) as found:
        assert (found.format, found.mode, found.size, found.getextrema()) == ("PNG", "L", SIZE, (255, 255))
    with Image.open(io.BytesIO(call.files["image"])) as found:
        assert found.mode == "RGB"


async def test_one_picture_may_be_both_image_and_mask(vendor: Stage, account: Account) -> None:
    image = await account.upload(photo())
    vendor.first.script = [Done([Output(photo())])]
    await vendor.advance(await order(vendor, "inpaint", {"image": image, "mask": image, "prompt": "a cat"}))
    [call] = vendor.first.calls
    assert [Image.open(io.BytesIO(call.files[role])).mode for role in ("image", "mask")] == ["RGB", "L"]


# --- by URL


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with listening(REACHABLE) as it:
        yield it


async def by_url(stage: Stage, url: str) -> TaskRead:
    image = await stage.account.upload(photo())
    stage.first.script = [Accepted("job-1", 0)]
    task_id = await order(stage, "upscale", {"image": image})
    await stage.advance(task_id)
    stage.first.script = [Done([Output(url=url)])] * TRIES
    return await stage.advance(task_id)


async def test_a_result_by_url_is_kept(vendor: Stage, site: Site) -> None:
    noise = Image.effect_noise((2 * SIZE[0], 2 * SIZE[1]), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "PNG")
    task = await by_url(vendor, site.page("/a.png", answer(file.getvalue())))
    [output] = task.outputs
    assert (await vendor.account.live.get(output.urls.full)).content == file.getvalue()


async def test_a_page_instead_of_a_picture_is_not_read_to_its_end(vendor: Stage, site: Site) -> None:
    sent = 0

    async def pour(writer: Writer) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n<!DOCTYPE html>")
        for _ in range(500):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    site.pages["/a"] = pour
    task = await by_url(vendor, site.url("/a"))
    assert task.outputs == []
    assert task.attempts[0].error is not None
    assert "not a whole image" in task.attempts[0].error.message
    assert sent < 25_000_000 * len(site.visits)


async def test_no_temporary_file_stays(
    vendor: Stage, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await by_url(vendor, site.page("/a.png", answer(photo())))
    assert os.listdir(tmp_path) == []
