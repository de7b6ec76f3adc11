"""Rules of API keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from secrets import compare_digest
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import AccountSuspended, ApiKeyNotFound, ForbiddenGrant, InvalidApiKey
from app.accounts.keys import queries, secrets
from app.accounts.keys.schemas import ApiKeyCreate
from app.accounts.keys.secrets import ParsedKey
from app.accounts.models import ApiKey, Mode, Role, Scope, UserStatus
from app.accounts.permissions import ROLE_SCOPES
from app.accounts.schemas import CallerInfo
from app.accounts.users import service as users
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.paging import PageRequest, cut
from app.core.problems import InvalidRequest

ALL_SCOPES = tuple(scope.value for scope in Scope)


async def authenticate(database: Database, text: str) -> CallerInfo:
    """Who holds this key. Raises InvalidApiKey or AccountSuspended. Routes ask the CallerCache, which remembers."""
    parsed = secrets.parse(text)
    return admit(parsed, await queries.find_key_with_user(database, parsed.id) if parsed else None)


def admit(parsed: ParsedKey | None, row: Mapping[str, Any] | None) -> CallerInfo:
    """Who holds the key, by its row with the user's. Raises InvalidApiKey or AccountSuspended."""
    if parsed is None:
        raise InvalidApiKey("This is not an API key: its form or checksum is wrong. Was it copied whole?")
    if row is None or not compare_digest(row["secret_hash"], parsed.secret_hash) or row["mode"] != parsed.mode:
        raise InvalidApiKey("There is no such API key.")
    if row["revoked_at"] is not None:
        raise InvalidApiKey("This API key was revoked.")
    if row["expires_at"] is not None and row["expires_at"] <= clock.now():
        raise InvalidApiKey("This API key has expired.")
    if row["is_workspace_gone"]:
        raise InvalidApiKey("The workspace of this API key was deleted.")
    if row["user_status"] != UserStatus.ACTIVE:
        raise AccountSuspended
    scopes = frozenset(row["scopes"])
    if row["member_role"] is not None:
        scopes &= ROLE_SCOPES[row["member_role"]]
    return CallerInfo(
        workspace_id=row["workspace_id"],
        user_id=row["user_id"],
        key_id=row["id"],
        mode=parsed.mode,
        scopes=scopes,
        role=row["member_role"],
        is_admin=row["user_role"] == Role.ADMIN,
        is_verified=row["is_verified"],
        is_leaving=row["is_leaving"],
    )


async def issue_key(
    session: AsyncSession,
    *,
    email: str,
    mode: Mode,
    name: str,
    scopes: Sequence[str] | None = None,
    is_admin: bool = False,
) -> tuple[ApiKey, str]:
    """A key for the user with this address, made with a personal workspace if absent; and its secret."""
    unknown = sorted(set(scopes or ()) - set(ALL_SCOPES))
    if unknown:
        raise InvalidRequest.at("/scopes", f"Unknown scope {unknown[0]!r}; there are {', '.join(ALL_SCOPES)}.")
    user, workspace = await users.vouch(session, email, is_admin=is_admin)
    return _add_key(session, workspace.id, user.id, mode, name, scopes or ALL_SCOPES, None)


async def create_key(session: AsyncSession, caller: CallerInfo, order: ApiKeyCreate) -> tuple[ApiKey, str]:
    """A further key of the caller's workspace, never wider than the caller's own."""
    mode = order.mode or caller.mode
    scopes = tuple(order.scopes) if order.scopes else tuple(sorted(caller.scopes))
    if caller.mode == "test" and mode == "live":
        raise ForbiddenGrant.at("/mode", "A test key makes test keys only.")
    wider = sorted(set(scopes) - caller.scopes)
    if wider:
        raise ForbiddenGrant.at("/scopes", f"Your own key lacks {wider[0]!r}.")
    if order.expires_at is not None and order.expires_at <= clock.now():
        raise InvalidRequest.at("/expires_at", "Must lie in the future.")
    return _add_key(session, caller.workspace_id, caller.user_id, mode, order.name, scopes, order.expires_at)


def _add_key(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    mode: Mode,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    key_id = new_id()
    text = secrets.make(mode, key_id)
    key = ApiKey(
        id=key_id,
        workspace_id=workspace_id,
        user_id=user_id,
        mode=mode,
        name=name,
        secret_hash=secrets.hash_secret(text),
        hint=secrets.hint(text),
        scopes=sorted(scopes),
        created_at=clock.now(),
        expires_at=expires_at,
    )
    session.add(key)
    return key, text


async def list_keys(session: AsyncSession, caller: CallerInfo, page: PageRequest) -> tuple[list[ApiKey], str | None]:
    return cut(await queries.list_keys(session, page, workspace_id=caller.workspace_id, mode=_visible(caller)), page)


async def get_key(session: AsyncSession, caller: CallerInfo, key_id: UUID) -> ApiKey:
    """Raises ApiKeyNotFound. The row is locked until the end of the transaction."""
    key = await queries.find_key(session, key_id, workspace_id=caller.workspace_id, mode=_visible(caller))
    if key is None:
        raise ApiKeyNotFound
    return key


async def revoke_key(session: AsyncSession, caller: CallerInfo, key_id: UUID) -> None:
    """From now on the key opens nothing. Once is enough; twice does no harm."""
    key = await get_key(session, caller, key_id)
    key.revoked_at = key.revoked_at or clock.now()


def _visible(caller: CallerInfo) -> str | None:
    return "test" if caller.mode == "test" else None
