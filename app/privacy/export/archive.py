"""The archive: JSON and files, written to disk bit by bit. However large, little of it is in memory at a time."""

import asyncio
from collections.abc import Mapping
from typing import Any, BinaryIO, cast
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import orjson

from app.assets.storage.base import FileMissing, Storage
from app.core import clock
from app.core.db import Database
from app.core.ids import encode
from app.core.wire import dumps
from app.privacy.export import queries
from app.privacy.export.queries import SECTIONS, Section

ROWS_AT_ONCE = 200
FILES_AT_ONCE = 100
_START = UUID(int=0)
README = """This archive holds what this service keeps of your account.

*.json     your profile, workspaces, sessions, linked identities, API keys (without their secrets), invitations, the
           audit log's entries by or about you, the mails sent to you, and of your personal workspace the tasks,
           batches, credits and assets; each file is a list.
files/     the files of your personal workspace in their original size, named by the id of their asset.
"""


async def write(database: Database, storage: Storage, file: BinaryIO, *, user_id: UUID, workspace_id: UUID) -> None:
    """Everything of the user and their personal workspace, as a ZIP into `file`.

    Raises DependencyDown. A file that is deleted meanwhile is left out.
    """
    values = {"user_id": user_id, "workspace_id": workspace_id}
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        await asyncio.to_thread(archive.writestr, _entry("README.txt"), README)
        counts = {section.name: await _write_section(database, archive, section, values) for section in SECTIONS}
        counts["files"] = await _write_files(database, storage, archive, workspace_id)
        manifest = {"object": "account_export", "made_at": clock.now(), "counts": counts}
        await asyncio.to_thread(archive.writestr, _entry("manifest.json"), dumps(manifest))


def _entry(name: str, method: int = ZIP_DEFLATED) -> ZipInfo:
    entry = ZipInfo(name, clock.now().timetuple()[:6])
    entry.compress_type = method
    entry.external_attr = 0o600 << 16
    return entry


async def _write_section(database: Database, archive: ZipFile, section: Section, values: Mapping[str, Any]) -> int:
    count, after = 0, _START
    with archive.open(_entry(f"{section.name}.json"), "w", force_zip64=True) as out:
        await asyncio.to_thread(out.write, b"[")
        while True:
            # A short transaction for each page: none waits for the disk.
            async with database.transaction() as session:
                rows = await queries.list_rows(session, section, values, after, ROWS_AT_ONCE)
            if not rows:
                break
            lines = b",\n".join(_line(row.line, section.ids) for row in rows)
            await asyncio.to_thread(out.write, (b",\n" if count else b"\n") + lines)
            count += len(rows)
            after = rows[-1].mark
        await asyncio.to_thread(out.write, b"\n]\n")
    return count


def _line(text: str, ids: Mapping[str, str]) -> bytes:
    """The row with its ids as the API shows them."""
    row = orjson.loads(text)
    for name, prefix in ids.items():
        match row.get(name):
            case str(value):
                row[name] = encode(prefix, UUID(value))
            case list(values):
                row[name] = [encode(prefix, UUID(value)) for value in values]
    return dumps(row)


async def _write_files(database: Database, storage: Storage, archive: ZipFile, workspace_id: UUID) -> int:
    count, after = 0, _START
    while True:
        async with database.transaction() as session:
            files = await queries.list_files(session, workspace_id, after, FILES_AT_ONCE)
        if not files:
            return count
        for asset_id, key in files:
            name = f"files/{encode('asset', asset_id)}.{key.rpartition('.')[2]}"
            count += await _write_file(storage, archive, key, name)
        after = files[-1].id


async def _write_file(storage: Storage, archive: ZipFile, key: str, name: str) -> bool:
    """False when it is not there any more."""
    chunks = storage.stream(key)
    try:
        chunk = await anext(chunks, b"")
    except FileMissing:
        return False
    with cast("BinaryIO", archive.open(_entry(name, ZIP_STORED), "w", force_zip64=True)) as out:
        while chunk:
            await asyncio.to_thread(out.write, chunk)
            chunk = await anext(chunks, b"")
    return True
