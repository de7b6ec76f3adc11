"""How long deliveries are kept: as long as the events they are of."""

from app.core.db import Database
from app.core.settings import Settings
from app.webhooks import queries


async def forget_old(database: Database, settings: Settings) -> int:
    """Delete deliveries with their attempts, and what is left of targets nobody sends to; how many deliveries."""
    days, forgotten = settings.events.keep_days, 0
    while gone := len(await database.fetch(queries.FORGET, days)):
        forgotten += gone
    while await database.fetch(queries.FORGET_QUEUES, days):
        pass
    return forgotten
