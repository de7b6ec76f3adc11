"""SQL of assets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import Select, delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.assets.models import Asset, AssetFile, AssetStatus
from app.core.db import Database
from app.core.paging import PageRequest

FACTS = """
    select kind, width, height from assets
    where id = $1 and workspace_id = $2 and mode = $3 and status = 'ready' and deleted_at is null
"""

FACTS_OF_MANY = """
    select id, kind, width, height from assets
    where id = any ($1) and workspace_id = $2 and mode = $3 and status = 'ready' and deleted_at is null
"""

INPUTS = """
    select a.id, a.width, a.height, f.key
    from assets a join asset_files f on f.asset_id = a.id and f.rendition = 'full'
    where a.id = any ($1) and a.workspace_id = $2 and a.mode = $3 and a.status = 'ready' and a.deleted_at is null
"""

FILES = """
    select a.id, a.kind, f.rendition, f.key from assets a join asset_files f on f.asset_id = a.id
    where a.id = any ($1) and a.status = 'ready' and a.deleted_at is null
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to. A task's intermediate files are shown to those who ask for that task."""

    kind: str | None = None
    source: str | None = None
    favorite: bool | None = None
    created_after: datetime | None = None
    task_id: UUID | None = None


def _visible() -> Select[Asset]:
    return (
        select(Asset)
        .where(Asset.status == AssetStatus.READY, Asset.deleted_at.is_(None))
        .options(selectinload(Asset.files))
    )


async def find_ready(
    session: AsyncSession, asset_id: UUID, *, workspace_id: UUID, mode: str, locks: bool = False
) -> Asset | None:
    query = _visible().where(Asset.id == asset_id, Asset.workspace_id == workspace_id, Asset.mode == mode)
    if locks:
        query = query.with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def list_ready_by_ids(session: AsyncSession, asset_ids: Iterable[UUID]) -> Sequence[Asset]:
    return (await session.execute(_visible().where(Asset.id.in_(asset_ids)))).scalars().all()


async def list_ready(
    session: AsyncSession, page: PageRequest, filters: Filters, *, workspace_id: UUID, mode: str
) -> Sequence[Asset]:
    query = _visible().where(Asset.workspace_id == workspace_id, Asset.mode == mode)
    if filters.kind is not None:
        query = query.where(Asset.kind == filters.kind)
    if filters.source is not None:
        query = query.where(Asset.source == filters.source)
    if filters.favorite is not None:
        query = query.where(Asset.favorite == filters.favorite)
    if filters.created_after is not None:
        query = query.where(Asset.created_at > filters.created_after)
    if filters.task_id is not None:
        query = query.where(Asset.task_id == filters.task_id)
    else:
        query = query.where(Asset.is_intermediate.is_(False))
    if page.after:
        query = query.where(tuple_(Asset.created_at, Asset.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Asset.created_at.desc(), Asset.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


_ADD = """
    with added as (
        insert into assets (
            id, workspace_id, mode, kind, source, status, content_type, bytes, width, height, sha256, placeholder,
            filename, favorite, is_intermediate, task_id, metadata, created_at)
        select id, workspace_id, mode, 'image', source, 'pending', content_type, bytes, width, height,
               decode(sha256, 'hex'), placeholder, filename, false, is_intermediate, task_id, '{}', created_at
        from jsonb_to_recordset($1::jsonb) as x (
            id uuid, workspace_id uuid, mode text, source text, content_type text, bytes bigint, width int, height int,
            sha256 text, placeholder text, filename text, is_intermediate boolean, task_id uuid,
            created_at timestamptz)
    )
    insert into asset_files (asset_id, rendition, key, content_type, bytes, width, height)
    select asset_id, rendition, key, content_type, bytes, width, height
    from jsonb_to_recordset($2::jsonb) as x (
        asset_id uuid, rendition text, key text, content_type text, bytes bigint, width int, height int)
"""
_ASSET_COLUMNS = ("id", "workspace_id", "mode", "source", "content_type", "width", "height", "placeholder", "filename",
                  "is_intermediate", "task_id", "created_at")  # fmt: skip
_FILE_COLUMNS = ("rendition", "key", "content_type", "width", "height")


async def add(database: Database, assets: Sequence[Asset]) -> None:
    """Note assets that are about to be stored, as pending, with their files: all in one statement."""
    rows = [
        {name: getattr(asset, name) for name in _ASSET_COLUMNS} | {"bytes": asset.size, "sha256": asset.sha256.hex()}
        for asset in assets
    ]
    files = [
        {name: getattr(file, name) for name in _FILE_COLUMNS} | {"asset_id": asset.id, "bytes": file.size}
        for asset in assets
        for file in asset.files
    ]
    await database.fetch(_ADD, orjson.dumps(rows, default=str).decode(), orjson.dumps(files, default=str).decode())


async def publish(session: AsyncSession, asset_ids: Sequence[UUID]) -> int:
    """Make them visible; how many there were."""
    done = await session.execute(
        update(Asset).where(Asset.id.in_(asset_ids), Asset.deleted_at.is_(None)).values(status=AssetStatus.READY)
    )
    return done.rowcount  # type: ignore[attr-defined, no-any-return]


async def mark_deleted(session: AsyncSession, asset_ids: Sequence[UUID], now: datetime) -> None:
    await session.execute(
        update(Asset).where(Asset.id.in_(asset_ids), Asset.deleted_at.is_(None)).values(deleted_at=now)
    )


async def list_keys_of_deleted(session: AsyncSession, asset_ids: Sequence[UUID]) -> Sequence[str]:
    return (
        (
            await session.execute(
                select(AssetFile.key)
                .join(Asset, Asset.id == AssetFile.asset_id)
                .where(Asset.id.in_(asset_ids), Asset.deleted_at.is_not(None))
            )
        )
        .scalars()
        .all()
    )


async def remove_deleted(session: AsyncSession, asset_ids: Sequence[UUID]) -> None:
    await session.execute(delete(Asset).where(Asset.id.in_(asset_ids), Asset.deleted_at.is_not(None)))


async def list_unfinished(session: AsyncSession, *, started_before: datetime, limit: int) -> Sequence[UUID]:
    """What was left behind: begun long ago, or deleted with its files not yet known to be gone."""
    return (
        (
            await session.execute(
                select(Asset.id)
                .where(
                    or_(
                        (Asset.status == AssetStatus.PENDING) & (Asset.created_at < started_before),
                        Asset.deleted_at.is_not(None),
                    )
                )
                .limit(limit)
            )
        )
        .scalars()
        .all()
    )


async def list_unknown_keys(session: AsyncSession, keys: Sequence[str]) -> Sequence[str]:
    """Those of the keys no asset has."""
    known = select(AssetFile.key).where(AssetFile.key == func.any(list(keys)))
    found = set((await session.execute(known)).scalars())
    return [key for key in keys if key not in found]
