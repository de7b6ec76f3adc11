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
from app.providers.limits import Limits, Traffic
from app.providers.values import Between, OneOf, Values

MICRO = 1_000_000
MOST = 1_000_000
ROWS = Path(__file__).with_name("rows")


def _size(value: Any) -> Any:
    """`1024x768` or `16:9`."""
    return tuple(int(part) for part in value.replace(":", "x").split("x")) if isinstance(value, str) else value


Side = Annotated[int, Field(ge=1)]
Sizes = tuple[Annotated[tuple[Side, Side], BeforeValidator(_size)], ...]
Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
Words = Annotated[str, Field(pattern=r"\{prompt\}")]
Listed = Annotated[tuple[StrictBool | Number | StrictStr, ...], Field(min_length=1)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Limits(_Row):
    least: int = Field(default=1, ge=1)
    most: int = Field(default=4096, ge=1)
    multiple: int = Field(default=1, ge=1)
    most_pixels: int | None = Field(default=None, ge=1)
    sizes: Sizes = ()
    ratios: Sizes = ()

    @model_validator(mode="after")
    def _least_is_not_above_most(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least is {self.least}, above most, which is {self.most}")
        return self


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


class Work(_Row):
    operations: tuple[str, ...] = Field(min_length=1)


class ModelRow(Work):
    """One model: what it does, its vendor's name for it, what it honours, what it costs."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="as orders name it")
    title: str
    path: str = Field(description="the vendor's own name for it")
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
    seconds: float = Field(default=10, gt=0, le=86_400, description="of one output, until there is history")
    quality: int = Field(default=3, ge=1, le=5)
    cost_usd: float | None = Field(default=None, ge=0, le=MOST, description="of one output")
    credits: float = Field(default=1, ge=0, le=MOST, description="of one output: its first price")
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


class _Traffic(_Row):
    requests_per_minute: int | None = Field(default=None, ge=1, description="orders, not looks at jobs")
    jobs_at_once: int | None = Field(default=None, ge=1, description="ordered and not done")


class _File(_Row):
    traffic: _Traffic = _Traffic()
    models: tuple[ModelRow, ...]


def offers_of(provider: str, adapter: Path) -> tuple[Offer, ...]:
    """The offers of the provider whose adapter is in that file; none where it has no rows. Raises as `read`."""
    return tuple(offer for row in _of(provider, adapter).models for offer in row.offers())


def traffic_of(provider: str, adapter: Path) -> Traffic:
    """How much the vendor takes, by the same file."""
    return Traffic(**dict(_of(provider, adapter).traffic))


def read(file: Path) -> tuple[Offer, ...]:
    """The offers in it, in their order. Raises pydantic.ValidationError naming the row and what is wrong with it."""
    return tuple(offer for row in _read(file).models for offer in row.offers())


@cache
def _of(provider: str, adapter: Path) -> _File:
    file = adapter.with_name(f"{provider}.toml")
    if not file.is_file():
        file = ROWS / file.name
    return _read(file) if file.is_file() else _File(models=())


def _read(file: Path) -> _File:
    return _File.model_validate(tomllib.loads(file.read_text()))
