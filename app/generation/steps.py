"""From a task to the provider calls of each of its steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.assets.imaging import Form, ImageType
from app.core.ids import encode
from app.core.settings import Settings
from app.generation import callbacks, presets
from app.generation.models import Task, TaskAttempt
from app.generation.operations import MAX_SIDE
from app.providers.base import Call, Offer
from app.providers.catalog import Part

COMPOSITE_FIELDS = ("shadow", "output_format", "output_quality")


@dataclass(frozen=True, slots=True)
class StepCall:
    """One call to be made: which assets go in under which role, and the parameters."""

    files: Mapping[str, UUID]
    params: Mapping[str, Any]

    def to_provider(
        self,
        task: Task,
        attempt: TaskAttempt,
        files: Mapping[str, bytes],
        settings: Settings,
        about_to_send: Callable[[], None],
        operation: str,
        offer: Offer | None,
    ) -> Call:
        """The call as this attempt makes it, of that provider's operation."""
        place = (attempt.run, attempt.position, attempt.part)
        return Call(
            operation=operation,
            model=attempt.model,
            params=offer.told(self.params) if offer else self.params,
            files=files,
            reference=encode("att", attempt.id),
            attempt=sum((one.run, one.position, one.part) == place for one in task.attempts),
            timeout_seconds=settings.tasks.provider_call_seconds,
            callback_url=callbacks.url(settings, attempt.provider, attempt.id),
            about_to_send=about_to_send,
            offer=offer,
        )


Made = Mapping[str, Sequence[UUID]]
"""The assets the steps before have made, by step name."""


