"""A worker that is killed while it stores an archive."""

import asyncio
import os
import signal
from typing import Any

from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.settings import get_settings
from app.privacy.export import service


async def main() -> None:
    settings = get_settings()
    tools = await AssetTools.open(settings)

    async def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    tools.storage.put_file = die  # type: ignore[method-assign,assignment]
    await service.make_due(Database(settings, queue.connect(settings)), tools)


if __name__ == "__main__":
    asyncio.run(main())
