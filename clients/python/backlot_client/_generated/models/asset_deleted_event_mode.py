from typing import Literal, cast

AssetDeletedEventMode = Literal["live", "test"]


def check_asset_deleted_event_mode(value: str) -> AssetDeletedEventMode:
    return cast(AssetDeletedEventMode, value)
