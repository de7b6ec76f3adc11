from typing import Literal, cast

AssetSource = Literal["import", "task", "upload"]


def check_asset_source(value: str) -> AssetSource:
    return cast(AssetSource, value)
