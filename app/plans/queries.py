"""SQL of plans."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import User, Workspace
from app.plans.models import Plan


async def list_plans(session: AsyncSession) -> Sequence[Plan]:
    return (await session.execute(select(Plan).order_by(Plan.running_tasks, Plan.name))).scalars().all()


async def assign_plan(session: AsyncSession, email: str, name: str) -> bool:
    """False when there is no such user."""
    owner = select(User.id).where(func.lower(User.email) == email.lower()).scalar_subquery()
    changed = await session.execute(
        update(Workspace)
        .where(Workspace.owner_id == owner, Workspace.kind == "personal")
        .values(plan=name)
        .returning(Workspace.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None
