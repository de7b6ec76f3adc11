"""The operations a task can be: each a typed input, published as JSON Schema at `GET /v1/operations`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.wire import Text

MAX_SIDE = 4096
MAX_UPSCALED_SIDE = 8192
MIN_CUT_OUT_SIDE = 16

ImageRef = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description="An asset id, or an `https` URL, which is imported first.",
        examples=["asset_01jcqzm4x8e3v9tk5h2w7d6n0p"],
    ),
]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE, description="Pixels.")]
Channel = Annotated[int, Field(ge=0, le=255)]
Rgba = Annotated[
    tuple[Channel, Channel, Channel, Channel],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    Field(description="Red, green, blue, alpha; 0 to 255 each."),
]
Quality = Annotated[int, Field(ge=1, le=100, description="Of JPEG and WebP.")]
Format = Literal["png", "jpeg", "webp"]
Seed = Annotated[
    int, Field(ge=0, le=2**32 - 1, description="The same seed and settings give the same picture; default: random.")
]
Prompt = Annotated[Text, Field(max_length=4000)]
NonEmptyPrompt = Annotated[Prompt, Field(min_length=1)]
Strength = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Added = Annotated[int, Field(ge=0, le=2000, description="Pixels to add at this side.")]


class OperationInput(BaseModel):
    """What every input is: strict about its fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    images: ClassVar[tuple[str, ...]] = ("image",)
    optional: ClassVar[frozenset[str]] = frozenset()
    """Fields that not each model honours (`GET /v1/models`): refused where the model does not."""

    def given(self) -> frozenset[str]:
        """The optional fields by which this order asks for something, which the model then has to honour."""
        return frozenset(name for name in self.optional & self.model_fields_set if getattr(self, name) is not None)

    @property
    def outputs(self) -> int:
        """How many results are asked for."""
        return 1

    def pixels(self, width: int, height: int) -> int:
        """Of one result, for an input image of that size: what the time it takes depends on."""
        return width * height

    def fault_with(self, name: str, width: int, height: int) -> tuple[str, str] | None:
        """The field that does not fit the image given as `name`, and why; None when all does."""
        return None

    def fault_between(self, sizes: Mapping[str, tuple[int, int]]) -> tuple[str, str] | None:
        """The same of the images together, where the sizes of all are known."""
        return None


def _too_small(width: int, height: int) -> tuple[str, str] | None:
    if min(width, height) < MIN_CUT_OUT_SIDE:
        return "image", f"The image is {width}×{height}; a cut-out needs {MIN_CUT_OUT_SIDE} pixels a side."
    return None


class RemoveBackgroundInput(OperationInput):
    """Cut the subject out of its background, or give its mask."""

    optional: ClassVar[frozenset[str]] = frozenset(
        {
            *("only_mask", "background_color", "post_process_mask", "alpha_matting"),
            *("foreground_threshold", "background_threshold", "erode_size"),
        }
    )

    image: ImageRef
    only_mask: bool = Field(default=False, description="Give the grey mask instead of the cut-out.")
    post_process_mask: bool = Field(default=True, description="Take out specks and holes.")
    alpha_matting: bool = Field(default=True, description="Work out soft edges such as hair and fur.")
    foreground_threshold: Channel = Field(default=240, description="Mask values from here on are surely subject.")
    background_threshold: Channel = Field(default=15, description="Mask values up to here are surely background.")
    erode_size: Annotated[int, Field(ge=0, le=64)] = Field(default=8, description="Half width of the soft edge.")
    background_color: Rgba = Field(default=(255, 255, 255, 0), description="What lies behind the cut-out.")
    output_format: Literal["png", "webp"] = "png"
    output_quality: Quality = 95

    def given(self) -> frozenset[str]:
        """A cut-out on nothing is what every model makes."""
        plain = {"only_mask": not self.only_mask, "background_color": self.background_color[3] == 0}
        return super().given() - {name for name, is_plain in plain.items() if is_plain}

    def fault_with(self, name: str, width: int, height: int) -> tuple[str, str] | None:
        if self.foreground_threshold <= self.background_threshold:
            return "foreground_threshold", "foreground_threshold must be above background_threshold."
        return _too_small(width, height)


