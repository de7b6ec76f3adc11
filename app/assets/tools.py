"""What work on files needs beside the database: storage, the way out, and the processes that decode."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated, Self

from fastapi import Depends, Request

from app.assets.storage import make_storage
from app.core.egress import Egress
from app.core.processes import ProcessPool
from app.core.room import Room
from app.core.settings import MEBIBYTE, Settings

UPLOADS_AT_ONCE = 4
RESULT_BYTES_EACH = 32 * MEBIBYTE


class AssetTools:
    """One per process, of the API and of each worker: `await AssetTools.open(settings)`, then `close()`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings.assets
        self.storage = make_storage(settings)
        self.egress = Egress(settings)
        self.decoders = ProcessPool(
            size=settings.worker.image_processes,
            memory_bytes=settings.assets.decode_memory_bytes,
            idle_seconds=settings.worker.image_idle_seconds,
        )
        self.turns = asyncio.Semaphore(UPLOADS_AT_ONCE)
        """Held by those with a whole file in memory."""
        results = settings.worker.image_processes * RESULT_BYTES_EACH
        self.room = Room(max(results, self.settings.max_output_bytes))
        """For the results of providers that are in memory to be decoded: as many as the processes can have at once."""

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Raises DependencyDown when, in development, the bucket cannot be made."""
        tools = cls(settings)
        try:
            await tools.storage.open()
        except BaseException:
            await tools.close()
            raise
        return tools

    async def close(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.storage.close)
            stack.push_async_callback(self.egress.aclose)
            stack.push_async_callback(self.decoders.close)


def _asset_tools(request: Request) -> AssetTools:
    tools: AssetTools = request.app.state.asset_tools
    return tools


AssetToolsDep = Annotated[AssetTools, Depends(_asset_tools)]
