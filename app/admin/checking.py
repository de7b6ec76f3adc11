"""The checks of the command line, for administrators: of the books, and of the audit log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import verify as audit
from app.accounts.audit.queries import CHECKS
from app.admin.errors import CheckTooLong
from app.admin.schemas import BreachRead, VerificationRead
from app.core.db import Database
from app.ledger import verify as ledger
from app.ledger.queries import INVARIANTS

CHECK_SECONDS = 50.0
"""They read whole tables; whoever has much asks on the command line."""


@asynccontextmanager
async def _hurried(database: Database) -> AsyncIterator[AsyncSession]:
    try:
        async with asyncio.timeout(CHECK_SECONDS), database.transaction() as session:
            yield session
    except TimeoutError as fault:
        raise CheckTooLong from fault


async def verify_ledger(database: Database) -> VerificationRead:
    """Raises CheckTooLong."""
    async with _hurried(database) as session:
        found = await ledger.verify(session)
    breaches = [BreachRead(check=breach.invariant, detail=breach.detail) for breach in found]
    return VerificationRead(ok=not breaches, checks=list(INVARIANTS), breaches=breaches)


async def verify_audit_log(database: Database) -> VerificationRead:
    """Raises CheckTooLong."""
    async with _hurried(database) as session:
        found = (await audit.verify(session)).breaches
    breaches = [BreachRead(check=breach.check, detail=str(breach)) for breach in found]
    return VerificationRead(ok=not breaches, checks=list(CHECKS), breaches=breaches)