def _scene(values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    preset = presets.find(values["preset"]) if values.get("preset") else None
    return preset.scene if preset else None


def _prompt(values: Mapping[str, Any], field: str) -> str:
    """The preset's words, then the customer's."""
    preset = presets.find(values["preset"]) if values.get("preset") else None
    parts = (getattr(preset, field) if preset else None, values.get(field))
    return ", ".join(part.strip() for part in parts if part and part.strip())


def _background(values: Mapping[str, Any], size: tuple[int, int]) -> list[StepCall]:
    """By our own renderer, which knows presets by their recipe."""
    params = {
        "prompt": values.get("prompt") or "",
        "full_prompt": _prompt(values, "prompt"),
        "negative_prompt": _prompt(values, "negative_prompt"),
        "scene": _scene(values),
        "seed": values["seed"],
        "num_images": values["num_images"],
        "width": size[0],
        "height": size[1],
    }
    return [StepCall({}, params)]


def _empty_sets(values: Mapping[str, Any], size: tuple[int, int], most: int) -> list[StepCall]:
    """By a model that makes pictures from words: of the place alone, for the subject is laid over it."""
    params = {
        "prompt": f"{_prompt(values, 'prompt')}. {_EMPTY}",
        "negative_prompt": _prompt(values, "negative_prompt") or None,
        "seed": values["seed"],
        "num_images": values["num_images"],
        "width": size[0],
        "height": size[1],
        "steps": None,
        "guidance_scale": None,
        "scheduler": None,
        "output_format": "png",
        "output_quality": 95,
    }
    return [StepCall({}, params | share) for share in _shares(params, most)]


def _composites(
    values: Mapping[str, Any], image: UUID, made: Made, size: tuple[int, int], *, knows_scene: bool
) -> list[StepCall]:
    mask = made["remove_background"][0]
    shared = {name: values[name] for name in COMPOSITE_FIELDS} | {"width": size[0], "height": size[1]}
    return [
        StepCall(
            {"image": image, "mask": mask, "background": background},
            {
                **shared,
                "scene": _scene(values) if knows_scene else None,
                "prompt": (values.get("prompt") or "") if knows_scene else "",
                "negative_prompt": _prompt(values, "negative_prompt"),
                "seed": values["seed"] + number,
            },
        )
        for number, background in enumerate(made["background"])
    ]


def calls(
    operation: str,
    step: str,
    values: Mapping[str, Any],
    images: Mapping[str, UUID],
    size: tuple[int, int],
    made: Made,
    parts: Sequence[Part],
) -> list[StepCall]:
    """The calls of one step, all to be answered for it to succeed.

    `size` is the input image's, in pixels; `parts` are who makes the calls of the steps up to this one.
    """
    part = parts[-1]
    match operation, step:
        case "replace_background", "remove_background":
            return [StepCall({"image": images["image"]}, {"only_mask": True, **_MATTING})]
        case "replace_background", "background" if part.operation != step:
            return _empty_sets(values, _size(values, size), part.most)
        case "replace_background", "background":
            return _background(values, _size(values, size))
        case "replace_background", "composite":
            knows_scene = parts[-2].operation == "background"
            return _composites(values, images["image"], made, _size(values, size), knows_scene=knows_scene)
        case "replace_background", "replace_background":
            width, height = _size(values, size)
            params = {name: value for name, value in values.items() if name not in images}
            params |= {"width": width, "height": height}
            params |= {field: _prompt(values, field) for field in ("prompt", "negative_prompt")}
            return [StepCall(images, params | share) for share in _shares(values, part.most)]
        case _:
            params = {name: value for name, value in values.items() if name not in images}
            params |= _whole_size(operation, values, size)
            return [StepCall(images, params | share) for share in _shares(values, part.most)]


def count(operation: str, step: str, values: Mapping[str, Any], made: Made, part: Part) -> int:
    """How many calls the step is made of, as `calls` gives them."""
    match operation, step:
        case "replace_background", "remove_background":
            return 1
        case "replace_background", "background" if part.operation == step:
            return 1
        case "replace_background", "composite":
            return len(made["background"])
    return len(_shares(values, part.most))


def _shares(values: Mapping[str, Any], most: int) -> list[dict[str, int]]:
    """What each of several calls is asked for: as many outputs as one gives, each with a seed of its own."""
    wanted = values.get("num_images")
    if wanted is None or wanted <= most:
        return [{}]
    return [
        {"num_images": min(most, wanted - first)}
        | ({"seed": (values["seed"] + first) % 2**32} if "seed" in values else {})
        for first in range(0, wanted, most)
    ]


_EMPTY = "An empty set for a product photograph, seen at eye level: no product, no people, no text."
_MATTING = {
    "alpha_matting": True,
    "post_process_mask": True,
    "foreground_threshold": 240,
    "background_threshold": 15,
    "erode_size": 8,
    "background_color": [255, 255, 255, 0],
    "output_format": "png",
    "output_quality": 95,
}


def _size(values: Mapping[str, Any], image: tuple[int, int]) -> tuple[int, int]:
    """The size asked for; of one side alone, the other follows the photo's shape."""
    width, height = values.get("width"), values.get("height")
    if width and height:
        return width, height
    if width:
        return width, _side(width * image[1] / image[0])
    if height:
        return _side(height * image[0] / image[1]), height
    return image


def _whole_size(operation: str, values: Mapping[str, Any], image: tuple[int, int]) -> Mapping[str, int]:
    """Of what a model makes from an image: it is told the size in any case."""
    match operation:
        case "image_to_image" | "inpaint" | "edit_image":
            width, height = _size(values, image)
        case "outpaint":
            width, height = (
                image[0] + values["left"] + values["right"],
                image[1] + values["top"] + values["bottom"],
            )
        case _:
            return {}
    return {"width": width, "height": height}


def follows_image(operation: str) -> bool:
    """Whether the size of its result depends on that of the image given."""
    return operation in ("replace_background", "image_to_image", "inpaint", "outpaint", "edit_image", "upscale")


def form(
    operation: str, values: Mapping[str, Any], image: tuple[int, int] | None, *, is_quality_given: bool
) -> Form | None:
    """What a result is to be; `image` is the size of the one given, where it is known. None: what it is."""
    if values.get("output_format") is None:
        return None
    size: tuple[int, int] | None = None
    match operation:
        case "text_to_image":
            size = values["width"], values["height"]
        case "upscale" if image:
            size = values["scale"] * image[0], values["scale"] * image[1]
        case "replace_background" if image:
            size = _size(values, image)
        case _ if image and (whole := _whole_size(operation, values, image)):
            size = whole["width"], whole["height"]
    return Form(ImageType(f"image/{values['output_format']}"), values["output_quality"], size, is_quality_given)


def _side(value: float) -> int:
    return min(MAX_SIDE, max(1, round(value)))
