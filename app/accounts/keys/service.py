"""Rules of API keys."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit.service import OPERATOR, Actor
from app.accounts.errors import EmailUnverified
from app.accounts.keys import admission, bounds, budgets, ending, networks, notes, queries, reading, secrets
from app.accounts.keys.bounds import Power
from app.accounts.keys.errors import ApiKeyNotFound, ApiKeyRevoked, ForbiddenGrant, KeyBudgetExceeded
from app.accounts.keys.schemas import ApiKeyCreate, ApiKeyRead, ApiKeyRotate, ApiKeyUpdate, BudgetGiven
from app.accounts.models import ApiKey, KeyBudget, Mode, Scope
from app.accounts.permissions import KEY_SCOPES
from app.accounts.schemas import CallerInfo, KeyLimits
from app.accounts.users import service as users
from app.accounts.users import standing
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.paging import PageRequest, cut
from app.core.problems import InvalidRequest
from app.core.visitor import Visitor

ALL_SCOPES = tuple(scope.value for scope in Scope)

admit = admission.admit


async def authenticate(database: Database, text: str) -> CallerInfo:
    """Who holds this key. Raises InvalidApiKey or AccountSuspended. Routes ask the CallerCache, which remembers."""
    parsed = secrets.parse(text)
    return admit(parsed, await queries.find_key_with_user(database, parsed.id) if parsed else None)


async def issue_key(
    session: AsyncSession,
    *,
    email: str,
    mode: Mode,
    name: str,
    scopes: Sequence[str] | None = None,
    order: ApiKeyCreate | None = None,
    operations: Collection[str] = (),
) -> tuple[ApiKey, str]:
    """A key for the user with this address, made with a personal workspace if absent; and its secret.

    The operator's way: nothing bounds it. `order` says what holds the key back.
    """
    unknown = sorted(set(scopes or ()) - set(ALL_SCOPES))
    if unknown:
        raise InvalidRequest.at("/scopes", f"Unknown scope {unknown[0]!r}; there are {', '.join(ALL_SCOPES)}.")
    order = order or ApiKeyCreate(name=name)
    _check_operations(order.allowed_operations, operations)
    _check_expiry(order)
    user, workspace = await users.vouch(session, email)
    key, secret = _new_key(workspace.id, user.id, mode, order, scopes or ALL_SCOPES)
    await _add(session, OPERATOR, key, order.budget)
    return key, secret


async def create_key(
    session: AsyncSession, caller: CallerInfo, order: ApiKeyCreate, visitor: Visitor, operations: Collection[str]
) -> tuple[ApiKeyRead, str]:
    """A further key of the caller's workspace, never more than the caller; and its secret.

    `operations` are those there are. Raises ForbiddenGrant, EmailUnverified, InvalidRequest, or what
    `standing.lock_own_seat` raises.
    """
    mode = order.mode or caller.mode
    scopes = order.scopes or [scope for scope in KEY_SCOPES if scope in caller.scopes]
    if not scopes:
        raise InvalidRequest.at("/scopes", f"Name the scopes; you may give {', '.join(sorted(caller.scopes))}.")
    _check_operations(order.allowed_operations, operations)
    _check_expiry(order)
    await standing.lock_own_seat(session, caller, Scope.KEYS_WRITE)
    key, secret = _new_key(caller.workspace_id, caller.user_id, mode, order, scopes)
    _fill_in(caller, key, order)
    bounds.check(caller, Power.of(key))
    if mode == "live" and not caller.is_verified:
        raise EmailUnverified
    budget = await _add(session, Actor.of(caller, visitor), key, order.budget)
    return reading.shown(key, budget), secret


def _fill_in(caller: CallerInfo, key: ApiKey, order: ApiKeyCreate) -> None:
    """What was left out is as the caller's own; and who has a budget shares it, whatever keys they make."""
    if caller.key_id is None:
        return
    own = caller.limits or KeyLimits()
    key.expires_at = key.expires_at or caller.ends_at
    if key.allowed_ips is None and own.networks is not None:
        key.allowed_ips = [networks.normal(str(network)) for network in own.networks]
    if key.allowed_operations is None and own.operations is not None:
        key.allowed_operations = sorted(own.operations)
    key.rate_limit = key.rate_limit or own.rate_limit
    if own.budget_key_id is not None and order.budget is not None:
        raise ForbiddenGrant.at("/budget", "Your own key has a budget; keys it makes spend from it. Leave this out.")
    if key.mode == caller.mode:  # a budget is of one mode, as credits are
        key.budget_key_id = own.budget_key_id or key.budget_key_id


