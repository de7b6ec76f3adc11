"""Telling every process that what it remembers of callers is no longer true."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue

CHANNEL = "backlot:callers"
ALL = "all"


def tell(session: AsyncSession, changed: UUID) -> None:
    """After the commit, have every process look again at the callers whose key, session, user or workspace this is."""
    queue.publish(session, CHANNEL, str(changed))


def tell_all(session: AsyncSession) -> None:
    """The same of all callers, and of the keys that access tokens are signed with."""
    queue.publish(session, CHANNEL, ALL)
