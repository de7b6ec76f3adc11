"""Assets on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.assets.models import AssetKind, AssetSource
from app.core.ids import AssetId, TaskId

# PostgreSQL keeps no NUL in text.
Filename = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
MetadataValue = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    Field(max_length=16, description="Your own notes: at most 16 keys.", examples=[{"sku": "A-17"}]),
]


class AssetCreate(BaseModel):
    """An image to fetch, or one in base64: exactly one of `url` and `base64`."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["base64"]}]},
    )

    url: str = Field(default="", max_length=2048, description="An https URL of a public server; fetched now.")
    base64: str = Field(default="", description="The file in base64, or a `data:` URI.")
    filename: Filename | None = Field(default=None, description="Its name, for downloads.")
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _is_one_file(self) -> Self:
        if len(self.model_fields_set & {"url", "base64"}) != 1:
            raise ValueError("give exactly one of url and base64")
        return self


class AssetUpdate(BaseModel):
    """What to change; the rest stays. `metadata` is replaced as a whole."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"favorite": True, "metadata": {"sku": "A-17"}}]},
    )

    favorite: bool | None = Field(default=None, description="Null leaves it as it is.")
    metadata: Metadata | None = Field(default=None, description="Null leaves it as it is.")
    filename: Filename | None = Field(default=None, description="Null leaves it as it is.")


class AssetUrls(BaseModel):
    """Signed links anyone can open for some days. They stay the same for hours, so that caches work."""

    full: str
    medium: str | None = Field(description="At most 1024 pixels a side.")
    thumbnail: str | None = Field(description="At most 256 pixels a side.")


ASSET_EXAMPLE: dict[str, Any] = {
    "id": "asset_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "asset",
    "kind": "image",
    "source": "upload",
    "content_type": "image/jpeg",
    "bytes": 89207,
    "width": 600,
    "height": 400,
    "duration": None,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "placeholder": "LUJrsuR-r=xF}@Ip9uIpXlS4WoS2",
    "urls": {
        "full": "https://api.example.com/files/assets/0193/full.jpg?expires=1764547200&signature=5f2c",
        "medium": "https://api.example.com/files/assets/0193/medium.webp?expires=1764547200&signature=8e1b",
        "thumbnail": "https://api.example.com/files/assets/0193/thumbnail.webp?expires=1764547200&signature=d09a",
    },
    "favorite": False,
    "task_id": None,
    "metadata": {"sku": "A-17"},
    "created_at": "2026-11-21T09:00:00Z",
    "filename": "coffee.jpg",
}


class AssetSnapshot(BaseModel):
    """A file of yours as it was at one moment, without links to it."""

    id: AssetId
    object: Literal["asset"]
    kind: AssetKind
    source: AssetSource
    content_type: str = Field(description="Of the full rendition.")
    bytes: int = Field(description="Of the full rendition.")
    width: int | None
    height: int | None
    duration: float | None = Field(description="In seconds, of what has one.")
    sha256: str = Field(description="Of the file as it was sent, before metadata was taken out of it.")
    placeholder: str | None = Field(description="A blurhash (https://blurha.sh) to show while the image loads.")
    favorite: bool
    task_id: TaskId | None
    metadata: dict[str, str]
    created_at: datetime
    filename: str | None


class AssetRead(AssetSnapshot):
    """A file of yours."""

    model_config = ConfigDict(json_schema_extra={"examples": [ASSET_EXAMPLE]})

    urls: AssetUrls
