"""Writing to the event log, and keeping it within its time."""

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import queries
from app.events.models import Event

log = structlog.get_logger()

CHANNEL = "backlot:events"
"""Told right after the commit: the tasks and batches it is about. Whoever publishes takes any word for news."""
NEWS = "news"
FEED = "backlot:feed"
"""Told once events are published: whose they are, as `workspace_id:mode`."""
WEEKS_AHEAD = 2


def record(
    session: AsyncSession,
    type_: str,
    *,
    workspace_id: UUID,
    mode: str,
    task_id: UUID | None = None,
    batch_id: UUID | None = None,
    data: dict[str, Any],
    event_id: UUID | None = None,
) -> None:
    """Note what happened, in the transaction in which it happens; those who wait hear of it after the commit.

    Of a task's, the caller holds the lock of its row, which is what keeps its events in order.
    """
    session.add(
        Event(
            id=event_id or new_id(),
            workspace_id=workspace_id,
            mode=mode,
            type=type_,
            task_id=task_id,
            batch_id=batch_id,
            data=data,
        )
    )
    for subject in (task_id, batch_id):
        if subject is not None:
            queue.publish(session, CHANNEL, str(subject))
    if task_id is None and batch_id is None:
        announce(session)


def announce(session: AsyncSession) -> None:
    """Whoever publishes hears after the commit that there is something: what the database itself has noted."""
    queue.publish(session, CHANNEL, NEWS)


async def keep_weeks(database: Database, settings: Settings) -> None:
    """Make the partitions of the weeks to come, and drop those that ended longer ago than events are kept."""
    for table in ("events", "feed"):
        await database.fetch(queries.ADD_WEEKS, table, WEEKS_AHEAD)
        for row in await database.fetch(queries.DROP_WEEKS, table, settings.events.keep_days):
            log.info("week_of_events_dropped", part=row["part"])
