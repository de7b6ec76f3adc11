"""What both kinds of storage promise. A key is written once and never changes: its files may be cached for ever."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import BinaryIO, Protocol
from urllib.parse import quote

from app.core.problems import DependencyDown

CACHE_CONTROL = "private, max-age=31536000, immutable"
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*)*\.[a-z0-9]{1,8}")
_GRIDS = 7
CHUNK = 1024 * 1024


class FileMissing(Exception):
    """There is no file under this key."""


class Storage(Protocol):
    """Raises DependencyDown when the place itself cannot be reached."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def check(self) -> None:
        """Whether files could be written and read now."""

    async def put(self, key: str, content: bytes, content_type: str) -> None: ...

    async def put_file(self, key: str, file: BinaryIO, content_type: str) -> None:
        """The same for what is too large to hold in memory: read from the file's beginning."""

    async def read(self, key: str) -> bytes:
        """Raises FileMissing."""

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The file a MiB at a time at most. Raises FileMissing."""

    async def exists(self, key: str) -> bool: ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Files that are not there are none to delete."""

    def list_keys(self, *, older_than: datetime) -> AsyncIterator[str]: ...

    def signed_url(self, key: str, *, download_as: str | None = None) -> str:
        """A URL anyone may read the file with, for about `settings.storage.url_seconds`.

        It is the same for a while, so that browsers find the file in their cache. `download_as` makes the browser
        save it under that name instead of showing it.
        """


def is_key(text: str) -> bool:
    """Lower-case words between slashes and an extension: no dots to climb with, nothing to quote in a URL."""
    return len(text) <= 200 and _KEY.fullmatch(text) is not None


def checked(key: str) -> str:
    if not is_key(key):
        raise ValueError(f"not a storage key: {key!r}")
    return key


def grid(seconds: int) -> int:
    """Signed URLs change this often."""
    return max(seconds // _GRIDS, 1)


def attachment(filename: str) -> str:
    """The Content-Disposition that saves the file: RFC 6266, with the name in RFC 5987 for all but old browsers."""
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", filename) or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def storage_down() -> DependencyDown:
    return DependencyDown("The file storage cannot be reached just now.", headers={"Retry-After": "5"})
