"""Limits that have to hold: how often something may be done, by whom or to whom, counted in PostgreSQL.

Each is a bucket that holds `count` and fills again at an even pace (GCRA): one moment per name and subject. Whoever the
subject is, an address or a network, does not rest: a row's key is an HMAC of it.
"""

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Database
from app.core.problems import Problem
from app.core.sealing import derive_key
from app.core.settings import Settings

FORGET_AT_ONCE = 5_000


class Throttle(Base):
    """A bucket that is not full. Without a row it is."""

    __tablename__ = "throttles"
    __table_args__ = (Index(None, "full_at"),)

    key: Mapped[bytes] = mapped_column(primary_key=True)
    full_at: Mapped[datetime]


class TooManyAttempts(Problem):
    """This was tried too often.

    Try again after the seconds in `Retry-After`.
    """

    status = 429


@dataclass(frozen=True, slots=True)
class Limit:
    """`count` at once, and again as many in each `seconds` that follow."""

    name: str
    count: int
    seconds: float


Wanted = tuple[Limit, str]
"""A limit and whose: of an empty subject, as a network that is not known, nothing is counted."""

_TAKE = "select throttle_take($1::bytea[], $2::int[], $3::float8[])"
_GIVE_BACK = "select throttle_give_back($1::bytea[], $2::int[], $3::float8[])"
_FORGET = """
    with gone as (
        select key from throttles where full_at < now() order by full_at limit $1 for update skip locked
    ), deleted as (
        delete from throttles using gone where throttles.key = gone.key returning 1
    )
    select count(*) from deleted
"""


def subject_key(settings: Settings, *parts: str) -> bytes:
    """What stands for a subject: nobody without the installation's secret can tell whose it is."""
    return hmac.new(derive_key(settings, "throttles"), "\n".join(parts).encode(), hashlib.sha256).digest()


def refused(seconds: float, detail: str | None = None) -> TooManyAttempts:
    """To be tried again in so many seconds."""
    return TooManyAttempts(detail, headers={"Retry-After": str(max(1, math.ceil(seconds)))})


async def take(database: Database, settings: Settings, *wanted: Wanted) -> None:
    """Count one of each, at once and for good, or none of them. Raises TooManyAttempts."""
    if (arguments := _arguments(settings, wanted)) is None:
        return
    row = await database.fetchrow(_TAKE, *arguments)
    if row is not None and row[0] > 0:
        raise refused(row[0])


async def give_back(database: Database, settings: Settings, *wanted: Wanted) -> None:
    """Take back what turned out not to count."""
    if (arguments := _arguments(settings, wanted)) is not None:
        await database.fetch(_GIVE_BACK, *arguments)


async def forget_full(database: Database) -> None:
    """Remove the rows that say nothing any more."""
    while True:
        row = await database.fetchrow(_FORGET, FORGET_AT_ONCE)
        if row is None or row[0] < FORGET_AT_ONCE:
            return


def _arguments(settings: Settings, wanted: tuple[Wanted, ...]) -> tuple[list[bytes], list[int], list[float]] | None:
    counted = [(limit, subject) for limit, subject in wanted if subject]
    if not counted:
        return None
    return (
        [subject_key(settings, limit.name, subject) for limit, subject in counted],
        [limit.count for limit, _ in counted],
        [limit.seconds for limit, _ in counted],
    )
