"""Where files are kept: a folder, or anything that speaks S3."""

from app.assets.storage.base import FileMissing, Storage
from app.assets.storage.local import LocalStorage
from app.core.settings import Settings

__all__ = ["FileMissing", "LocalStorage", "Storage", "make_storage"]


def make_storage(settings: Settings) -> Storage:
    if settings.storage.backend == "local":
        return LocalStorage(settings)
    from app.assets.storage.s3 import S3Storage  # its libraries take long to load

    return S3Storage(settings)
