"""The models a provider sells: rows of data, one file for each provider.

Ours are `rows/<provider>.toml` beside this file; a plug-in's is `<provider>.toml` beside its adapter.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from app.providers.base import Offer
from app.providers.limits import Limits, Size
from app.providers.values import Between, OneOf, Values

MICRO = 1_000_000
ROWS = Path(__file__).with_name("rows")


def _size(value: Any) -> Any:
    """`1024x768` or `16:9`."""
    return tuple(int(part) for part in value.replace(":", "x").split("x")) if isinstance(value, str) else value


Sizes = tuple[Annotated[Size, BeforeValidator(_size)], ...]
Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
Words = Annotated[str, Field(pattern=r"\{prompt\}")]
Listed = Annotated[tuple[StrictBool | Number | StrictStr, ...], Field(min_length=1)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Limits(_Row):
    least: int = Field(default=1, ge=1)
    most: int = Field(default=4096, ge=1)
    multiple: int = Field(default=1, ge=1)
    most_pixels: int | None = None
    sizes: Sizes = ()
    ratios: Sizes = ()


class _Range(_Row):
    least: Number | None = None
    most: Number | None = None
    multiple: StrictInt | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if (self.least, self.most, self.multiple) == (None, None, None):
            raise ValueError("give least, most or multiple")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is above most")
        return self


def _values(given: Listed | _Range) -> Values:
    return Between(given.least, given.most, given.multiple) if isinstance(given, _Range) else OneOf(given)


class ModelRow(_Row):
    """One model: what it does, its vendor's name for it, what it honours, what it costs."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="as orders name it")
    title: str
    path: str = Field(description="the vendor's own name for it")
    operations: tuple[str, ...] = Field(min_length=1)
    parameters: dict[str, str] = Field(default={}, description="what it honours: the vendor's name by ours")
    values: dict[str, Listed | _Range] = Field(
        default={}, description="of a parameter, by our name: a list of values, or least, most, multiple"
    )
    scales: dict[str, tuple[Number, Number]] = Field(
        default={}, description="of a parameter that goes from 0 to 1, by our name: what these are to the vendor"
    )
    words: dict[str, dict[str, Words]] = Field(
        default={}, description="of a parameter the vendor has none for, by our name: by its values, what to write"
    )
    constants: dict[str, Any] = Field(default={}, description="sent with each call")
    limits: _Limits = _Limits()
    max_outputs: int = Field(default=1, ge=1, le=20)
    seconds: float = Field(default=10, gt=0, description="of one output, until there is history")
    quality: int = Field(default=3, ge=1, le=5)
    cost_usd: float | None = Field(default=None, ge=0, description="of one output")
    credits: float = Field(default=1, ge=0, description="of one output: its first price")
    aliases: tuple[str, ...] = Field(default=(), description="other names orders may use for it")

    def offers(self) -> list[Offer]:
        """One for each of its operations."""
        return [
            Offer(
                operation=operation,
                model=self.name,
                title=self.title,
                seconds=self.seconds,
                max_outputs=self.max_outputs,
                path=self.path,
                parameters=self.parameters,
                values={name: _values(given) for name, given in self.values.items()},
                scales=self.scales,
                words=self.words,
                constants=self.constants,
                limits=Limits(**dict(self.limits)),
                quality=self.quality,
                cost_microusd=None if self.cost_usd is None else round(self.cost_usd * MICRO),
                microcredits=round(self.credits * MICRO),
                aliases=self.aliases,
            )
            for operation in self.operations
        ]


class _File(_Row):
    models: tuple[ModelRow, ...]


@cache
def offers_of(provider: str, adapter: Path) -> tuple[Offer, ...]:
    """The offers of the provider whose adapter is in that file; none where it has no rows. Raises as `read`."""
    file = adapter.with_name(f"{provider}.toml")
    if not file.is_file():
        file = ROWS / file.name
    return read(file) if file.is_file() else ()


def read(file: Path) -> tuple[Offer, ...]:
    """The offers in it, in their order. Raises pydantic.ValidationError naming the row and what is wrong with it."""
    rows = _File.model_validate(tomllib.loads(file.read_text())).models
    return tuple(offer for row in rows for offer in row.offers())
