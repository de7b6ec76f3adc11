"""What one parameter may be, for a model: one of a list, or what lies in a range."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class OneOf:
    values: tuple[Any, ...]

    def take(self, value: Any) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return " or ".join(map(_written, self.values))


@dataclass(frozen=True, slots=True)
class Between:
    """From `least` to `most`, both included, in steps of `multiple`; of a text, its length in characters."""

    least: float | None = None
    most: float | None = None
    multiple: int | None = None

    def take(self, value: Any) -> bool:
        size = len(value) if isinstance(value, str) else value
        return (
            (self.least is None or size >= self.least)
            and (self.most is None or size <= self.most)
            and (self.multiple is None or size % self.multiple == 0)
        )

    def __str__(self) -> str:
        match self.least, self.most:
            case None, None:
                bounds = ""
            case None, most:
                bounds = f"up to {most:g}"
            case least, None:
                bounds = f"{least:g} and more"
            case least, most:
                bounds = f"{least:g} to {most:g}"
        steps = f"multiples of {self.multiple}" if self.multiple else ""
        return ", ".join(part for part in (bounds, steps) if part)


Values = OneOf | Between


def _written(value: Any) -> str:
    """As it stands in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)
