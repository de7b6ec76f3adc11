"""Reading the audit log: of one workspace for its administrators, of all for those of the installation."""

from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import queries
from app.accounts.audit.models import AuditDetails, AuditEntry
from app.accounts.audit.queries import Filters
from app.accounts.audit.schemas import AuditActor, AuditEntryRead, AuditTarget
from app.accounts.users.mailboxes import masked
from app.core.ids import decode, encode
from app.core.paging import PageRequest, cut
from app.core.problems import InvalidRequest

PREFIXES = {
    "user": "user",
    "api_key": "key",
    "workspace": "ws",
    "session": "sess",
    "identity": "ident",
    "invitation": "inv",
    "export": "export",
}
"""Of the ids of what may be a target. Of any other kind the plain UUID is shown."""


def parse_id(text: str | None, *prefixes: str, pointer: str) -> UUID | None:
    """An id of one of these kinds, or a plain UUID. Raises InvalidRequest."""
    if text is None:
        return None
    given, is_prefixed, _ = text.rpartition("_")
    try:
        if not is_prefixed:
            return UUID(text)
        if given in prefixes:
            return decode(given, text)
    except ValueError:
        pass
    ids = " or ".join(f"{prefix}_…" for prefix in prefixes)
    raise InvalidRequest.at(pointer, f"Give an id as {ids}.")


async def list_of_workspace(
    session: AsyncSession, page: PageRequest, filters: Filters
) -> tuple[list[AuditEntryRead], str | None]:
    """The workspace that `filters` names. Addresses of those who are not in it are masked."""
    rows, cursor = await _page(session, page, filters)
    return [_shown(row, shows_address=row.is_member) for row in rows], cursor


async def list_of_all(
    session: AsyncSession, page: PageRequest, filters: Filters
) -> tuple[list[AuditEntryRead], str | None]:
    """All chains, for administrators of the installation."""
    rows, cursor = await _page(session, page, filters)
    return [_shown(row, shows_address=True) for row in rows], cursor


async def _page(
    session: AsyncSession, page: PageRequest, filters: Filters
) -> tuple[list[Row[AuditEntry, AuditDetails, str, bool]], str | None]:
    found = await queries.list_entries(session, page, filters)
    entries, cursor = cut([row.AuditEntry for row in found], page)
    return list(found[: len(entries)]), cursor


def _shown(row: Row[AuditEntry, AuditDetails, str, bool], *, shows_address: bool) -> AuditEntryRead:
    entry: AuditEntry = row.AuditEntry
    details: AuditDetails | None = row.AuditDetails
    target = None
    if entry.target_kind and entry.target_id:
        prefix = PREFIXES.get(entry.target_kind)
        target = AuditTarget(
            kind=entry.target_kind, id=encode(prefix, entry.target_id) if prefix else str(entry.target_id)
        )
    email: str | None = row.email
    return AuditEntryRead(
        id=entry.id,
        workspace_id=entry.workspace_id,
        action=entry.action,
        actor=AuditActor(
            kind=entry.actor_kind,
            user_id=entry.actor_id,
            key_id=entry.key_id,
            email=email if email is None or shows_address else masked(email),
        ),
        target=target,
        ip=details.ip if details else None,
        user_agent=details.user_agent if details else None,
        data=details.data if details else {},
        is_erased=details is None,
        created_at=entry.created_at,
    )
