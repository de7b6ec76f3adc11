"""A worker that sends mails and does nothing else, as a process: `python -m tests.mail.posting`."""

import asyncio

from app.core import queue
from app.core.db import Database
from app.core.settings import get_settings
from app.mail.sending import Postman


async def main() -> None:
    settings = get_settings()
    redis = queue.connect(settings)
    database = Database(settings, redis)
    Postman(settings, database, redis).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
