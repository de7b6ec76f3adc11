"""A real S3 server from its wheel: it checks signatures, unlike most stand-ins."""

import asyncio
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.assets.storage.s3 import S3Storage
from app.core.problems import DependencyDown
from app.core.settings import Settings
from app.core.settings import Storage as StorageSettings

ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "a/secret+with/odd+characters0123456789AB"


def _free_range() -> int:
    """The first of five free ports whose gRPC twins, 10000 above, are free too."""
    while True:
        first = random.randrange(17_000, 22_000)  # like `ports.CHOICES`, not where the kernel takes ports from
        try:
            for port in (*range(first, first + 5), *range(first + 10_000, first + 10_005)):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


def _start(data: Path, port: int) -> subprocess.Popen[bytes]:
    options = {
        "dir": data,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "bucket": "made-at-start",
        "webdav": "false",
        "s3.port": port,
        "master.port": port + 1,
        "volume.port": port + 2,
        "filer.port": port + 3,
        "admin.port": port + 4,
        "admin.ui": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "master.telemetry": "false",
    }
    weed = Path(sys.executable).with_name("weed")
    return subprocess.Popen(
        [weed, f"-logdir={data}", "mini", *(f"-{name}={value}" for name, value in options.items())],
        cwd=data,
        env={
            **os.environ,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGTERM),
    )


def _stop(process: subprocess.Popen[bytes], data: Path, port: int) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(data, ignore_errors=True)
    for number in (*range(port, port + 5), *range(port + 10_000, port + 10_005)):
        for leftover in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # it puts them nowhere else
            leftover.unlink(missing_ok=True)


def s3_settings(endpoint: str, **changes: object) -> Settings:
    values = {
        "backend": "s3",
        "s3_endpoint": endpoint,
        "s3_bucket": "backlot-tests",
        "s3_access_key": SecretStr(ACCESS_KEY),
        "s3_secret_key": SecretStr(SECRET_KEY),
        "url_seconds": 3600,
        **changes,
    }
    return Settings(storage=StorageSettings.model_validate(values))


async def _answers(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    """The port opens before the server can keep anything."""
    async with asyncio.timeout(30):
        while True:
            assert process.poll() is None, "the S3 server ended"
            storage = S3Storage(s3_settings(endpoint))
            try:
                await storage.open()
                await storage.put("start/ready.txt", b"1", "text/plain")
                return
            except (DependencyDown, httpx.HTTPError):
                await asyncio.sleep(0.2)
            finally:
                await storage.close()


@pytest.fixture(scope="session")
async def s3_endpoint() -> AsyncIterator[str]:
    data = Path(tempfile.mkdtemp(prefix="weed"))
    port = _free_range()
    process = _start(data, port)
    try:
        await _answers(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        _stop(process, data, port)
