from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="BatchItemCreate")


@_attrs_define
class BatchItemCreate:
    """One order of the batch.

    Attributes:
        filename (None | str | Unset): Yours: kept and shown, to tell the items apart.
        input (Any | Unset): Laid over `defaults`, field by field.
        metadata (Any | Unset): Of the task.
    """

    filename: None | str | Unset = UNSET
    input: Any | Unset = UNSET
    metadata: Any | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        filename: None | str | Unset
        if isinstance(self.filename, Unset):
            filename = UNSET
        else:
            filename = self.filename

        input = self.input

        metadata = self.metadata

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if filename is not UNSET:
            field_dict["filename"] = filename
        if input is not UNSET:
            field_dict["input"] = input
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_filename(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        filename = _parse_filename(d.pop("filename", UNSET))

        input = d.pop("input", UNSET)

        metadata = d.pop("metadata", UNSET)

        batch_item_create = cls(
            filename=filename,
            input=input,
            metadata=metadata,
        )

        return batch_item_create
