"""Values on the wire: types for what Python would take and PostgreSQL would not, and how answers are written."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, overload

import orjson
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters PostgreSQL keeps neither in text nor in JSON: NUL, and halves of surrogate pairs."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Text that can be kept; Pydantic refuses halves of surrogate pairs by itself."""


_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, and what ends lines or turns their direction around."""


def _label(value: str) -> str:
    if _UNSHOWABLE.search(value):
        raise PydanticCustomError("label", "Give it on one line, without control characters.")
    return value


Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_label)]
"""A name that is shown: one line of 1 to 100 characters, no control characters, no spaces around it."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _moment(value: Any) -> Any:
    """Numbers are no moments here, and a moment near the ends of the calendar must still be one in UTC."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise PydanticCustomError("moment", "Give an RFC 3339 date and time with its offset: 2026-01-31T12:00:00Z.")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment", "There is no such date or time.") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""RFC 3339, kept in UTC."""


@overload
def moment(value: datetime) -> str: ...
@overload
def moment(value: datetime | None) -> str | None: ...
def moment(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, as all answers have it."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


def dumps(value: Any) -> bytes:
    """JSON, fast; whole numbers of any size are written as they are, ids and the like as their text."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # a whole number beyond 64 bits
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str).encode()
