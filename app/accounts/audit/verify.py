"""Checks that the audit log is whole: A1 to A6 of docs/audit.md, over all chains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import queries
from app.accounts.audit.queries import CHECKS

SHOWN = 20
PINNED = "A7"
PINNED_TITLE = "the log still holds what was written down of it"


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong, and where: at this entry of this chain, where it is of one."""

    check: str
    chain: UUID | None
    number: int | None
    detail: str

    def __str__(self) -> str:
        place = f"entry {self.number} of {self.chain}: " if self.chain else ""
        return place + self.detail


@dataclass(frozen=True, slots=True)
class Report:
    """What there is, and every breach found, at most 20 of each check."""

    chains: int
    entries: int
    erased: int
    """Entries whose details were erased."""
    breaches: list[Breach]


async def verify(session: AsyncSession, *, pinned: Sequence[dict[str, Any]] = ()) -> Report:
    """The whole log. `pinned` are ends as `list_ends` told them earlier."""
    await queries.take_time(session)
    breaches = [
        Breach(check, *row)
        for check, (_, statement) in CHECKS.items()
        for row in await queries.find_breaches(session, statement, SHOWN)
    ]
    for chain, number in (await queries.list_lost_ends(session, pinned))[:SHOWN] if pinned else ():
        breaches.append(Breach(PINNED, chain, number, "is not there any more as it was written down"))
    counted = await queries.count(session)
    return Report(counted.chains, counted.entries, counted.erased, breaches)


async def list_ends(session: AsyncSession) -> list[dict[str, Any]]:
    """Chain, number and hash of each newest entry, to be kept elsewhere, where who rewrites a chain has no access."""
    return [
        {"chain": str(row.chain), "number": row.number, "hash": row.hash} for row in await queries.list_ends(session)
    ]