def _new_key(
    workspace_id: UUID, user_id: UUID, mode: Mode, order: ApiKeyCreate, scopes: Collection[str]
) -> tuple[ApiKey, str]:
    key_id = new_id()
    text = secrets.make(mode, key_id)
    key = ApiKey(
        id=key_id,
        workspace_id=workspace_id,
        user_id=user_id,
        mode=mode,
        name=order.name,
        secret_hash=secrets.hash_secret(text),
        hint=secrets.hint(text),
        scopes=sorted(scopes),
        created_at=clock.now(),
        expires_at=order.expires_at,
        allowed_ips=order.allowed_ips,
        allowed_operations=order.allowed_operations,
        rate_limit=order.rate_limit,
        budget_key_id=key_id if order.budget else None,
    )
    return key, text


async def _add(session: AsyncSession, actor: Actor, key: ApiKey, budget: BudgetGiven | None) -> KeyBudget | None:
    session.add(key)
    await session.flush()
    kept = None
    if budget is not None:
        kept = await _set_budget(session, key, budget)
    else:
        kept = await queries.find_budget_of(session, key)
    notes.note(session, actor, key, "api_key.created")
    notes.announce(session, key, kept, "api_key.created")
    return kept


async def list_keys(
    session: AsyncSession, caller: CallerInfo, page: PageRequest
) -> tuple[list[ApiKeyRead], str | None]:
    rows = await queries.list_keys(session, page, workspace_id=caller.workspace_id, mode=_visible(caller))
    keys, cursor = cut([row[0] for row in rows], page)
    found = {row[0].id: row[1] for row in rows}
    return [reading.shown(key, found[key.id]) for key in keys], cursor


async def list_of(session: AsyncSession, workspace_id: UUID) -> list[ApiKeyRead]:
    """The operator's way: all of a workspace, newest first."""
    rows = await queries.list_keys(session, None, workspace_id=workspace_id, mode=None)
    return [reading.shown(key, budget) for key, budget in rows]


async def get_key(session: AsyncSession, caller: CallerInfo, key_id: UUID) -> ApiKeyRead:
    """Raises ApiKeyNotFound."""
    key = await _get(session, caller, key_id)
    return reading.shown(key, await queries.find_budget_of(session, key))


async def update_key(
    session: AsyncSession,
    caller: CallerInfo,
    key_id: UUID,
    change: ApiKeyUpdate,
    visitor: Visitor,
    operations: Collection[str],
) -> ApiKeyRead:
    """Change what was named. What the key is then must not be more than the caller.

    Raises ApiKeyNotFound, ApiKeyRevoked, ForbiddenGrant, InvalidRequest, or what `standing.lock_own_seat` raises.
    """
    await standing.lock_own_seat(session, caller, Scope.KEYS_WRITE)
    key = await _get(session, caller, key_id, for_update=True)
    _check_alive(key)
    _check_operations(change.allowed_operations, operations)
    _check_expiry(change)
    given = change.model_fields_set
    for field in given - {"budget"}:
        value = getattr(change, field)
        setattr(key, field, sorted(value) if field == "scopes" else value)
    if "budget" in given:
        if caller.budget_key_id is not None:
            raise ForbiddenGrant.at("/budget", "Your own key has a budget: it changes none.")
        key.budget_key_id = key.id if change.budget else None
    bounds.check(caller, Power.of(key), named=given)
    if "budget" in given:
        await session.flush()
        await _set_budget(session, key, change.budget)
    budget = await queries.find_budget_of(session, key)
    notes.note(session, Actor.of(caller, visitor), key, "api_key.updated", changed=sorted(given))
    notes.announce(session, key, budget, "api_key.updated")
    changes.tell(session, key.id)
    return reading.shown(key, budget)


