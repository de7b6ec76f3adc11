"""Exports: asked for, made by a worker, kept for a while.

A row is claimed with a lease that its worker extends while it lives; one that died is made again from the beginning.
Only the newest attempt may end it. The file's key is in the row before the file is written, so nothing is kept that
nobody knows of.
"""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import BinaryIO
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.models import UserStatus
from app.accounts.users import queries as users
from app.assets.storage import Storage
from app.assets.tools import AssetTools
from app.core import clock, queue
from app.core.db import UNREACHABLE, Database
from app.core.ids import new_id
from app.core.paging import PageRequest, cut
from app.core.problems import DependencyDown
from app.core.queue import Job
from app.mail import service as mail
from app.privacy.export import archive, queries
from app.privacy.models import Export, ExportStatus
from app.privacy.schemas import ExportRead

log = structlog.get_logger()

PREFIX = "exports/"
LIFE = timedelta(days=7)
LEASE = timedelta(seconds=60)
BEAT_SECONDS = 15.0
MOST_ATTEMPTS = 5
AGAIN = timedelta(seconds=60)
SWEEP_BATCH = 100
STRAY_AFTER = timedelta(days=1)
DOWNLOAD_AS = "backlot-export.zip"


class _Lost(Exception):
    """The export is not ours any more."""


async def ask(session: AsyncSession, user_id: UUID, actor: Actor) -> Export:
    """A new export, or the one that is being made."""
    export_id = new_id()
    key = f"{PREFIX}{export_id}/{secrets.token_hex(16)}/export.zip"
    if await queries.add_if_none_is_open(session, user_id, export_id, key):
        workspace = await users.get_personal_workspace(session, user_id)
        audit.record(
            session, actor, "account.export_requested", workspace_id=workspace.id, target=("export", export_id)
        )
        queue.enqueue(session, Job(queue.MAINTENANCE, "make_exports", (), f"export:{export_id}"))
    return await queries.get_newest(session, user_id)  # that one, unless a worker has just finished it


async def list_exports(session: AsyncSession, user_id: UUID, page: PageRequest) -> tuple[list[Export], str | None]:
    return cut(await queries.list_exports(session, page, user_id=user_id), page)


def read_model(storage: Storage, export: Export) -> ExportRead:
    """With a fresh link, while there is something to download."""
    is_over = export.expires_at is not None and export.expires_at <= clock.now()
    status = ExportStatus.EXPIRED if export.status == ExportStatus.READY and is_over else export.status
    is_ready = status == ExportStatus.READY
    return ExportRead.model_validate(
        {
            "id": export.id,
            "status": status,
            "bytes": export.size,
            "url": storage.signed_url(export.key, download_as=DOWNLOAD_AS) if is_ready else None,
            "created_at": export.created_at,
            "completed_at": export.completed_at,
            "expires_at": export.expires_at,
        }
    )


async def make_due(database: Database, tools: AssetTools) -> int:
    """Make those that are due, one after the other; how many were begun."""
    begun = 0
    while True:
        async with database.transaction() as session:
            export = await queries.claim(session, LEASE)
        if export is None:
            return begun
        begun += 1
        try:
            await _make(database, tools, export)
        except _Lost:
            log.info("export_lost", export_id=str(export.id))
            await _remove_strays(database, tools, [export.key])  # where the account was erased meanwhile
        except (DependencyDown, *UNREACHABLE) as fault:
            log.warning("export_put_off", export_id=str(export.id), error=repr(fault))
            await _put_off(database, tools, export)
            return begun


async def _make(database: Database, tools: AssetTools, export: Export) -> None:
    if export.attempts > MOST_ATTEMPTS:  # each of them ended its worker
        await _give_up(database, tools, export)
        return
    async with database.transaction() as session:
        user = await users.lock_user(session, export.user_id)
        if user.status == UserStatus.ERASED:
            await queries.fail(session, export)
            return
        workspace = await users.get_personal_workspace(session, user.id)
    # Without a name: whatever happens to us, nothing is left on the disk.
    with tempfile.TemporaryFile() as file:
        async with _beating(database, export):
            await archive.write(database, tools.storage, file, user_id=user.id, workspace_id=workspace.id)
            size = await asyncio.to_thread(_size, file)
            await tools.storage.put_file(export.key, file, "application/zip")
    async with database.transaction() as session:
        if not await queries.finish(session, export, size, LIFE):
            raise _Lost
        mail.post(session, "export_ready", to=user.email, locale=user.locale, workspace_id=workspace.id)
        target = ("export", export.id)
        audit.record(session, audit.SYSTEM, "account.export_made", workspace_id=workspace.id, target=target)


def _size(file: BinaryIO) -> int:
    file.flush()
    return os.fstat(file.fileno()).st_size


async def _put_off(database: Database, tools: AssetTools, export: Export) -> None:
    if export.attempts >= MOST_ATTEMPTS:
        await _give_up(database, tools, export)
        return
    async with database.transaction() as session:
        await queries.put_off(session, export, AGAIN * export.attempts)


async def _give_up(database: Database, tools: AssetTools, export: Export) -> None:
    log.error("export_failed", export_id=str(export.id))
    async with database.transaction() as session:
        await queries.fail(session, export)
    await tools.storage.delete([export.key])


@asynccontextmanager
async def _beating(database: Database, export: Export) -> AsyncIterator[None]:
    """Extend the lease meanwhile. Raises _Lost as soon as the export is not ours any more."""
    working = asyncio.current_task()
    assert working is not None
    is_lost = False

    async def beat() -> None:
        nonlocal is_lost
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                async with database.transaction() as session:
                    is_ours = await queries.put_off(session, export, LEASE)
            except UNREACHABLE:
                continue  # the lease has some beats to spare
            if not is_ours:
                is_lost = True
                working.cancel()
                return

    beating = asyncio.create_task(beat(), name="lease of an export")
    try:
        yield
    except asyncio.CancelledError:
        if is_lost and not working.uncancel():
            raise _Lost from None
        raise
    finally:
        beating.cancel()
        await asyncio.wait([beating])


async def sweep(database: Database, tools: AssetTools) -> int:
    """Remove the files of exports past their time; how many."""
    async with database.transaction() as session:
        expired = await queries.list_expired(session, SWEEP_BATCH)
    if expired:
        await tools.storage.delete([export.key for export in expired])
        async with database.transaction() as session:
            await queries.note_expired(session, [export.id for export in expired])
    return len(expired)


async def sweep_strays(database: Database, tools: AssetTools) -> int:
    """Remove archives no export knows of, a day after they were written; how many. It lists the whole storage."""
    gone, batch = 0, []
    async for key in tools.storage.list_keys(older_than=clock.now() - STRAY_AFTER):
        if key.startswith(PREFIX):
            batch.append(key)
        if len(batch) == SWEEP_BATCH:
            gone += await _remove_strays(database, tools, batch)
            batch = []
    return gone + await _remove_strays(database, tools, batch)


async def _remove_strays(database: Database, tools: AssetTools, keys: Sequence[str]) -> int:
    async with database.transaction() as session:
        strays = await queries.list_unknown_keys(session, keys)
    await tools.storage.delete(strays)
    return len(strays)


async def erase(database: Database, tools: AssetTools, user_id: UUID) -> None:
    """Files first: a row without its file does no harm, a file without its row is not found. Raises DependencyDown."""
    async with database.transaction() as session:
        keys = await queries.list_keys(session, user_id)
    await tools.storage.delete(keys)
    async with database.transaction() as session:
        await queries.remove(session, user_id)
