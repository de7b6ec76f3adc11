"""Row first, files next, published last: what is left when it stops in between, on both storages."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import psutil
import pytest
from sqlalchemy import text

from app.accounts.schemas import CallerInfo
from app.assets import imaging, service
from app.assets.errors import AssetNotFound, InvalidImage
from app.assets.models import Asset, AssetSource
from app.assets.outputs import Outputs, Source
from app.assets.queries import Filters
from app.assets.service import Upload
from app.assets.storage import FileMissing
from app.assets.tools import AssetTools
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.paging import PageRequest
from app.core.problems import DependencyDown
from app.core.settings import Settings
from tests.assets import pictures
from tests.assets.conftest import s3_settings
from tests.conftest import Account


@pytest.fixture
async def tools(settings: Settings, tmp_path: Path) -> AsyncIterator[AssetTools]:
    it = await AssetTools.open(settings.model_copy(update={"data": tmp_path}))
    yield it
    await it.close()


@pytest.fixture
async def s3_tools(settings: Settings, s3_endpoint: str) -> AsyncIterator[AssetTools]:
    it = await AssetTools.open(settings.model_copy(update={"storage": s3_settings(s3_endpoint).storage}))
    yield it
    await it.close()


class Shelf:
    """One customer's assets, through the service."""

    def __init__(self, tools: AssetTools, database: Database, account: Account) -> None:
        self.tools, self.database = tools, database
        self.outputs = Outputs(tools, database)
        self.workspace_id, self.task_id = account.workspace_id, new_id()
        self.caller = CallerInfo(
            workspace_id=account.workspace_id,
            user_id=new_id(),
            key_id=new_id(),
            mode="live",
            scopes=frozenset(),
        )

    async def store(self, content: bytes, *, is_intermediate: bool = False) -> UUID:
        return await self.outputs.store(
            Source.of(content),
            workspace_id=self.workspace_id,
            mode="live",
            task_id=self.task_id,
            is_intermediate=is_intermediate,
            filename="output-1",
        )

    async def read(self, asset_id: UUID) -> bytes:
        found = await self.outputs.find_inputs([asset_id], workspace_id=self.workspace_id, mode="live")
        return await self.outputs.read(found[asset_id])

    async def publish(self, *asset_ids: UUID) -> None:
        async with self.database.transaction() as session:
            await service.publish(session, asset_ids)

    async def get(self, asset_id: UUID) -> Asset:
        async with self.database.transaction() as session:
            return await service.get_ready(session, asset_id, workspace_id=self.workspace_id, mode="live")

    async def list_ids(self, **filters: object) -> list[UUID]:
        async with self.database.transaction() as session:
            found, _ = await service.list_assets(session, self.caller, PageRequest(100, None), Filters(**filters))  # type: ignore[arg-type]
            return [asset.id for asset in found]

    async def rows(self) -> int:
        async with self.database.transaction() as session:
            count = await session.scalar(
                text("select count(*) from assets where workspace_id = :id"), {"id": self.workspace_id}
            )
            return int(count or 0)

    async def keys(self) -> list[str]:
        return [key async for key in self.tools.storage.list_keys(older_than=clock.now() + timedelta(minutes=1))]


@pytest.fixture
def shelf(tools: AssetTools, database: Database, account: Account) -> Shelf:
    return Shelf(tools, database, account)


async def test_an_output_is_hidden_until_it_is_published(shelf: Shelf) -> None:
    content = pictures.png(pictures.translucent(), keep="none")
    asset_id = await shelf.store(content)
    with pytest.raises(AssetNotFound):
        await shelf.get(asset_id)
    assert await shelf.list_ids() == []
    await shelf.publish(asset_id)
    asset = await shelf.get(asset_id)
    assert (asset.source, asset.filename) == (AssetSource.TASK, "output-1.png")
    assert await shelf.read(asset_id) == content
    shown = service.read_model(shelf.tools, asset)
    assert shown.task_id == shelf.task_id
    assert await shelf.list_ids() == [asset_id]


