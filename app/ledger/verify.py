"""Checks that the money is right: the invariants I1 to I11 of docs/architecture.md, over the whole database."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import queries
from app.ledger.queries import INVARIANTS

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Breach:
    invariant: str
    detail: str


async def verify(session: AsyncSession) -> list[Breach]:
    """Every breach found, at most 20 of each invariant; empty when the books are right."""
    return [
        Breach(invariant, f"{INVARIANTS[invariant][0]}: {', '.join(str(value) for value in row)}")
        for invariant in INVARIANTS
        for row in await queries.find_breaches(session, INVARIANTS[invariant][1], SHOWN)
    ]
