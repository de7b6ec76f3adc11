from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.asset_kind import AssetKind, check_asset_kind
from ..models.asset_source import AssetSource, check_asset_source

if TYPE_CHECKING:
    from ..models.asset_urls import AssetUrls


T = TypeVar("T", bound="AssetRead")


@_attrs_define
class AssetRead:
    """A file of yours.

    Attributes:
        id (str):
        object_ (Literal['asset']):
        kind (AssetKind):
        source (AssetSource): Sent by the customer, made by a task, or fetched from a URL.
        content_type (str): Of the full rendition.
        bytes_ (int): Of the full rendition.
        width (int | None):
        height (int | None):
        duration (float | None): In seconds, of what has one.
        sha256 (str): Of the file as it was sent, before metadata was taken out of it.
        placeholder (None | str): A blurhash (https://blurha.sh) to show while the image loads.
        favorite (bool):
        task_id (None | str):
        metadata (Any):
        created_at (datetime.datetime):
        filename (None | str):
        urls (AssetUrls): Signed links anyone can open for some days. They stay the same for hours, so that caches work.
    """

    id: str
    object_: Literal["asset"]
    kind: AssetKind
    source: AssetSource
    content_type: str
    bytes_: int
    width: int | None
    height: int | None
    duration: float | None
    sha256: str
    placeholder: None | str
    favorite: bool
    task_id: None | str
    metadata: Any
    created_at: datetime.datetime
    filename: None | str
    urls: AssetUrls
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        object_ = self.object_

        kind: str = self.kind

        source: str = self.source

        content_type = self.content_type

        bytes_ = self.bytes_

        width: int | None
        width = self.width

        height: int | None
        height = self.height

        duration: float | None
        duration = self.duration

        sha256 = self.sha256

        placeholder: None | str
        placeholder = self.placeholder

        favorite = self.favorite

        task_id: None | str
        task_id = self.task_id

        metadata = self.metadata

        created_at = self.created_at.isoformat()

        filename: None | str
        filename = self.filename

        urls = self.urls.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "object": object_,
                "kind": kind,
                "source": source,
                "content_type": content_type,
                "bytes": bytes_,
                "width": width,
                "height": height,
                "duration": duration,
                "sha256": sha256,
                "placeholder": placeholder,
                "favorite": favorite,
                "task_id": task_id,
                "metadata": metadata,
                "created_at": created_at,
                "filename": filename,
                "urls": urls,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.asset_urls import AssetUrls  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        object_ = cast(Literal["asset"], d.pop("object"))
        if object_ != "asset":
            raise ValueError(f"object must match const 'asset', got '{object_}'")

        kind = check_asset_kind(d.pop("kind"))

        source = check_asset_source(d.pop("source"))

        content_type = d.pop("content_type")

        bytes_ = d.pop("bytes")

        def _parse_width(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        width = _parse_width(d.pop("width"))

        def _parse_height(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        height = _parse_height(d.pop("height"))

        def _parse_duration(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        duration = _parse_duration(d.pop("duration"))

        sha256 = d.pop("sha256")

        def _parse_placeholder(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        placeholder = _parse_placeholder(d.pop("placeholder"))

        favorite = d.pop("favorite")

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        metadata = d.pop("metadata")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_filename(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        filename = _parse_filename(d.pop("filename"))

        urls = AssetUrls.from_dict(d.pop("urls"))

        asset_read = cls(
            id=id,
            object_=object_,
            kind=kind,
            source=source,
            content_type=content_type,
            bytes_=bytes_,
            width=width,
            height=height,
            duration=duration,
            sha256=sha256,
            placeholder=placeholder,
            favorite=favorite,
            task_id=task_id,
            metadata=metadata,
            created_at=created_at,
            filename=filename,
            urls=urls,
        )

        asset_read.additional_properties = d
        return asset_read

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
