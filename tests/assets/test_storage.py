"""Both storages against the same promises: a folder, and a real S3 server that checks signatures."""

import os
import re
import stat
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import ClientError
from pydantic import SecretStr

from app.assets.storage import FileMissing, LocalStorage, Storage
from app.assets.storage.base import CHUNK, attachment, is_key
from app.assets.storage.presign import Credentials, presign_get
from app.assets.storage.s3 import PART_BYTES, S3Storage, storage_errors
from app.core.problems import DependencyDown
from app.core.settings import Api, Settings
from app.core.settings import Storage as StorageSettings
from tests.assets.conftest import s3_settings

KEY = "assets/one/full.png"


def local_settings(root: Path, **changes: object) -> Settings:
    return Settings(
        data=root,
        api=Api(public_url="https://api.example/"),
        storage=StorageSettings.model_validate({"url_seconds": 3600, **changes}),
    )


@pytest.fixture
async def local(tmp_path: Path) -> LocalStorage:
    it = LocalStorage(local_settings(tmp_path))
    await it.open()
    return it


@pytest.fixture
async def s3(s3_endpoint: str) -> AsyncIterator[S3Storage]:
    it = S3Storage(s3_settings(s3_endpoint))
    await it.open()
    yield it
    await it.delete([key async for key in it.list_keys(older_than=later())])
    await it.close()


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest) -> Storage:
    it: Storage = request.getfixturevalue(request.param)
    return it


def later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


async def test_what_is_put_is_read_until_it_is_deleted(storage: Storage) -> None:
    content = os.urandom(300_000)
    await storage.put(KEY, content, "image/png")
    assert await storage.read(KEY) == content
    assert await storage.exists(KEY)
    await storage.delete([KEY, "assets/never/was.png"])
    assert not await storage.exists(KEY)
    with pytest.raises(FileMissing):
        await storage.read(KEY)
    await storage.check()


async def test_keys_are_listed_by_age(storage: Storage) -> None:
    mine = f"assets/{uuid4().hex}/"
    keys = [f"{mine}{number}.png" for number in range(3)]
    for key in keys:
        await storage.put(key, b"x", "image/png")
    assert [key async for key in storage.list_keys(older_than=later()) if key.startswith(mine)] == keys
    assert [key async for key in storage.list_keys(older_than=datetime.now(UTC) - timedelta(hours=1))] == []


@pytest.mark.parametrize(
    "key",
    [
        "../secret.png",
        "a/../../secret.png",
        "/etc/passwd.png",
        "a//b.png",
        "a/./b.png",
        "a/b",
        "a/.b.png",
        "A/b.png",
        "a\\b.png",
        "a/b.png\0",
        "a/b.png\n",
        "a/%2e%2e/b.png",
        "é.png",
        "",
        "a/" * 150 + "b.png",
    ],
)
async def test_only_keys_are_keys(storage: Storage, key: str) -> None:
    assert not is_key(key)
    for work in (storage.put(key, b"x", "image/png"), storage.read(key), storage.delete([key])):
        with pytest.raises(ValueError, match="not a storage key"):
            await work
    with pytest.raises(ValueError, match="not a storage key"):
        storage.signed_url(key)


