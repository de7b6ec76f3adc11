from typing import Literal, cast

AssetCreatedEventMode = Literal["live", "test"]


def check_asset_created_event_mode(value: str) -> AssetCreatedEventMode:
    return cast(AssetCreatedEventMode, value)
