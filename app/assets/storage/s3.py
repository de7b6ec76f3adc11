"""Files in a bucket: AWS S3, Cloudflare R2, SeaweedFS, anything that speaks S3."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO

import aioboto3
import aiohttp
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.assets.storage.base import CACHE_CONTROL, CHUNK, FileMissing, attachment, checked, grid, storage_down
from app.assets.storage.presign import MAX_SECONDS, Credentials, presign_get
from app.core.settings import MEBIBYTE, Settings

REFRESH_SECONDS = 60
PART_BYTES = 16 * MEBIBYTE
"""Of a large file; S3 takes ten thousand of them."""
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_OURS = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class S3Storage:
    """One client per process. Without keys in the settings it takes those of the machine's role."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.storage
        self._may_make_bucket = settings.env == "development"
        self._bucket = settings.storage.s3_bucket
        self._base, self._path = self._place()
        self._stack = AsyncExitStack()
        self._credentials: Credentials | None = None
        self._refresher: asyncio.Task[None] | None = None
        self._client: Any = None

    async def open(self) -> None:
        """Get ready to connect; in development, make the bucket. Raises DependencyDown."""
        access, secret = self._settings.s3_access_key, self._settings.s3_secret_key
        session = aioboto3.Session(
            aws_access_key_id=access.get_secret_value() if access else None,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            region_name=self._settings.s3_region,
        )
        config = Config(
            s3={"addressing_style": "path" if self._settings.s3_endpoint else "auto"},
            signature_version="s3v4",
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 3, "mode": "standard"},
            max_pool_connections=50,
            # Others than AWS do not know its newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with storage_errors():
            self._client = await self._stack.enter_async_context(
                session.client("s3", endpoint_url=self._settings.s3_endpoint, config=config)
            )
            source = await session.get_credentials()
            if source is None:
                raise storage_down()
            await self._refresh(source)
            if self._may_make_bucket:
                await self._make_bucket_if_absent()
        self._refresher = asyncio.create_task(self._keep_fresh(source))

    async def close(self) -> None:
        if self._refresher:
            self._refresher.cancel()
            await asyncio.wait([self._refresher])
        await self._stack.aclose()

    async def check(self) -> None:
        try:
            with storage_errors():
                await self._client.head_bucket(Bucket=self._bucket)
        except FileMissing as fault:
            raise storage_down() from fault

    async def put(self, key: str, content: bytes, content_type: str) -> None:
        with storage_errors():
            await self._client.put_object(
                Bucket=self._bucket,
                Key=checked(key),
                Body=content,
                ContentType=content_type,
                CacheControl=CACHE_CONTROL,
            )

    async def put_file(self, key: str, file: BinaryIO, content_type: str) -> None:
        """In parts, one in memory at a time: boto's own way would read a hundred ahead."""
        await asyncio.to_thread(file.seek, 0)
        part = await asyncio.to_thread(file.read, PART_BYTES)
        if len(part) < PART_BYTES:
            return await self.put(key, part, content_type)
        place: dict[str, Any] = {"Bucket": self._bucket, "Key": checked(key)}
        with storage_errors():
            begun = await self._client.create_multipart_upload(
                **place, ContentType=content_type, CacheControl=CACHE_CONTROL
            )
            place["UploadId"] = begun["UploadId"]
            try:
                parts: list[dict[str, Any]] = []
                while part:
                    number = len(parts) + 1
                    sent = await self._client.upload_part(**place, PartNumber=number, Body=part)
                    parts.append({"PartNumber": number, "ETag": sent["ETag"]})
                    part = await asyncio.to_thread(file.read, PART_BYTES)
                await self._client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
            except BaseException:
                await asyncio.shield(self._client.abort_multipart_upload(**place))
                raise

    async def read(self, key: str) -> bytes:
        with storage_errors():
            found = await self._client.get_object(Bucket=self._bucket, Key=checked(key))
            async with found["Body"] as body:
                content: bytes = await body.read()
                return content

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        with storage_errors():
            found = await self._client.get_object(Bucket=self._bucket, Key=checked(key))
            async with found["Body"]:
                async for chunk in found["Body"].iter_chunks(CHUNK):
                    yield chunk

    async def exists(self, key: str) -> bool:
        try:
            with storage_errors():
                await self._client.head_object(Bucket=self._bucket, Key=checked(key))
        except FileMissing:
            return False
        return True

    async def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), 1000):
            batch = [{"Key": checked(key)} for key in keys[start : start + 1000]]
            with storage_errors():
                answer = await self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True}
                )
            if any(error.get("Code") not in _ABSENT for error in answer.get("Errors", [])):
                raise storage_down()

    async def list_keys(self, *, older_than: datetime) -> AsyncIterator[str]:
        more: dict[str, str] = {}
        while True:
            with storage_errors():
                page = await self._client.list_objects_v2(Bucket=self._bucket, **more)
            for found in page.get("Contents", []):
                if found["LastModified"] < older_than:
                    yield found["Key"]
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def signed_url(self, key: str, *, download_as: str | None = None) -> str:
        """S3 ends every URL after seven days at the latest: near that, the life is up to a seventh shorter."""
        if self._settings.cdn_url and download_as is None:
            return f"{self._settings.cdn_url.rstrip('/')}/{checked(key)}"
        if self._credentials is None:
            raise RuntimeError("the storage is not open")
        step = grid(self._settings.url_seconds)
        query = {"response-content-disposition": attachment(download_as)} if download_as is not None else {}
        return presign_get(
            self._credentials,
            base=self._base,
            path=self._path + checked(key),
            region=self._settings.s3_region,
            at=datetime.fromtimestamp(int(time.time()) // step * step, UTC),
            seconds=min(self._settings.url_seconds + step, MAX_SECONDS),
            query=query,
        )

    def _place(self) -> tuple[str, str]:
        """Scheme and host, and what stands before a key."""
        if self._settings.s3_endpoint:
            scheme, _, rest = self._settings.s3_endpoint.rstrip("/").partition("://")
            host, _, prefix = rest.partition("/")
            port = {"https": ":443", "http": ":80"}.get(scheme, "")
            return f"{scheme}://{host.removesuffix(port)}", f"/{prefix}/{self._bucket}/".replace("//", "/")
        region = self._settings.s3_region
        if "." in self._bucket:  # no certificate covers it as a host name
            return f"https://s3.{region}.amazonaws.com", f"/{self._bucket}/"
        return f"https://{self._bucket}.s3.{region}.amazonaws.com", "/"

    async def _make_bucket_if_absent(self) -> None:
        try:
            await self._client.head_bucket(Bucket=self._bucket)
        except ClientError as fault:
            if _code(fault) not in _ABSENT | {"NoSuchBucket"}:
                raise
            try:
                await self._client.create_bucket(Bucket=self._bucket)
            except ClientError as second:
                if _code(second) not in _OURS:
                    raise

    async def _refresh(self, source: Any) -> None:
        frozen = await source.get_frozen_credentials()
        self._credentials = Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    async def _keep_fresh(self, source: Any) -> None:
        """A role's credentials change every few hours."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self._refresh(source)
            except (BotoCoreError, ClientError, aiohttp.ClientError, OSError):
                continue  # the present ones are good for a while yet


def _code(fault: ClientError) -> str:
    return str(fault.response.get("Error", {}).get("Code", ""))


@contextmanager
def storage_errors() -> Iterator[None]:
    """What S3 answers, as FileMissing or DependencyDown."""
    try:
        yield
    except ClientError as fault:
        if _code(fault) in _ABSENT:
            raise FileMissing(str(fault)) from fault
        raise storage_down() from fault
    except (BotoCoreError, aiohttp.ClientError, OSError) as fault:
        raise storage_down() from fault
