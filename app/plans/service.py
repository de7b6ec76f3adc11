"""Rules of plans."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.plans import queries
from app.plans.models import Plan


async def list_plans(session: AsyncSession) -> Sequence[Plan]:
    """All of them, the smallest first."""
    return await queries.list_plans(session)


async def set_plan(session: AsyncSession, name: str, *, running_tasks: int, queued_tasks: int) -> None:
    """Make the plan, or change it: its workspaces follow in the same transaction, by trigger."""
    await session.merge(Plan(name=name, running_tasks=running_tasks, queued_tasks=queued_tasks))
    await session.flush()


async def assign_plan(session: AsyncSession, email: str, name: str) -> None:
    """Put the personal workspace of the user with this address on the plan. Raises LookupError naming what is not."""
    if await session.get(Plan, name) is None:
        known = ", ".join(plan.name for plan in await list_plans(session))
        raise LookupError(f"there is no plan {name!r}; there are {known}")
    if not await queries.assign_plan(session, email, name):
        raise LookupError(f"nobody here has the address {email!r}")
