"""What tasks make and take: results on their way into storage, and inputs on their way to a provider."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from app.accounts.models import Mode
from app.assets import imaging, queries, service
from app.assets.errors import AssetNotFound, InvalidImage
from app.assets.imaging import Form, Prepared
from app.assets.models import Asset, AssetSource
from app.assets.storage import FileMissing
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import encode
from app.core.lane import Lane
from app.core.processes import WorkRefused


@dataclass(frozen=True, slots=True)
class Input:
    """An asset as a provider gets it."""

    id: UUID
    width: int
    height: int
    key: str


@dataclass(frozen=True, slots=True)
class Source:
    """A result of `size` bytes that is read into memory when its turn comes."""

    size: int
    read: Callable[[], Awaitable[bytes]]

    @classmethod
    def of(cls, content: bytes) -> "Source":
        """Of what is in memory anyway."""

        async def read() -> bytes:
            return content

        return cls(len(content), read)


class Outputs:
    """One per process: rows of many results are written in one statement."""

    def __init__(self, tools: AssetTools, database: Database) -> None:
        self._tools = tools
        self._database = database
        self._rows: Lane[Asset, None] = Lane(self._add)

    async def store(
        self,
        source: Source,
        *,
        workspace_id: UUID,
        mode: Mode,
        task_id: UUID,
        is_intermediate: bool,
        filename: str,
        form: Form | None = None,
    ) -> UUID:
        """Keep what a task made, as pending: in that form, where one is named. Waits for its turn to be in memory.

        A clean file that has the form stays byte for byte. Raises InvalidImage.
        """
        async with self._tools.room.take(source.size):
            prepared, digest = await self._prepared(await source.read(), form)
            asset = service.new_asset(prepared, workspace_id, mode, AssetSource.TASK, digest)
            asset.task_id, asset.is_intermediate = task_id, is_intermediate
            asset.filename = f"{filename}.{prepared.full.content_type.extension}"
            await self._rows.do(asset)
            await service.write_files(self._tools, self._database, asset, prepared)
            return asset.id

    async def _prepared(self, content: bytes, form: Form | None) -> tuple[Prepared, bytes]:
        """And the SHA-256 of what is kept."""
        most = imaging.MAX_OUTPUT_SIDE
        try:
            prepared = await service.prepare(self._tools, content, max_side=most, keeps_clean=True, form=form)
        except WorkRefused as refusal:
            raise InvalidImage(refusal.detail) from refusal
        made = prepared.full.content
        digest = await asyncio.to_thread(_digest, made) if len(made) > 100_000 else _digest(made)
        return prepared, digest

    async def discard(self, asset_ids: Sequence[UUID]) -> None:
        """Take back what was stored for nothing."""
        await service.discard(self._tools, self._database, asset_ids)

    async def find_inputs(self, asset_ids: Collection[UUID], *, workspace_id: UUID, mode: Mode) -> dict[UUID, Input]:
        """Raises AssetNotFound when one is not there any more."""
        rows = await self._database.fetch(queries.INPUTS, list(asset_ids), workspace_id, mode) if asset_ids else []
        found = {row["id"]: Input(row["id"], row["width"] or 0, row["height"] or 0, row["key"]) for row in rows}
        for missing in set(asset_ids) - found.keys():
            raise AssetNotFound(f"There is no asset {encode('asset', missing)} in this workspace.")
        return found

    async def read(self, asset: Input) -> bytes:
        """The full rendition. Raises AssetNotFound when it was deleted meanwhile."""
        try:
            return await self._tools.storage.read(asset.key)
        except FileMissing as fault:
            raise AssetNotFound(f"The file of {encode('asset', asset.id)} was deleted.") from fault

    async def read_mask(self, content: bytes) -> bytes:
        """The picture's light as a grey PNG of one band, black where it is transparent. Raises InvalidImage."""
        if imaging.is_mask(content):
            return content
        try:
            return await service.decoded(self._tools, imaging.to_mask, content, imaging.MAX_OUTPUT_SIDE)
        except WorkRefused as refusal:
            raise InvalidImage(refusal.detail) from refusal

    async def _add(self, assets: Sequence[Asset]) -> list[None]:
        await queries.add(self._database, assets)
        return [None] * len(assets)


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()
