"""Where files are kept: a folder, or anything that speaks S3."""

from app.assets.storage.base import FileMissing, Storage
from app.assets.storage.local import LocalStorage
from app.assets.storage.s3 import S3Storage
from app.core.settings import Settings

__all__ = ["FileMissing", "LocalStorage", "S3Storage", "Storage", "make_storage"]


def make_storage(settings: Settings) -> LocalStorage | S3Storage:
    return S3Storage(settings) if settings.storage.backend == "s3" else LocalStorage(settings)
