"""Assets as the customer sees them: one builder of the wire's shape."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.assets.imaging import Rendition
from app.assets.models import Asset, AssetKind
from app.assets.tools import AssetTools
from app.core.ids import encode
from app.core.wire import moment

Json = dict[str, Any]
NO_URLS: Json = {"full": None, "medium": None, "thumbnail": None}
"""Of an asset that is gone."""


def shown(tools: AssetTools, row: Mapping[str, Any], keys: Mapping[str, str]) -> Json:
    """The asset as `AssetRead` describes it, with fresh links.

    `row` has the columns of `assets`, its digest in hex, its moments as the wire has them; `keys` has the storage key
    of each rendition.
    """
    return {
        "id": encode("asset", UUID(row["id"])),
        "object": "asset",
        "kind": row["kind"],
        "source": row["source"],
        "content_type": row["content_type"],
        "bytes": row["bytes"],
        "width": row["width"],
        "height": row["height"],
        "duration": row["duration"],
        "sha256": row["sha256"],
        "placeholder": row["placeholder"],
        "urls": urls(tools, row["kind"], keys),
        "favorite": row["favorite"],
        "task_id": encode("task", UUID(row["task_id"])) if row["task_id"] else None,
        "metadata": row["metadata"],
        "created_at": row["created_at"],
        "filename": row["filename"],
    }


def urls(tools: AssetTools, kind: str, keys: Mapping[str, str]) -> Json:
    """Fresh links to the renditions; of an image that is small enough, all are to the full one."""
    links = {rendition: tools.storage.signed_url(key) for rendition, key in keys.items()}
    full = links[Rendition.FULL]
    small = full if kind == AssetKind.IMAGE else None
    return {
        "full": full,
        "medium": links.get(Rendition.MEDIUM, small),
        "thumbnail": links.get(Rendition.THUMBNAIL, small),
    }


def in_order(tools: AssetTools, rows: Iterable[Mapping[str, Any]], ids: Sequence[str]) -> list[Json]:
    """The assets with these ids that are there, in this order; each row has its `keys` with it."""
    found = {row["id"]: row for row in rows}
    return [shown(tools, found[one], found[one]["keys"]) for one in ids if one in found]


def of(tools: AssetTools, asset: Asset) -> Json:
    """The same of a row of the ORM, its files loaded."""
    row = {attribute.columns[0].name: getattr(asset, attribute.key) for attribute in Asset.__mapper__.column_attrs}
    row |= {
        "id": str(asset.id),
        "task_id": str(asset.task_id) if asset.task_id else None,
        "sha256": asset.sha256.hex(),
        "created_at": moment(asset.created_at),
    }
    return shown(tools, row, {file.rendition: file.key for file in asset.files})