class ReplaceBackgroundInput(OperationInput):
    """Put the subject of a photo into a new setting: a preset, a prompt, or both."""

    optional: ClassVar[frozenset[str]] = frozenset({"negative_prompt", "shadow", "seed"})

    image: ImageRef
    preset: str | None = Field(default=None, max_length=64, description="One of `GET /v1/presets`.")
    prompt: Prompt | None = Field(default=None, examples=["on a marble table, soft morning light"])
    negative_prompt: Prompt | None = None
    num_images: Annotated[int, Field(ge=1, le=4)] = Field(default=1, description="How many variants.")
    width: Side | None = Field(default=None, description="Of the result; default: the photo's.")
    height: Side | None = Field(default=None, description="Of the result; default: the photo's.")
    shadow: bool = Field(default=True, description="Lay a shadow where the subject stands.")
    seed: Seed | None = None
    output_format: Format = "png"
    output_quality: Quality = 95

    @property
    def outputs(self) -> int:
        return self.num_images

    def fault_with(self, name: str, width: int, height: int) -> tuple[str, str] | None:
        return _too_small(width, height)

    def pixels(self, width: int, height: int) -> int:
        return (self.width or width) * (self.height or height)

    @model_validator(mode="after")
    def _has_a_setting(self) -> "ReplaceBackgroundInput":
        if self.preset is None and not (self.prompt or "").strip():
            raise PydanticCustomError("preset_or_prompt", "Give a preset, a prompt, or both.")
        return self


class GeneratedInput(OperationInput):
    """What all that is made by a model of pictures takes."""

    optional: ClassVar[frozenset[str]] = frozenset(
        {"negative_prompt", "steps", "guidance_scale", "seed", "scheduler", "strength", "mask_margin"}
    )

    negative_prompt: Prompt | None = Field(default=None, description="What is not to be in the picture.")
    steps: Annotated[int, Field(ge=1, le=150)] | None = Field(default=None, description="Default: the model's.")
    guidance_scale: Annotated[float, Field(ge=0, le=50, allow_inf_nan=False)] | None = Field(
        default=None, description="How closely to follow the prompt; default: the model's."
    )
    seed: Seed | None = None
    scheduler: Annotated[Text, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="By the model's name for it; default: the model's."
    )
    num_images: Annotated[int, Field(ge=1, le=4)] = Field(default=1, description="How many variants.")
    output_format: Format = "png"
    output_quality: Quality = 95

    @property
    def outputs(self) -> int:
        return self.num_images


class TextToImageInput(GeneratedInput):
    """Make pictures from words."""

    images: ClassVar[tuple[str, ...]] = ()

    prompt: NonEmptyPrompt = Field(examples=["a red bicycle on a beach at sunrise"])
    width: Side = 1024
    height: Side = 1024

    def pixels(self, width: int, height: int) -> int:
        return self.width * self.height


class ImageToImageInput(GeneratedInput):
    """Make pictures from a picture and words: by changing it, or in its style."""

    optional: ClassVar[frozenset[str]] = GeneratedInput.optional | {"reference"}

    image: ImageRef
    reference: Literal["content", "style"] = Field(
        default="content", description="What is taken from the image: `style` is its look alone, for a new picture."
    )
    prompt: NonEmptyPrompt = Field(examples=["the same street in winter"])
    strength: Strength = Field(
        default=0.75,
        description="How far to move away from the image: 0 keeps it. Of a style: how strongly it is followed.",
    )
    width: Side | None = Field(default=None, description="Of the result; default: the image's.")
    height: Side | None = Field(default=None, description="Of the result; default: the image's.")

    def given(self) -> frozenset[str]:
        """The content is what every model takes."""
        return super().given() - ({"reference"} if self.reference == "content" else set())

    def pixels(self, width: int, height: int) -> int:
        return (self.width or width) * (self.height or height)


class InpaintInput(GeneratedInput):
    """Paint a part of a picture anew."""

    images: ClassVar[tuple[str, ...]] = ("image", "mask")

    image: ImageRef
    mask: ImageRef = Field(description="A picture of the image's size: white is painted anew, black is kept.")
    prompt: NonEmptyPrompt = Field(examples=["a vase of dried flowers"])
    strength: Strength = Field(default=0.8, description="How far to move away from what is there.")
    mask_margin: Annotated[int, Field(ge=0, le=128)] | None = Field(
        default=None, description="Pixels around the mask the model looks at; default: the model's."
    )

    def fault_between(self, sizes: Mapping[str, tuple[int, int]]) -> tuple[str, str] | None:
        image, mask = sizes["image"], sizes["mask"]
        if image != mask:
            return "mask", f"The mask is {mask[0]}×{mask[1]} and the image {image[0]}×{image[1]}: make them the same."
        return None


class OutpaintInput(GeneratedInput):
    """Continue a picture beyond its edges."""

    image: ImageRef
    prompt: Prompt = Field(default="", examples=["more of the meadow"])
    top: Added = 0
    right: Added = 0
    bottom: Added = 0
    left: Added = 0

    def pixels(self, width: int, height: int) -> int:
        return (width + self.left + self.right) * (height + self.top + self.bottom)

    def fault_with(self, name: str, width: int, height: int) -> tuple[str, str] | None:
        wide, high = width + self.left + self.right, height + self.top + self.bottom
        if max(wide, high) > MAX_SIDE:
            return "image", f"The result would be {wide}×{high}; at most {MAX_SIDE} pixels a side."
        return None

    @model_validator(mode="after")
    def _adds_something(self) -> "OutpaintInput":
        if not (self.top or self.right or self.bottom or self.left):
            raise PydanticCustomError("nothing_to_add", "Say how many pixels to add: top, right, bottom or left.")
        return self