async def test_intermediate_files_are_listed_for_their_task_only(shelf: Shelf) -> None:
    mask, result = await shelf.store(pictures.png(), is_intermediate=True), await shelf.store(pictures.png())
    await shelf.publish(mask, result)
    assert await shelf.list_ids() == [result]
    assert await shelf.list_ids(task_id=shelf.task_id) == [result, mask]
    async with shelf.database.transaction() as session:
        assert set(await service.find_ready(session, [mask, result, new_id()])) == {mask, result}


async def test_an_output_may_be_larger_than_an_upload_but_must_be_an_image(shelf: Shelf) -> None:
    wide = pictures.png(pictures.gradient(5000, 20))
    await shelf.store(wide)
    for content in (b"", b"<html>", pictures.INVALID["a truncated png"], pictures.png(pictures.gradient(8193, 1))):
        with pytest.raises(InvalidImage):
            await shelf.store(content)
    assert await shelf.rows() == 1


async def test_what_vanished_cannot_be_published(shelf: Shelf) -> None:
    one, two = await shelf.store(pictures.png()), await shelf.store(pictures.png())
    await service.discard(shelf.tools, shelf.database, [two])
    with pytest.raises(LookupError):
        await shelf.publish(one, two)
    assert await shelf.list_ids() == []


async def test_discarded_assets_leave_no_row_and_no_file(shelf: Shelf) -> None:
    one, two = await shelf.store(pictures.png()), await shelf.store(pictures.png())
    await shelf.publish(one)
    assert len(await shelf.keys()) == 6
    await service.discard(shelf.tools, shelf.database, [one, two, new_id()])
    await service.discard(shelf.tools, shelf.database, [])
    assert (await shelf.rows(), await shelf.keys()) == (0, [])


async def test_a_storage_that_fails_half_way_leaves_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put = shelf.tools.storage.put

    async def flaky(key: str, content: bytes, content_type: str) -> None:
        if "thumbnail" in key:
            raise DependencyDown()
        await put(key, content, content_type)

    monkeypatch.setattr(shelf.tools.storage, "put", flaky)
    with pytest.raises(DependencyDown):
        await shelf.store(pictures.png())
    assert (await shelf.rows(), await shelf.keys()) == (0, [])


