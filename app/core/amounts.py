"""Credits: whole millionths inside, JSON numbers with at most six decimals on the wire."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

MICRO = 1_000_000
MOST = 1_000_000_000
"""Credits in one number that is given to us."""
_PLAIN = re.compile(r"(\d{1,9})(?:\.(\d{1,6}))?", re.ASCII)


def from_credits(whole: int) -> int:
    return whole * MICRO


def to_number(micro: int) -> int | float:
    """`1500000` is `1.5`, `2000000` is `2`."""
    return micro // MICRO if micro % MICRO == 0 else micro / MICRO


def to_text(micro: int) -> str:
    """`-1500000` is `-1.5`: the exact decimal, for what is no JSON."""
    whole, rest = divmod(abs(micro), MICRO)
    return f"{'-' if micro < 0 else ''}{whole}" + (f".{rest:06}".rstrip("0") if rest else "")


def from_number(value: object) -> int:
    """Of a number on the wire, zero or above. Raises ValueError when it is no number of credits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Give a number of credits.")
    credits_ = Decimal(str(value))
    if not credits_.is_finite() or not 0 <= credits_ <= MOST or credits_ * MICRO % 1:
        raise ValueError("Give credits from zero to a thousand million, with at most six decimals.")
    return int(credits_ * MICRO)


def from_text(text: str) -> int:
    """`1.5` is `1500000`. Raises ValueError when it is no plain number above zero with at most six decimals."""
    match = _PLAIN.fullmatch(text)
    micro = int(match[1]) * MICRO + int((match[2] or "").ljust(6, "0")) if match else 0
    if not micro:
        raise ValueError(f"{text!r} is no number of credits: write 100 or 0.25, above zero, with at most six decimals")
    return micro


Credits = Annotated[
    int,
    PlainSerializer(to_number, return_type=int | float),
    WithJsonSchema({"type": "number", "description": "Credits, with at most six decimals.", "examples": [2]}),
]
