"""A worker that delivers webhooks and does nothing else, as a process: `python -m tests.webhooks.delivering`."""

import asyncio

from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.settings import get_settings
from tests.webhooks.scene import make_courier


async def main() -> None:
    settings = get_settings()
    redis = queue.connect(settings)
    courier = make_courier(settings, Database(settings, redis), await AssetTools.open(settings))
    courier.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
