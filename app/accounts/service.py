"""Rules of users, workspaces and API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import compare_digest
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import queries, secrets
from app.accounts.errors import AccountSuspended, ApiKeyNotFound, ForbiddenGrant, InvalidApiKey
from app.accounts.models import ApiKey, Mode, Role, Scope, User, UserStatus, Workspace
from app.accounts.schemas import ApiKeyCreate, CallerInfo
from app.core import clock
from app.core.ids import new_id
from app.core.paging import PageRequest, cut
from app.core.problems import InvalidRequest

TOUCH_EVERY = timedelta(minutes=1)
ALL_SCOPES = tuple(scope.value for scope in Scope)


async def authenticate(session: AsyncSession, text: str) -> CallerInfo:
    """Who holds this key. Raises InvalidApiKey or AccountSuspended; notes the use at most once a minute."""
    parsed = secrets.parse(text)
    if parsed is None:
        raise InvalidApiKey("This is not an API key: its form or checksum is wrong. Was it copied whole?")
    row = await queries.find_key_with_user(session, parsed.id)
    if row is None or not compare_digest(row[0].secret_hash, parsed.secret_hash) or row[0].mode != parsed.mode:
        raise InvalidApiKey("There is no such API key.")
    key, user = row
    now = clock.now()
    if key.revoked_at is not None:
        raise InvalidApiKey("This API key was revoked.")
    if key.expires_at is not None and key.expires_at <= now:
        raise InvalidApiKey("This API key has expired.")
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended
    if key.last_used_at is None or key.last_used_at < now - TOUCH_EVERY:
        await queries.touch_key(session, key.id, now=now, unless_after=now - TOUCH_EVERY)
    return CallerInfo(
        workspace_id=key.workspace_id,
        user_id=key.user_id,
        key_id=key.id,
        mode=parsed.mode,
        scopes=frozenset(key.scopes),
        is_admin=user.role == Role.ADMIN,
    )


async def get_or_create_user(session: AsyncSession, email: str, *, is_admin: bool = False) -> tuple[User, Workspace]:
    """The user with this address and their personal workspace, made if absent. Raises InvalidRequest."""
    try:
        address = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as fault:
        raise InvalidRequest.at("/email", str(fault)) from fault
    await queries.add_user_if_absent(session, address)
    user = await queries.find_user(session, address)
    if user is None:
        raise LookupError("the user vanished while being made")
    if is_admin:
        user.role = Role.ADMIN
    await queries.add_personal_workspace_if_absent(session, user)
    return user, await queries.get_personal_workspace(session, user.id)


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
    user, workspace = await get_or_create_user(session, email, is_admin=is_admin)
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