async def test_a_signed_url_is_the_same_for_a_while_and_lives_long_enough(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.time() // 514 * 514 + 1.0  # 3600 // 7: the grid
    now = start
    monkeypatch.setattr(time, "time", lambda: now)
    first = storage.signed_url(KEY)
    now = start + 400
    assert storage.signed_url(KEY) == first
    now = start + 514
    assert storage.signed_url(KEY) != first
    query = {name: values[0] for name, values in parse_qs(urlsplit(first).query).items()}
    if "expires" in query:
        ends = int(query["expires"])
    else:
        begins = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ends = int(begins.timestamp()) + int(query["X-Amz-Expires"])
    assert start + 3600 <= ends <= start + 3600 + 2 * 514


async def test_a_cdn_stands_before_keys_but_not_before_downloads(tmp_path: Path) -> None:
    it = LocalStorage(local_settings(tmp_path, cdn_url="https://cdn.example/x/"))
    assert it.signed_url(KEY) == f"https://cdn.example/x/{KEY}"
    assert it.signed_url(KEY, download_as="a.png").startswith("https://api.example/files/")


def test_attachment_names_cannot_break_the_header() -> None:
    assert attachment('bíld "1"\r\nX: y.png') == (
        "attachment; filename=\"b_ld _1___X_ y.png\"; filename*=UTF-8''b%C3%ADld%20%221%22%0D%0AX%3A%20y.png"
    )


# --- the folder


async def test_a_write_is_whole_or_not_at_all(local: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(DependencyDown):
        await local.put(KEY, b"x", "image/png")
    monkeypatch.undo()
    assert [path for path in local.root.rglob("*") if path.is_file()] == []


async def test_empty_folders_and_old_drafts_do_not_pile_up(local: LocalStorage) -> None:
    await local.put(KEY, b"x", "image/png")
    await local.delete([KEY])
    draft = local.root / ".partial" / "0"
    draft.write_bytes(b"half")
    os.utime(draft, (0, 0))
    await local.open()
    assert [path.name for path in local.root.rglob("*")] == [".partial"]


async def test_a_missing_folder_is_told(local: LocalStorage) -> None:
    (local.root / ".partial").rmdir()
    local.root.rmdir()
    with pytest.raises(DependencyDown):
        await local.check()


async def test_only_our_signatures_are_admitted(local: LocalStorage) -> None:
    url = urlsplit(local.signed_url(KEY, download_as="x y.png"))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    expires, signature = int(query["expires"]), query["signature"]
    assert url.path == f"/files/{KEY}"
    assert local.admits(KEY, expires, "x y.png", signature)
    assert not local.admits(KEY, expires + 1, "x y.png", signature)
    assert not local.admits(KEY, expires, "x.png", signature)
    assert not local.admits(KEY, expires, None, signature)
    assert not local.admits("assets/two/full.png", expires, "x y.png", signature)
    assert not local.admits(KEY, expires, "x y.png", signature.upper())
    assert not local.admits(KEY, expires, "x y.png", "é" * 64)
    other = LocalStorage(local_settings(local.root.parent).model_copy(update={"secret": SecretStr("another")}))
    assert not other.admits(KEY, expires, "x y.png", signature)


async def test_an_expired_signature_is_not_admitted(local: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    query = parse_qs(urlsplit(local.signed_url(KEY)).query)
    expires = int(query["expires"][0])
    assert local.admits(KEY, expires, None, query["signature"][0])
    monkeypatch.setattr(time, "time", lambda: expires + 1.0)
    assert not local.admits(KEY, expires, None, query["signature"][0])


async def test_files_are_readable_by_their_owner(local: LocalStorage) -> None:
    await local.put(KEY, b"x", "image/png")
    assert stat.S_IMODE(local.path(KEY).stat().st_mode) & 0o600 == 0o600


# --- the bucket


async def test_a_presigned_url_is_read_by_anyone_and_cannot_be_bent(s3: S3Storage) -> None:
    await s3.put(KEY, b"picture", "image/png")
    await s3.put("assets/two/full.png", b"other", "image/png")
    url = s3.signed_url(KEY)
    async with httpx.AsyncClient(trust_env=False) as client:
        good = await client.get(url)
        assert (good.status_code, good.content) == (200, b"picture")
        assert good.headers["content-type"] == "image/png"
        assert "immutable" in good.headers["cache-control"]
        last = "0" if url[-1] != "0" else "1"
        for bent in (
            url.replace("/one/", "/two/"),
            url[:-1] + last,
            re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=604800", url),
            url + "&response-content-type=text%2Fhtml",
            url.partition("?")[0],
        ):
            assert (await client.get(bent)).status_code == 403, bent
        assert (await client.put(url, content=b"x")).status_code == 403


async def test_a_presigned_download_has_its_name(s3: S3Storage) -> None:
    await s3.put(KEY, b"picture", "image/png")
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(s3.signed_url(KEY, download_as="con mèo.png"))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == attachment("con mèo.png")


async def test_an_expired_presigned_url_is_refused(s3: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    await s3.put(KEY, b"picture", "image/png")
    past = time.time() - 2 * 3600
    monkeypatch.setattr(time, "time", lambda: past)
    url = s3.signed_url(KEY)
    monkeypatch.undo()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).status_code == 403


async def test_a_wrong_secret_is_refused(s3_endpoint: str) -> None:
    it = S3Storage(s3_settings(s3_endpoint, s3_secret_key=SecretStr("wrong")))
    with pytest.raises(DependencyDown):
        await it.open()
    await it.close()


async def test_the_bucket_is_made_in_development_only(s3_endpoint: str) -> None:
    settings = s3_settings(s3_endpoint, s3_bucket="not-there-yet")
    strict = S3Storage(settings.model_copy(update={"env": "production"}))
    await strict.open()
    with pytest.raises(DependencyDown):
        await strict.check()
    await strict.close()
    relaxed = S3Storage(settings)
    await relaxed.open()
    await relaxed.check()
    await relaxed.close()


def test_a_missing_bucket_is_no_missing_file() -> None:
    """The test server makes buckets by itself; AWS answers this."""
    with pytest.raises(DependencyDown), storage_errors():
        raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "PutObject")


async def test_an_unreachable_server_is_told() -> None:
    it = S3Storage(s3_settings("http://127.0.0.1:1"))
    with pytest.raises(DependencyDown) as caught:
        await it.open()
    assert caught.value.headers["Retry-After"]
    await it.close()


def test_urls_of_aws_have_the_bucket_in_the_host_unless_it_has_dots() -> None:
    plain = s3_settings("x", s3_endpoint=None, s3_bucket="pictures", s3_region="eu-west-1")
    dotted = s3_settings("x", s3_endpoint=None, s3_bucket="my.pictures", s3_region="eu-west-1")
    assert S3Storage(plain)._place() == ("https://pictures.s3.eu-west-1.amazonaws.com", "/")
    assert S3Storage(dotted)._place() == ("https://s3.eu-west-1.amazonaws.com", "/my.pictures/")
    behind = s3_settings("https://r2.example:443/base/")
    assert S3Storage(behind)._place() == ("https://r2.example", "/base/backlot-tests/")


@pytest.mark.parametrize("token", [None, "a+session/token=="])
def test_our_signature_is_the_one_of_botocore(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    query = {"response-content-disposition": attachment("con mèo.png")}
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: at.replace(tzinfo=None))
    request = AWSRequest("GET", f"https://b.s3.eu-west-1.amazonaws.com/{KEY}", params=query)
    request.context["signing"] = {"region": "eu-west-1"}
    S3SigV4QueryAuth(BotoCredentials("AK", "secret/+", token), "s3", "eu-west-1", expires=777).add_auth(request)
    ours = presign_get(
        Credentials("AK", "secret/+", token),
        base="https://b.s3.eu-west-1.amazonaws.com",
        path=f"/{KEY}",
        region="eu-west-1",
        at=at,
        seconds=777,
        query=query,
    )
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(request.url).query)


@pytest.mark.parametrize("size", [0, 5, PART_BYTES, 2 * PART_BYTES + 7])
async def test_a_file_too_large_for_memory_is_put_and_streamed(storage: Storage, size: int) -> None:
    content = os.urandom(1 << 20) * (size >> 20) + os.urandom(size & 0xFFFFF)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        await storage.put_file(KEY, file, "application/zip")
    chunks = [chunk async for chunk in storage.stream(KEY)]
    assert b"".join(chunks) == content
    assert all(len(chunk) <= CHUNK for chunk in chunks)


async def test_a_missing_file_is_not_streamed(storage: Storage) -> None:
    with pytest.raises(FileMissing):
        await anext(storage.stream("assets/none/full.png"))