class EditImageInput(GeneratedInput):
    """Change a picture by an instruction."""

    image: ImageRef
    prompt: NonEmptyPrompt = Field(examples=["make it snow"], description="What is to be changed.")


class Crop(BaseModel):
    """A rectangle of the picture, in pixels from its top left corner."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    left: Annotated[int, Field(ge=0, le=MAX_SIDE)]
    top: Annotated[int, Field(ge=0, le=MAX_SIDE)]
    width: Side
    height: Side


class TransformImageInput(OperationInput):
    """Crop, resize, rotate, flip, adjust, blur, sharpen, convert: in this order."""

    image: ImageRef
    crop: Crop | None = None
    width: Side | None = Field(default=None, description="Alone: the height follows.")
    height: Side | None = Field(default=None, description="Alone: the width follows.")
    fit: Literal["contain", "cover", "fill", "inside"] = Field(
        default="inside",
        description="With both sides given: `inside` keeps all of the picture and its shape, `contain` pads to "
        "the size, `cover` fills it and crops, `fill` stretches.",
    )
    rotate: Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)] = Field(
        default=0, description="Degrees, clockwise."
    )
    background_color: Rgba = Field(default=(255, 255, 255, 0), description="Of what padding and rotation lay bare.")
    flip: Literal["horizontal", "vertical", "both"] | None = None
    brightness: Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)] = 1
    contrast: Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)] = 1
    saturation: Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)] = 1
    grayscale: bool = False
    blur: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = Field(default=0, description="Sigma, in pixels.")
    sharpen: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0
    output_format: Format | None = Field(default=None, description="Default: that of the picture.")
    output_quality: Quality = 90

    def fault_with(self, name: str, width: int, height: int) -> tuple[str, str] | None:
        crop = self.crop
        if crop and (crop.left + crop.width > width or crop.top + crop.height > height):
            return "crop", f"The crop reaches outside the picture, which is {width}×{height}."
        return None


class UpscaleInput(OperationInput):
    """Enlarge a picture and work out its detail."""

    image: ImageRef
    scale: Literal[2, 4] = 2
    output_format: Format = "png"
    output_quality: Quality = 95

    def pixels(self, width: int, height: int) -> int:
        return self.scale**2 * width * height

    def fault_with(self, name: str, width: int, height: int) -> tuple[str, str] | None:
        if self.scale * max(width, height) > MAX_UPSCALED_SIDE:
            return "scale", f"{self.scale}× of {width}×{height} is over {MAX_UPSCALED_SIDE} pixels a side."
        return None


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    input: type[OperationInput]
    is_in_house: bool
    """Done by us and free of outside cost: test keys get the real thing."""
    example: Mapping[str, Any]

    @property
    def summary(self) -> str:
        return (self.input.__doc__ or "").strip()


_IMAGE = "asset_01jcqzm4x8e3v9tk5h2w7d6n0p"
_MASK = "asset_01jcqzm5a2fbsr6q8c1xk4y7ze"

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            Operation("remove_background", RemoveBackgroundInput, False, {"image": _IMAGE}),
            Operation(
                "replace_background",
                ReplaceBackgroundInput,
                False,
                {"image": _IMAGE, "preset": "studio-white", "prompt": "soft morning light", "num_images": 2},
            ),
            Operation(
                "text_to_image",
                TextToImageInput,
                False,
                {"prompt": "a red bicycle on a beach at sunrise", "width": 1024, "height": 768, "num_images": 2},
            ),
            Operation(
                "image_to_image",
                ImageToImageInput,
                False,
                {"image": _IMAGE, "prompt": "the same street in winter", "strength": 0.6},
            ),
            Operation(
                "inpaint",
                InpaintInput,
                False,
                {"image": _IMAGE, "mask": _MASK, "prompt": "a vase of dried flowers"},
            ),
            Operation(
                "outpaint", OutpaintInput, False, {"image": _IMAGE, "prompt": "more of the meadow", "right": 512}
            ),
            Operation("edit_image", EditImageInput, False, {"image": _IMAGE, "prompt": "make it snow"}),
            Operation(
                "transform_image", TransformImageInput, True, {"image": _IMAGE, "width": 800, "output_format": "webp"}
            ),
            Operation("upscale", UpscaleInput, False, {"image": _IMAGE, "scale": 2}),
        )
    }
)
