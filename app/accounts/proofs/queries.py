"""SQL of proofs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.proofs.models import Proof, Purpose


async def find_user_of(session: AsyncSession, proof_id: UUID) -> UUID | None:
    return (await session.execute(select(Proof.user_id).where(Proof.id == proof_id))).scalar_one_or_none()


async def find_address(session: AsyncSession, proof_id: UUID) -> str | None:
    return (await session.execute(select(Proof.email).where(Proof.id == proof_id))).scalar_one_or_none()


async def find_new_address(session: AsyncSession, proof_id: UUID) -> str | None:
    """The one the user of this proof asked to change to."""
    of_user = select(Proof.user_id).where(Proof.id == proof_id).scalar_subquery()
    query = select(Proof.email).where(Proof.user_id == of_user, Proof.purpose == Purpose.CHANGE_EMAIL_NEW)
    return (await session.execute(query.order_by(Proof.id.desc()).limit(1))).scalar_one_or_none()


async def lock_proof(session: AsyncSession, proof_id: UUID) -> Proof | None:
    query = select(Proof).where(Proof.id == proof_id).with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def list_proofs(session: AsyncSession, user_id: UUID, purposes: Sequence[str]) -> Sequence[Proof]:
    query = select(Proof).where(Proof.user_id == user_id, Proof.purpose.in_(purposes)).order_by(Proof.id)
    return (await session.execute(query)).scalars().all()


async def delete_proofs(session: AsyncSession, user_id: UUID, purposes: Sequence[str]) -> None:
    query = delete(Proof).where(Proof.user_id == user_id)
    if purposes:
        query = query.where(Proof.purpose.in_(purposes))
    await session.execute(query)


async def delete_old(session: AsyncSession, before: datetime) -> None:
    await session.execute(delete(Proof).where(Proof.expires_at < before))
