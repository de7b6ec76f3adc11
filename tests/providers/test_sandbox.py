"""The sandbox provider: valid, instant, always the same."""

from typing import Any

import pytest

from app.core.settings import Settings
from app.providers.adapters.local import Local
from app.providers.adapters.sandbox import Sandbox
from app.providers.base import Call, ErrorCode, Provider, Rejected
from tests.providers import pictures

SETTINGS = Settings(_env_file=None)


async def answered(operation: str, files: dict[str, bytes] | None = None, **params: Any) -> list[bytes]:
    done = await Sandbox(SETTINGS).submit(Call(operation, "sandbox", params, files or {"image": b"a"}))
    return [output.content or b"" for output in done.outputs]


def test_it_offers_what_local_offers() -> None:
    sandbox = Sandbox(SETTINGS)

    assert isinstance(sandbox, Provider)
    assert {(offer.operation, offer.steps) for offer in sandbox.offers} == {
        (offer.operation, offer.steps) for offer in Local.offers
    }
    assert {offer.model for offer in sandbox.offers} == {"sandbox"}


@pytest.mark.parametrize("operation", ["remove_background", "background", "composite", "transform_image", "upscale"])
async def test_every_step_gives_the_same_picture_for_the_same_order(operation: str) -> None:
    first = await answered(operation, prompt="a", seed=1, output_format="jpeg")

    assert first == await answered(operation, prompt="a", seed=1, output_format="jpeg")
    assert first != await answered(operation, prompt="a", seed=2, output_format="jpeg")
    assert first != await answered(operation, {"image": b"b"}, prompt="a", seed=1, output_format="jpeg")
    assert pictures.decoded(first[0]).shape[:2] == (128, 128)


async def test_a_mask_is_grey_and_a_cut_out_transparent() -> None:
    [mask] = await answered("remove_background", only_mask=True)
    [cut] = await answered("remove_background")

    assert set(pictures.decoded(mask).ravel().tolist()) == {0, 255}
    assert pictures.decoded(cut).shape == (128, 128, 4)


async def test_several_images_count_the_seed_up() -> None:
    order = Call("background", "sandbox", {"num_images": 3, "seed": 5, "width": 64, "height": 32})
    done = await Sandbox(SETTINGS).submit(order)

    assert [output.seed for output in done.outputs] == [5, 6, 7]
    assert len({output.content for output in done.outputs}) == 3
    assert pictures.decoded(done.outputs[0].content).shape == (32, 64, 3)


async def test_large_sizes_are_answered_small() -> None:
    [content] = await answered("background", width=4096, height=1024)

    assert pictures.decoded(content).shape == (128, 512, 3)


async def test_an_unknown_operation_is_rejected() -> None:
    with pytest.raises(Rejected) as error:
        await answered("text_to_video")

    assert error.value.code is ErrorCode.PROVIDER_REJECTED
