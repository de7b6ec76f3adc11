"""Rules of assets: how a file gets in, who sees it, and how it goes.

A file's row comes first, as `pending`, with the keys of what will be written; then the files; then it is published.
Whatever stops in between is found by its row and swept away. Storage and network are never spoken to inside a
transaction.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Mode
from app.accounts.schemas import CallerInfo
from app.assets import imaging, queries, reading
from app.assets.errors import (
    AssetNotFound,
    EmptyFile,
    FileTooLarge,
    ImageTooLarge,
    InvalidImage,
    UrlNotAllowed,
    UrlUnreachable,
)
from app.assets.imaging import Form, ImageType, Prepared, Rendition
from app.assets.models import Asset, AssetFile, AssetKind, AssetSource
from app.assets.queries import Filters
from app.assets.schemas import AssetRead, AssetUpdate
from app.assets.tools import AssetTools
from app.core import clock
from app.core.db import Database
from app.core.egress import EgressError, NotAllowed, TooLarge
from app.core.ids import encode, new_id
from app.core.paging import PageRequest, cut
from app.core.problems import DependencyDown, Problem, UnsupportedMediaType
from app.core.processes import ProcessDied, ProcessFailed, ProcessTimedOut, WorkRefused
from app.events import service as events

log = structlog.get_logger()
T = TypeVar("T")

UNFINISHED_AFTER = timedelta(hours=1)
SWEEP_BATCH = 100
STRAY_AFTER = timedelta(days=1)
STRAY_BATCH = 1000
PREFIX = "assets/"
_REFUSALS: Mapping[str, type[Problem]] = {
    kind.code: kind for kind in (UnsupportedMediaType, InvalidImage, ImageTooLarge)
}


# --- in


@dataclass(frozen=True, slots=True)
class Upload:
    """What a customer sent, in the field at `pointer`: a URL to fetch, or a file.

    The file, whose SHA-256 is `digest`, is read into memory when its turn comes.
    """

    pointer: str
    url: str | None = None
    read: Callable[[], Awaitable[bytes]] | None = None
    digest: bytes = b""
    filename: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


async def take(tools: AssetTools, database: Database, sent: Upload, *, workspace_id: UUID, mode: Mode) -> UUID:
    """Take it in, as pending: `publish` it. Raises the problem of its field, with nothing left behind."""
    fetched = await _fetch(tools, sent.url, sent.pointer) if sent.url is not None else b""
    async with tools.turns:
        content = await sent.read() if sent.read else fetched
        if not content:
            raise EmptyFile.at(sent.pointer, "The file has no bytes.")
        try:
            prepared = await prepare(tools, content, max_side=tools.settings.max_image_side, keeps_clean=False)
        except WorkRefused as refusal:
            raise _REFUSALS[refusal.code].at(sent.pointer, refusal.detail) from refusal
        source = AssetSource.UPLOAD if sent.url is None else AssetSource.IMPORT
        digest = sent.digest or await asyncio.to_thread(_digest, content)
        asset = new_asset(prepared, workspace_id, mode, source, digest)
        asset.filename, asset.meta = sent.filename, dict(sent.metadata)
        return await _keep(tools, database, asset, prepared)


async def import_url(
    tools: AssetTools, database: Database, url: str, *, workspace_id: UUID, mode: Mode, pointer: str
) -> Asset:
    """Fetch a URL into a ready asset. Raises the problem of the field at `pointer`, with nothing left behind."""
    sent = Upload(pointer, url=url)
    asset_id = await take(tools, database, sent, workspace_id=workspace_id, mode=mode)
    try:
        async with database.transaction() as session:
            await publish(session, [asset_id])
            return await get_ready(session, asset_id, workspace_id=workspace_id, mode=mode)
    except BaseException:
        await discard(tools, database, [asset_id])
        raise


def check_url(tools: AssetTools, url: str, pointer: str) -> None:
    """What can be said of a URL that is to be imported later. Raises UrlNotAllowed or UrlUnreachable."""
    with _problems_at(pointer):
        tools.egress.check(url)


async def _fetch(tools: AssetTools, url: str, pointer: str) -> bytes:
    with _problems_at(pointer):
        return (await tools.egress.fetch(url, max_bytes=tools.settings.max_image_bytes)).content


@contextmanager
def _problems_at(pointer: str) -> Iterator[None]:
    """Turn the faults of a fetch into the problem of a field."""
    try:
        yield
    except NotAllowed as fault:
        raise UrlNotAllowed.at(pointer, fault.detail, reason=fault.code) from fault
    except TooLarge as fault:
        raise FileTooLarge.at(pointer, fault.detail) from fault
    except EgressError as fault:
        raise UrlUnreachable.at(pointer, fault.detail, reason=fault.code) from fault


async def publish(session: AsyncSession, asset_ids: Sequence[UUID]) -> None:
    """Show stored assets to their owner. Raises LookupError, for the transaction not to commit, if one is gone."""
    if await queries.publish(session, asset_ids) != len(set(asset_ids)):
        raise LookupError("an asset vanished before it was published")
    events.announce(session)


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()


async def prepare(
    tools: AssetTools, content: bytes, *, max_side: int, keeps_clean: bool, form: Form | None = None
) -> Prepared:
    """Decode in a child, and give it the form where one is named. Raises WorkRefused."""
    wanted = asdict(form) if form else None
    return Prepared.from_child(await decoded(tools, imaging.prepare, content, max_side, keeps_clean, wanted), content)


async def decoded(tools: AssetTools, function: Callable[..., T], content: bytes, *args: Any) -> T:
    """What the function makes of an image, in a child. Raises WorkRefused, also for what no honest image does to it."""
    seconds = tools.settings.decode_seconds
    for may_repeat in (True, False):
        try:
            return await tools.decoders.run(function, content, *args, timeout=seconds)
        except ProcessDied as fault:
            if may_repeat:  # an idle child may have been ended by someone else
                continue
            log.warning("image_killed_its_decoder", sha256=sha256(content).hexdigest(), error=repr(fault))
        except (ProcessTimedOut, ProcessFailed) as fault:
            log.warning("image_not_decoded", sha256=sha256(content).hexdigest(), error=repr(fault))
        break
    raise WorkRefused("invalid_image", "The image takes more memory or time to decode than is allowed.")


def new_asset(prepared: Prepared, workspace_id: UUID, mode: Mode, source: AssetSource, digest: bytes) -> Asset:
    """A row, and those of its files, for what is about to be stored."""
    asset_id, token, full = new_id(), secrets.token_hex(16), prepared.full
    return Asset(
        id=asset_id,
        workspace_id=workspace_id,
        mode=mode,
        source=source,
        content_type=full.content_type,
        size=len(full.content),
        width=full.width,
        height=full.height,
        sha256=digest,
        placeholder=prepared.placeholder,
        created_at=clock.now(),
        files=[
            AssetFile(
                rendition=picture.rendition,
                # The token keeps keys from being guessed where a CDN serves them unsigned.
                key=f"{PREFIX}{asset_id}/{token}/{picture.rendition}.{picture.content_type.extension}",
                content_type=picture.content_type,
                size=len(picture.content),
                width=picture.width,
                height=picture.height,
            )
            for picture in prepared.pictures
        ],
    )


async def _keep(tools: AssetTools, database: Database, asset: Asset, prepared: Prepared) -> UUID:
    async with database.transaction() as session:
        session.add(asset)
    await write_files(tools, database, asset, prepared)
    return asset.id


async def write_files(tools: AssetTools, database: Database, asset: Asset, prepared: Prepared) -> None:
    """Store the files of a row that is committed. Raises DependencyDown, with nothing left behind."""
    try:
        async with asyncio.TaskGroup() as writing:
            for file, picture in zip(asset.files, prepared.pictures, strict=True):
                writing.create_task(tools.storage.put(file.key, picture.content, file.content_type))
    except BaseException as fault:
        await asyncio.shield(discard(tools, database, [asset.id]))
        if isinstance(fault, BaseExceptionGroup):
            raise fault.exceptions[0] from fault
        raise


# --- seen


async def get_ready(session: AsyncSession, asset_id: UUID, *, workspace_id: UUID, mode: Mode) -> Asset:
    asset = await queries.find_ready(session, asset_id, workspace_id=workspace_id, mode=mode)
    if asset is None:
        raise AssetNotFound(f"There is no asset {encode('asset', asset_id)} in this workspace.")
    return asset


async def find_ready(session: AsyncSession, asset_ids: Iterable[UUID]) -> dict[UUID, Asset]:
    """Those that are there, by id: for ids that came from a row of the same workspace."""
    return {asset.id: asset for asset in await queries.list_ready_by_ids(session, asset_ids)}


async def list_assets(
    session: AsyncSession, caller: CallerInfo, page: PageRequest, filters: Filters
) -> tuple[list[Asset], str | None]:
    found = await queries.list_ready(session, page, filters, workspace_id=caller.workspace_id, mode=caller.mode)
    return cut(found, page)


def read_model(tools: AssetTools, asset: Asset) -> AssetRead:
    """The asset as its owner sees it, with fresh links."""
    return AssetRead.model_validate(reading.of(tools, asset))


def content_url(tools: AssetTools, asset: Asset, rendition: Rendition, *, downloads: bool) -> str:
    """A fresh link to one rendition. Raises AssetNotFound where the asset has no such rendition."""
    file = _file(asset, rendition)
    if not downloads:
        return tools.storage.signed_url(file.key)
    stem = (asset.filename or encode("asset", asset.id)).rpartition(".")
    name = stem[0] or stem[2]
    extension = ImageType(file.content_type).extension if asset.kind == "image" else file.key.rpartition(".")[2]
    return tools.storage.signed_url(file.key, download_as=f"{name}.{extension}")


def _file(asset: Asset, rendition: Rendition) -> AssetFile:
    """A picture no larger than a rendition would be is that rendition itself."""
    files = {file.rendition: file for file in asset.files}
    if file := files.get(rendition) or (files.get(Rendition.FULL) if asset.kind == AssetKind.IMAGE else None):
        return file
    raise AssetNotFound(f"This asset has no {rendition} rendition.")


# --- changed and gone


async def update_asset(session: AsyncSession, caller: CallerInfo, asset_id: UUID, change: AssetUpdate) -> Asset:
    asset = await _get_locked(session, caller, asset_id)
    if change.favorite is not None:
        asset.favorite = change.favorite
    if change.metadata is not None:
        asset.meta = dict(change.metadata)
    if change.filename is not None:
        asset.filename = change.filename
    return asset


async def delete_asset(tools: AssetTools, database: Database, caller: CallerInfo, asset_id: UUID) -> None:
    """Gone at once for everyone; its files a moment later."""
    async with database.transaction() as session:
        await _get_locked(session, caller, asset_id)
    await discard(tools, database, [asset_id])


async def discard(tools: AssetTools, database: Database, asset_ids: Sequence[UUID]) -> None:
    """Delete assets in any state, and their files. What fails here is done by the next sweep."""
    if not asset_ids:
        return
    async with database.transaction() as session:
        await queries.mark_deleted(session, asset_ids, clock.now())
        events.announce(session)
        keys = await queries.list_keys_of_deleted(session, asset_ids)
    try:
        await tools.storage.delete(keys)
    except DependencyDown as fault:
        log.warning("files_left_for_sweep", count=len(keys), error=repr(fault))
        return
    async with database.transaction() as session:
        await queries.remove_deleted(session, asset_ids)


async def sweep_unfinished(tools: AssetTools, database: Database, *, now: datetime | None = None) -> int:
    """Remove what was begun an hour ago and never published, and files of deleted assets; how many assets."""
    before = (now or clock.now()) - UNFINISHED_AFTER
    async with database.transaction() as session:
        left = await queries.list_unfinished(session, started_before=before, limit=SWEEP_BATCH)
    await discard(tools, database, left)
    return len(left)


async def sweep_strays(tools: AssetTools, database: Database, *, now: datetime | None = None) -> int:
    """Remove files no asset knows of, a day after they were written; how many. It lists the whole storage."""
    gone, batch = 0, []
    async for key in tools.storage.list_keys(older_than=(now or clock.now()) - STRAY_AFTER):
        if key.startswith(PREFIX):
            batch.append(key)
        if len(batch) == STRAY_BATCH:
            gone += await _remove_strays(tools, database, batch)
            batch = []
    return gone + await _remove_strays(tools, database, batch)


async def _remove_strays(tools: AssetTools, database: Database, keys: Sequence[str]) -> int:
    async with database.transaction() as session:
        strays = await queries.list_unknown_keys(session, keys)
    await tools.storage.delete(strays)
    return len(strays)


async def _get_locked(session: AsyncSession, caller: CallerInfo, asset_id: UUID) -> Asset:
    asset = await queries.find_ready(session, asset_id, workspace_id=caller.workspace_id, mode=caller.mode, locks=True)
    if asset is None:
        raise AssetNotFound(f"There is no asset {encode('asset', asset_id)} in this workspace.")
    return asset