async def _set_budget(session: AsyncSession, key: ApiKey, given: BudgetGiven | None) -> KeyBudget | None:
    """The key's own. With another period a new count begins; else what was spent stays spent."""
    budget = await queries.find_budget(session, key.id, for_update=True)
    if given is None:
        if budget is not None:
            budget.credits = None
        return budget
    if budget is None:
        budget = KeyBudget(key_id=key.id, round=1, spent=0, period=given.period)
        budget.started_at = budgets.start(given.period, clock.now())
        session.add(budget)
    elif budget.credits is None or budget.period != given.period:
        budget.round, budget.spent, budget.period = budget.round + 1, 0, given.period
        budget.started_at = budgets.start(given.period, clock.now())
    budget.credits = given.credits
    await session.flush()
    return budget


async def rotate_key(
    session: AsyncSession, caller: CallerInfo, key_id: UUID, order: ApiKeyRotate, visitor: Visitor
) -> tuple[ApiKeyRead, str]:
    """A new secret for the key; the one it had works until the overlap ends, and one before that no longer.

    Whoever gets the secret gets all the key can do. Raises ApiKeyNotFound, ApiKeyRevoked, ForbiddenGrant, or what
    `standing.lock_own_seat` raises.
    """
    await standing.lock_own_seat(session, caller, Scope.KEYS_WRITE)
    key = await _get(session, caller, key_id, for_update=True)
    _check_alive(key)
    bounds.check(caller, Power.of(key), named=())
    secret = secrets.make("test" if key.mode == "test" else "live", key.id)
    now = clock.now()
    key.previous_secret_hash = key.secret_hash if order.overlap_seconds else None
    key.previous_until = now + timedelta(seconds=order.overlap_seconds) if order.overlap_seconds else None
    key.secret_hash, key.hint, key.rotated_at = secrets.hash_secret(secret), secrets.hint(secret), now
    budget = await queries.find_budget_of(session, key)
    notes.note(session, Actor.of(caller, visitor), key, "api_key.rotated", overlap_seconds=order.overlap_seconds)
    notes.announce(session, key, budget, "api_key.rotated")
    changes.tell(session, key.id)
    return reading.shown(key, budget), secret


async def revoke_key(session: AsyncSession, caller: CallerInfo, key_id: UUID, visitor: Visitor) -> None:
    """From now on the key opens nothing. Once is enough; twice does no harm.

    Raises ApiKeyNotFound or ForbiddenGrant.
    """
    bounds.check_current(caller)
    key = await _get(session, caller, key_id, for_update=True)
    await ending.revoke(session, key, Actor.of(caller, visitor))


async def revoke_any(session: AsyncSession, key_id: UUID) -> ApiKey:
    """The operator's way: a key of any workspace. Raises ApiKeyNotFound."""
    key = await queries.find_key(session, key_id, workspace_id=None, mode=None, for_update=True)
    if key is None:
        raise ApiKeyNotFound
    await ending.revoke(session, key, OPERATOR)
    return key


async def _get(session: AsyncSession, caller: CallerInfo, key_id: UUID, *, for_update: bool = False) -> ApiKey:
    key = await queries.find_key(
        session, key_id, workspace_id=caller.workspace_id, mode=_visible(caller), for_update=for_update
    )
    if key is None:
        raise ApiKeyNotFound
    return key


async def budget_exceeded(session: AsyncSession, budget_key_id: UUID, price: int) -> KeyBudgetExceeded:
    """The problem that tells why an order is refused."""
    return budgets.exceeded(await queries.find_budget(session, budget_key_id), price)


async def budget_refusal(database: Database, caller: CallerInfo, price: int) -> KeyBudgetExceeded:
    """The same, for those who have no transaction."""
    assert caller.budget_key_id is not None
    async with database.transaction() as session:
        return await budget_exceeded(session, caller.budget_key_id, price)


def _check_alive(key: ApiKey) -> None:
    if key.revoked_at is not None:
        raise ApiKeyRevoked


def _check_operations(named: Collection[str] | None, there_are: Collection[str]) -> None:
    for place, name in enumerate(named or ()):
        if name not in there_are:
            raise InvalidRequest.at(
                f"/allowed_operations/{place}",
                f"There is no operation {name!r}; there are {', '.join(there_are)}.",
                code="unknown_operation",
            )


def _check_expiry(order: ApiKeyCreate | ApiKeyUpdate) -> None:
    if order.expires_at is not None and order.expires_at <= clock.now():
        raise InvalidRequest.at("/expires_at", "Must lie in the future.")


def _visible(caller: CallerInfo) -> str | None:
    return "test" if caller.mode == "test" else None
