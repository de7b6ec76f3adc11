import datetime
from typing import Any

import httpx

from .... import _calls
from ...models.asset_kind import AssetKind
from ...models.asset_source import AssetSource
from ...models.page_asset_read import PageAssetRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageAssetRead:
    response_200 = PageAssetRead.from_dict(response.json())

    return response_200


def list_assets(
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    kind: AssetKind | None | Unset = UNSET,
    source: AssetSource | None | Unset = UNSET,
    favorite: bool | None | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    task_id: None | str | Unset = UNSET,
) -> _calls.Call[PageAssetRead]:
    """List the workspace's assets, newest first."""

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_cursor: None | str | Unset
    if isinstance(cursor, Unset):
        json_cursor = UNSET
    else:
        json_cursor = cursor
    params["cursor"] = json_cursor

    json_kind: None | str | Unset
    if isinstance(kind, Unset):
        json_kind = UNSET
    elif isinstance(kind, str):
        json_kind = kind
    else:
        json_kind = kind
    params["kind"] = json_kind

    json_source: None | str | Unset
    if isinstance(source, Unset):
        json_source = UNSET
    elif isinstance(source, str):
        json_source = source
    else:
        json_source = source
    params["source"] = json_source

    json_favorite: bool | None | Unset
    if isinstance(favorite, Unset):
        json_favorite = UNSET
    else:
        json_favorite = favorite
    params["favorite"] = json_favorite

    json_created_after: None | str | Unset
    if isinstance(created_after, Unset):
        json_created_after = UNSET
    elif isinstance(created_after, datetime.datetime):
        json_created_after = created_after.isoformat()
    else:
        json_created_after = created_after
    params["created_after"] = json_created_after

    json_task_id: None | str | Unset
    if isinstance(task_id, Unset):
        json_task_id = UNSET
    else:
        json_task_id = task_id
    params["task_id"] = json_task_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/assets",
        _parse,
        params=params,
        is_safe_twice=True,
    )
