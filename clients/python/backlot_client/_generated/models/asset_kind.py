from typing import Literal, cast

AssetKind = Literal["audio", "document", "image", "video"]


def check_asset_kind(value: str) -> AssetKind:
    return cast(AssetKind, value)
