from .delete_asset import delete_asset
from .get_asset import get_asset
from .get_asset_content import get_asset_content
from .list_assets import list_assets
from .update_asset import update_asset

__all__ = [
    "delete_asset",
    "get_asset",
    "get_asset_content",
    "list_assets",
    "update_asset",
]