async def test_no_transaction_is_open_while_files_are_written(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put, one_by_one = shelf.tools.storage.put, asyncio.Lock()
    seen: list[tuple[int, int]] = []

    async def watched(key: str, content: bytes, content_type: str) -> None:
        async with one_by_one:
            in_use = shelf.database.engine.pool.checkedout()  # type: ignore[attr-defined]
            async with shelf.database.transaction() as session:
                rows = await session.scalar(text("select count(*) from asset_files where key = :key"), {"key": key})
            seen.append((in_use, int(rows or 0)))
        await put(key, content, content_type)

    monkeypatch.setattr(shelf.tools.storage, "put", watched)
    await shelf.store(pictures.png())
    assert seen == [(0, 1)] * 3


async def test_a_cancelled_upload_leaves_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put, begun = shelf.tools.storage.put, asyncio.Event()

    async def slow(key: str, content: bytes, content_type: str) -> None:
        await put(key, content, content_type)
        begun.set()
        await asyncio.sleep(30)

    monkeypatch.setattr(shelf.tools.storage, "put", slow)
    storing = asyncio.create_task(shelf.store(pictures.png()))
    await begun.wait()
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await storing
    assert (await shelf.rows(), await shelf.keys()) == (0, [])


async def test_what_a_crash_left_is_swept_after_an_hour(shelf: Shelf) -> None:
    pending, kept = await shelf.store(pictures.png()), await shelf.store(pictures.png())
    await shelf.publish(kept)
    assert await service.sweep_unfinished(shelf.tools, shelf.database) == 0
    later = clock.now() + timedelta(minutes=61)
    assert await service.sweep_unfinished(shelf.tools, shelf.database, now=later) >= 1
    assert await shelf.rows() == 1
    with pytest.raises(LookupError):
        await shelf.publish(pending)
    assert len(await shelf.keys()) == 3


async def test_files_that_could_not_be_deleted_are_swept_later(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = await shelf.store(pictures.png())
    await shelf.publish(asset_id)

    async def down(_: Sequence[str]) -> None:
        raise DependencyDown()

    monkeypatch.setattr(shelf.tools.storage, "delete", down)
    await service.delete_asset(shelf.tools, shelf.database, shelf.caller, asset_id)
    with pytest.raises(AssetNotFound):
        await shelf.get(asset_id)
    assert len(await shelf.keys()) == 3
    monkeypatch.undo()
    await service.sweep_unfinished(shelf.tools, shelf.database)
    assert (await shelf.rows(), await shelf.keys()) == (0, [])


async def test_stray_files_are_swept_after_a_day(shelf: Shelf) -> None:
    await shelf.store(pictures.png())
    await shelf.tools.storage.put("assets/nobodys/full.png", b"x", "image/png")
    await shelf.tools.storage.put("others/not-ours.png", b"x", "image/png")
    assert await service.sweep_strays(shelf.tools, shelf.database) == 0
    later = clock.now() + timedelta(days=2)
    assert await service.sweep_strays(shelf.tools, shelf.database, now=later) == 1
    assert len(await shelf.keys()) == 4


async def test_a_file_that_vanished_is_told_as_a_missing_asset(shelf: Shelf) -> None:
    asset_id = await shelf.store(pictures.png())
    await shelf.publish(asset_id)
    await shelf.tools.storage.delete(await shelf.keys())
    with pytest.raises(AssetNotFound):
        await shelf.read(asset_id)
    await service.discard(shelf.tools, shelf.database, [asset_id])
    with pytest.raises(AssetNotFound):
        await shelf.read(asset_id)


async def test_a_decoder_killed_once_does_not_cost_the_upload(shelf: Shelf) -> None:
    await shelf.store(pictures.png())
    children = [child for child in psutil.Process().children() if "process_child" in " ".join(child.cmdline())]
    for child in children:
        os.kill(child.pid, signal.SIGKILL)
    assert children
    await shelf.store(pictures.png())


async def test_an_image_that_takes_too_long_is_refused(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf.tools, "settings", shelf.tools.settings.model_copy(update={"decode_seconds": 0.01}))
    with pytest.raises(InvalidImage, match="more memory or time"):
        await shelf.store(pictures.png(pictures.gradient(4000, 4000)))
    assert await shelf.rows() == 0


async def test_all_of_it_works_on_s3(s3_tools: AssetTools, database: Database, account: Account) -> None:
    shelf = Shelf(s3_tools, database, account)
    content = pictures.jpeg()

    async def read() -> bytes:
        return content

    sent = Upload("/file", read=read, filename="a.jpg")
    uploaded = await service.take(s3_tools, database, sent, workspace_id=shelf.workspace_id, mode="live")
    await shelf.publish(uploaded)
    asset = await shelf.get(uploaded)
    shown = service.read_model(s3_tools, asset)
    async with httpx.AsyncClient(trust_env=False) as client:
        full = await client.get(shown.urls.full)
        assert (full.status_code, full.headers["content-type"], len(full.content)) == (200, "image/jpeg", shown.bytes)
        saved = await client.get(service.content_url(s3_tools, asset, imaging.Rendition.THUMBNAIL, downloads=True))
        assert 'filename="a.webp"' in saved.headers["content-disposition"]
        await service.delete_asset(s3_tools, database, shelf.caller, uploaded)
        assert (await client.get(shown.urls.full)).status_code in (403, 404)
    with pytest.raises(FileMissing):
        await s3_tools.storage.read(asset.files[0].key)
    assert await shelf.rows() == 0


async def test_an_unreachable_storage_refuses_uploads_and_leaves_no_row(
    settings: Settings, database: Database, account: Account
) -> None:
    broken = s3_settings("http://127.0.0.1:1")
    production = settings.model_copy(update={"storage": broken.storage, "env": "production"})
    tools = await AssetTools.open(production)
    shelf = Shelf(tools, database, account)
    try:
        with pytest.raises(DependencyDown):
            await shelf.store(pictures.png())
        async with database.transaction() as session:
            query = "select count(*) from assets where workspace_id = :id and deleted_at is null"
            assert await session.scalar(text(query), {"id": shelf.workspace_id}) == 0
    finally:
        await tools.close()
        async with database.transaction() as session:
            await session.execute(text("delete from assets where workspace_id = :id"), {"id": shelf.workspace_id})
