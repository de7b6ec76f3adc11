"""Files in a folder, read through signed URLs of the API itself."""

import asyncio
import hmac
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from app.assets.storage.base import CHUNK, FileMissing, checked, grid, is_key, storage_down
from app.core.sealing import derive_key
from app.core.settings import Settings

PARTIAL_SECONDS = 3600


class LocalStorage:
    """For development and for a single machine: every process must see the same folder."""

    def __init__(self, settings: Settings) -> None:
        self.root = (settings.data / "files").absolute()
        self._partial = self.root / ".partial"
        self._secret = derive_key(settings, "file links")
        self._url_seconds = settings.storage.url_seconds
        self._base = settings.api.public_url.rstrip("/") + "/files/"
        self._cdn = settings.storage.cdn_url

    async def open(self) -> None:
        def prepare() -> None:
            self._partial.mkdir(parents=True, exist_ok=True)
            for leftover in self._partial.iterdir():
                if leftover.stat().st_mtime < time.time() - PARTIAL_SECONDS:
                    leftover.unlink(missing_ok=True)

        await asyncio.to_thread(prepare)

    async def close(self) -> None:
        """Nothing is held."""

    async def check(self) -> None:
        if not await asyncio.to_thread(os.access, self.root, os.R_OK | os.W_OK | os.X_OK):
            raise storage_down()

    async def put(self, key: str, content: bytes, content_type: str) -> None:
        await self._put(key, lambda file: file.write(content))

    async def put_file(self, key: str, file: BinaryIO, content_type: str) -> None:
        def copy(into: BinaryIO) -> None:
            file.seek(0)
            shutil.copyfileobj(file, into, CHUNK)

        await self._put(key, copy)

    async def _put(self, key: str, fill: Callable[[BinaryIO], object]) -> None:
        writing = asyncio.ensure_future(asyncio.to_thread(self._write, self.path(key), fill))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])  # a thread cannot be stopped: who deletes next must come after it
            raise
        except OSError as fault:
            raise storage_down() from fault

    async def read(self, key: str) -> bytes:
        try:
            return await asyncio.to_thread(self.path(key).read_bytes)
        except FileNotFoundError as fault:
            raise FileMissing(key) from fault
        except OSError as fault:
            raise storage_down() from fault

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self.path(key).open, "rb")
        except FileNotFoundError as fault:
            raise FileMissing(key) from fault
        except OSError as fault:
            raise storage_down() from fault
        try:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
        except OSError as fault:
            raise storage_down() from fault
        finally:
            file.close()

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self.path(key).is_file)

    async def delete(self, keys: Sequence[str]) -> None:
        paths = [self.path(key) for key in keys]
        try:
            await asyncio.to_thread(self._remove, paths)
        except OSError as fault:
            raise storage_down() from fault

    async def list_keys(self, *, older_than: datetime) -> AsyncIterator[str]:
        limit = older_than.timestamp()

        def find() -> list[str]:
            found = (path for path in self.root.rglob("*") if path.is_file())
            keys = (str(path.relative_to(self.root)) for path in found if path.stat().st_mtime < limit)
            return sorted(key for key in keys if is_key(key))

        for key in await asyncio.to_thread(find):
            yield key

    def signed_url(self, key: str, *, download_as: str | None = None) -> str:
        if self._cdn and download_as is None:
            return f"{self._cdn.rstrip('/')}/{checked(key)}"
        step = grid(self._url_seconds)
        expires = -(-(int(time.time()) + self._url_seconds) // step) * step
        query = {"expires": str(expires)}
        if download_as is not None:
            query["download"] = download_as
        query["signature"] = self._signature(checked(key), expires, download_as)
        return f"{self._base}{key}?{urlencode(query)}"

    def admits(self, key: str, expires: int, download_as: str | None, signature: str) -> bool:
        """Whether we signed this, and it is still good."""
        expected = self._signature(key, expires, download_as)
        is_ours = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
        return is_ours and expires >= time.time() and is_key(key)

    def path(self, key: str) -> Path:
        """Where the file is. Raises ValueError for anything that is not a key."""
        return self.root / checked(key)

    def _signature(self, key: str, expires: int, download_as: str | None) -> str:
        said = f"files\n{key}\n{expires}\n{'' if download_as is None else 'as:' + download_as}"
        return hmac.new(self._secret, said.encode("utf-8", "replace"), sha256).hexdigest()

    def _write(self, path: Path, fill: Callable[[BinaryIO], object]) -> None:
        """Whole or not at all, also when the power goes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._partial.mkdir(parents=True, exist_ok=True)
        draft = self._partial / secrets.token_hex(16)
        try:
            with draft.open("wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _remove(self, paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
            parent = path.parent
            while parent != self.root:
                try:
                    parent.rmdir()
                except OSError:
                    break
                parent = parent.parent
