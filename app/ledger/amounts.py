"""Credits: whole millionths inside, JSON numbers with at most six decimals on the wire."""

from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

MICRO = 1_000_000


def from_credits(whole: int) -> int:
    return whole * MICRO


def to_number(micro: int) -> int | float:
    """`1500000` is `1.5`, `2000000` is `2`."""
    return micro // MICRO if micro % MICRO == 0 else micro / MICRO


Credits = Annotated[
    int,
    PlainSerializer(to_number, return_type=int | float),
    WithJsonSchema({"type": "number", "description": "Credits, with at most six decimals.", "examples": [2]}),
]
