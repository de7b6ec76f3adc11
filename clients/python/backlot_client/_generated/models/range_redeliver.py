from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.range_redeliver_include import (
    RangeRedeliverInclude,
    check_range_redeliver_include,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="RangeRedeliver")


@_attrs_define
class RangeRedeliver:
    """Which events are to be sent again: those of a time.

    Attributes:
        after (datetime.datetime): The event happened then or later; as far as the log goes back.
        before (datetime.datetime | None | Unset): And before; default: now.
        include (RangeRedeliverInclude | Unset): `failed`: those given up. `undelivered`: all that did not arrive, also
            what happened while the endpoint was disabled or not there yet. `all`: those that arrived too. Default:
            'undelivered'.
        cursor (None | str | Unset): `next_cursor` of the answer before, with the rest unchanged.
    """

    after: datetime.datetime
    before: datetime.datetime | None | Unset = UNSET
    include: RangeRedeliverInclude | Unset = "undelivered"
    cursor: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        after = self.after.isoformat()

        before: None | str | Unset
        if isinstance(self.before, Unset):
            before = UNSET
        elif isinstance(self.before, datetime.datetime):
            before = self.before.isoformat()
        else:
            before = self.before

        include: str | Unset = UNSET
        if not isinstance(self.include, Unset):
            include = self.include

        cursor: None | str | Unset
        if isinstance(self.cursor, Unset):
            cursor = UNSET
        else:
            cursor = self.cursor

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "after": after,
            }
        )
        if before is not UNSET:
            field_dict["before"] = before
        if include is not UNSET:
            field_dict["include"] = include
        if cursor is not UNSET:
            field_dict["cursor"] = cursor

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        after = datetime.datetime.fromisoformat(d.pop("after"))

        def _parse_before(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                before_type_0 = datetime.datetime.fromisoformat(data)

                return before_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        before = _parse_before(d.pop("before", UNSET))

        _include = d.pop("include", UNSET)
        include: RangeRedeliverInclude | Unset
        if isinstance(_include, Unset):
            include = UNSET
        else:
            include = check_range_redeliver_include(_include)

        def _parse_cursor(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        cursor = _parse_cursor(d.pop("cursor", UNSET))

        range_redeliver = cls(
            after=after,
            before=before,
            include=include,
            cursor=cursor,
        )

        return range_redeliver
