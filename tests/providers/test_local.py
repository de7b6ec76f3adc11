"""The local provider as its caller sees it."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import psutil
import pytest

from app.core.settings import Settings, Worker
from app.generation.presets import find
from app.providers import registry
from app.providers.adapters.local import Local, models
from app.providers.base import Call, Done, ErrorCode, Provider, Rejected, Transient
from tests.providers import pictures
from tests.providers.pictures import flat, photo

MEBIBYTE = 1024 * 1024


def local(**worker: Any) -> Local:
    return Local(Settings(_env_file=None, worker=Worker(**worker)))


@pytest.fixture
async def provider() -> AsyncIterator[Local]:
    """One with no process yet."""
    _others.update(children())
    provider = local()
    yield provider
    await provider.close()
    _others.clear()


_others: set[psutil.Process] = set()


def call(operation: str, files: Mapping[str, bytes], timeout_seconds: float = 60, **params: Any) -> Call:
    return Call(operation, "any", params, files, timeout_seconds=timeout_seconds)


def children() -> list[psutil.Process]:
    """The image processes of this test, not those of other pools."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # ending just now
            if child not in _others and "app.core.process_child" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def replace_background(provider: Local, image: bytes, preset_id: str, seed: int) -> bytes:
    preset = find(preset_id)
    assert preset is not None
    mask = await provider.submit(call("remove_background", {"image": image}, only_mask=True))
    order: dict[str, Any] = {"prompt": preset.prompt, "negative_prompt": "", "scene": dict(preset.scene), "seed": seed}
    set_ = await provider.submit(call("background", {}, num_images=1, width=600, height=400, **order))
    files = {
        "image": image,
        "mask": mask.outputs[0].content or b"",
        "background": set_.outputs[0].content or b"",
    }
    done = await provider.submit(call("composite", files, scene=order["scene"], seed=seed, shadow=True))
    assert done.outputs[0].seed == seed
    return done.outputs[0].content or b""


def test_it_keeps_the_promise(provider: Local) -> None:
    assert isinstance(provider, Provider)
    assert {offer.operation for offer in provider.offers} == {
        "remove_background",
        "replace_background",
        "transform_image",
        "upscale",
    }
    assert provider.is_repeatable


def test_the_registry_finds_it() -> None:
    found = registry.load(Settings(_env_file=None), ["local", "sandbox"])

    assert [provider.name for provider in found.values()] == ["local", "sandbox"]


def test_its_process_stays_light() -> None:
    script = """
import sys
from app.core.settings import Settings
from app.providers.adapters.local import Local
from app.providers.adapters.sandbox import Sandbox
Local(Settings(_env_file=None)), Sandbox(Settings(_env_file=None))
print([name for name in ("numpy", "onnxruntime", "pyvips", "ncnn") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


async def test_a_whole_new_background_repeats_by_its_seed_within_its_memory(provider: Local) -> None:
    first = await replace_background(provider, photo("coffee"), "marble", seed=9)
    [child] = children()
    again = await replace_background(provider, photo("coffee"), "marble", seed=9)
    other = await replace_background(provider, photo("coffee"), "marble", seed=10)

    assert first == again != other
    assert pictures.decoded(first).shape == (400, 600, 3)
    assert child.memory_info().rss < 600 * MEBIBYTE


async def test_transform_and_upscale_are_served(provider: Local) -> None:
    small = await provider.submit(call("transform_image", {"image": photo("coffee")}, width=60))
    larger = await provider.submit(call("upscale", {"image": small.outputs[0].content or b""}, scale=2))

    assert pictures.decoded(larger.outputs[0].content).shape == (80, 120, 3)
    assert larger.outputs[0].content_type == "image/jpeg"


async def test_bad_input_is_rejected_with_the_reason(provider: Local) -> None:
    crop = {"left": 0, "top": 0, "width": 999, "height": 10}
    with pytest.raises(Rejected, match="30x20") as crooked:
        await provider.submit(call("transform_image", {"image": flat(30, 20)}, crop=crop))
    with pytest.raises(Rejected) as unreadable:
        await provider.submit(call("remove_background", {"image": b"GIF89a nonsense"}))
    with pytest.raises(Rejected) as too_large:
        await provider.submit(call("upscale", {"image": flat(3000, 4)}, scale=4))

    codes = {error.value.code for error in (crooked, unreadable, too_large)}
    assert codes == {ErrorCode.INVALID_IMAGE}


async def test_an_unknown_operation_is_rejected(provider: Local) -> None:
    with pytest.raises(Rejected) as error:
        await provider.submit(call("text_to_video", {}))

    assert error.value.code is ErrorCode.PROVIDER_REJECTED


async def test_too_little_time_is_a_timeout(provider: Local) -> None:
    with pytest.raises(Transient) as error:
        await provider.submit(call("remove_background", {"image": photo("coffee")}, timeout_seconds=0.05))

    assert error.value.code is ErrorCode.PROVIDER_TIMEOUT


async def test_a_process_that_dies_is_transient_and_replaced(provider: Local) -> None:
    work = asyncio.create_task(provider.submit(call("remove_background", {"image": photo("astronaut")})))
    while not children():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    children()[0].kill()
    with pytest.raises(Transient) as error:
        await work

    assert error.value.code is ErrorCode.PROVIDER_UNAVAILABLE
    done = await provider.submit(call("transform_image", {"image": flat(8, 8)}, rotate=90))
    assert isinstance(done, Done)


async def test_work_beyond_its_memory_fails_alone() -> None:
    provider = local(image_memory_bytes=220 * MEBIBYTE)
    with pytest.raises(Transient) as error:
        await provider.submit(call("remove_background", {"image": photo("coffee")}))
    await provider.close()

    assert error.value.code is ErrorCode.PROVIDER_UNAVAILABLE


async def test_the_largest_photo_fits_the_memory() -> None:
    provider = local(image_memory_bytes=900 * MEBIBYTE)
    large = await provider.submit(call("transform_image", {"image": photo("coffee")}, width=4096, output_format="jpeg"))
    image = large.outputs[0].content or b""
    done = await provider.submit(call("remove_background", {"image": image}, only_mask=True))
    await provider.close()

    assert pictures.decoded(done.outputs[0].content).shape == (2731, 4096)


async def test_health_tells_of_missing_weights(provider: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = await provider.probe()
    monkeypatch.setattr(models, "find", lambda package, file: None)
    missing = await provider.probe()

    assert healthy.is_healthy
    assert not missing.is_healthy
    assert "requirements/models.txt" in missing.detail
