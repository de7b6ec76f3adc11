"""Writing to the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import queries
from app.accounts.schemas import CallerInfo
from app.core.ids import new_id
from app.core.visitor import Visitor

PLATFORM = UUID(int=0)
"""The chain of acts on the installation as a whole."""
Entry = Mapping[str, Any]
"""One to come, as JSON."""
ActorKind = Literal["user", "api_key", "admin", "operator", "system", "anonymous"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where."""

    kind: ActorKind
    user_id: UUID | None = None
    key_id: UUID | None = None
    visitor: Visitor | None = None

    @classmethod
    def of(cls, caller: CallerInfo, visitor: Visitor) -> "Actor":
        return cls("api_key" if caller.key_id else "user", caller.user_id, caller.key_id, visitor)

    @property
    def from_nowhere(self) -> "Actor":
        """The same for those who are not to know from where."""
        return replace(self, visitor=None)


OPERATOR = Actor("operator")
SYSTEM = Actor("system")


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    *,
    workspace_id: UUID | None,
    target: tuple[str, UUID] | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Note the act in the transaction that does it; written as the last thing before the commit.

    The arguments are those of `entry`.
    """
    add(session, entry(actor, action, workspace_id=workspace_id, target=target, data=data))


def add(session: AsyncSession, made: Entry) -> None:
    """Write an entry of `entry` as the last thing before the commit."""
    # The end of a chain is locked by whoever adds to it: after all else, and always in the same order.
    session.info.setdefault("last", []).append((made["chain"], queries.APPEND, {"entry": made}))


def entry(
    actor: Actor,
    action: str,
    *,
    workspace_id: UUID | None,
    target: tuple[str, UUID] | None = None,
    data: dict[str, Any] | None = None,
) -> Entry:
    """What `audit_append` takes, for functions of the database that do and note something in one.

    `action` is what was done, as `password.changed`; of a user's own account the workspace is their personal one.
    `data` may hold what has to be erased one day, never a secret.
    """
    kind, target_id = target or (None, None)
    return {
        "id": str(new_id()),
        "chain": str(workspace_id or PLATFORM),
        "workspace_id": workspace_id and str(workspace_id),
        "actor_kind": actor.kind,
        "actor_id": actor.user_id and str(actor.user_id),
        "key_id": actor.key_id and str(actor.key_id),
        "action": action,
        "target_kind": kind,
        "target_id": target_id and str(target_id),
        "ip": actor.visitor and actor.visitor.ip,
        "user_agent": actor.visitor and actor.visitor.user_agent,
        "data": data or {},
    }


async def erase_chain(session: AsyncSession, workspace_id: UUID, *, about: tuple[str, UUID]) -> int:
    """Erase the details of all entries of the workspace's chain, and note that; of how many."""
    await queries.lock_chain(session, workspace_id)
    return _note_erasure(session, workspace_id, about, await queries.erase_chain(session, workspace_id))


async def erase_about_user(
    session: AsyncSession, chain: UUID, user_id: UUID, *, targets: Sequence[UUID], words: Mapping[str, datetime | None]
) -> int:
    """Erase the details of the chain's entries by the user, about one of these, or that say one of the words.

    The words are in lower case, and whole: what somewhere in the data is all that is said. Each counts in entries from
    before its moment, or in all. That it was done is noted in the chain; of how many entries is returned.
    """
    await queries.lock_chain(session, chain)
    gone = await queries.erase_about_user(session, chain, user_id, targets=targets, words=words)
    return _note_erasure(session, chain, ("user", user_id), gone)


def _note_erasure(session: AsyncSession, chain: UUID, about: tuple[str, UUID], gone: tuple[str | None, int]) -> int:
    entries, number = gone
    if entries is not None:
        workspace_id = None if chain == PLATFORM else chain
        record(session, SYSTEM, queries.ERASED, workspace_id=workspace_id, target=about, data={"entries": entries})
    return number


async def list_chains_about_user(
    session: AsyncSession, user_id: UUID, *, targets: Sequence[UUID], words: Mapping[str, datetime | None]
) -> Sequence[UUID]:
    """The chains in which `erase_about_user` would erase something."""
    return await queries.list_chains_about_user(session, user_id, targets=targets, words=words)
