"""Who is calling: FastAPI dependencies of every route that is not public."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials

from app.accounts.errors import AccountSuspended, InvalidApiKey, MissingCredentials, MissingScope
from app.accounts.key_cache import KeyCache
from app.accounts.models import Scope
from app.accounts.schemas import CallerInfo
from app.core import hot, idempotency
from app.core.db import UNREACHABLE, DatabaseDep
from app.core.dependencies import SealerDep
from app.core.idempotency import Claim, Once
from app.core.problems import (
    DependencyDown,
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    Internal,
    InvalidRequest,
    MalformedRequest,
    Problem,
)

_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer", description="`Authorization: Bearer <API key>`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="ApiKey", description="An API key.")

_CHALLENGE = {"WWW-Authenticate": "Bearer"}

# What any route with a caller may answer with, beside its own.
CALLER_PROBLEMS: tuple[type[Problem], ...] = (
    MissingCredentials,
    InvalidApiKey,
    AccountSuspended,
    MissingScope,
    InvalidRequest,
    MalformedRequest,
    Internal,
    DependencyDown,
)
ONCE_PROBLEMS: tuple[type[Problem], ...] = (IdempotencyKeyReused, IdempotencyKeyInFlight)


def get_keys(request: Request) -> KeyCache:
    keys: KeyCache = request.app.state.keys
    return keys


KeysDep = Annotated[KeyCache, Depends(get_keys)]


def _presented(request: Request) -> str | None:
    """The key of the request: the bearer token, else `X-API-Key`."""
    scheme, _, token = (hot.header(request, b"authorization") or "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    return token or hot.header(request, b"x-api-key")


async def authenticate(request: Request, *scopes: str) -> CallerInfo:
    """Who is calling, and may do this. Raises MissingCredentials, InvalidApiKey, AccountSuspended or MissingScope."""
    if not (text := _presented(request)):
        raise MissingCredentials(
            "Send an API key as `Authorization: Bearer bk_live_…` or `X-API-Key: bk_live_…`.", headers=_CHALLENGE
        )
    try:
        caller = await get_keys(request).find(text)
    except InvalidApiKey as problem:
        problem.headers.update(_CHALLENGE)
        raise
    for scope in scopes:
        if scope not in caller.scopes:
            raise MissingScope(f"This key lacks the scope {str(scope)!r}.", required_scope=str(scope))
    return caller


async def is_still_admitted(request: Request, *scopes: str) -> bool:
    """For answers that go on for long: False when the key was revoked since, or the account suspended."""
    try:
        await authenticate(request, *scopes)
    except Problem:
        return False
    except UNREACHABLE:
        pass  # nobody can say
    return True


async def _caller(
    request: Request,
    scopes: SecurityScopes,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> CallerInfo:
    """What `authenticate` finds; `bearer` and `header` are for the OpenAPI document."""
    return await authenticate(request, *scopes.scopes)


def requires(*scopes: Scope) -> Any:
    """The dependency giving the caller, who has these scopes: `caller: Annotated[CallerInfo, requires(...)]`."""
    return Security(_caller, scopes=[scope.value for scope in scopes])


TasksReader = Annotated[CallerInfo, requires(Scope.TASKS_READ)]
TasksWriter = Annotated[CallerInfo, requires(Scope.TASKS_WRITE)]
AssetsReader = Annotated[CallerInfo, requires(Scope.ASSETS_READ)]
AssetsWriter = Annotated[CallerInfo, requires(Scope.ASSETS_WRITE)]
CreditsReader = Annotated[CallerInfo, requires(Scope.CREDITS_READ)]
KeysReader = Annotated[CallerInfo, requires(Scope.KEYS_READ)]
KeysWriter = Annotated[CallerInfo, requires(Scope.KEYS_WRITE)]

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Repeats of a request with the same key and body have one effect and one answer, for 24 hours.",
        examples=["order-1042"],
    ),
]


async def _once(
    request: Request,
    database: DatabaseDep,
    sealer: SealerDep,
    caller: Annotated[CallerInfo, Depends(_caller)],
    key: IdempotencyHeader = None,
) -> AsyncIterator[Once]:
    body = idempotency.canonical(await request.body())
    async with idempotency.once(
        database,
        sealer,
        workspace_id=caller.workspace_id,
        mode=caller.mode,
        key=idempotency.read_key(key),
        fingerprint=idempotency.fingerprint(request.method, request.url.path, body),
    ) as once:
        yield once


# For routes with a JSON body. Name it before DbSession, so that a failed commit lets the key go.
OnceDep = Annotated[Once, Depends(_once, scope="function")]


async def claimed(request: Request, header: str | None) -> Claim | None:
    """The key and what it stands for, for routes that claim it in the statement of the effect itself."""
    key = idempotency.read_key(header)
    if key is None:
        return None
    body = idempotency.canonical(await request.body())
    return Claim(key, idempotency.fingerprint(request.method, request.url.path, body))


def same_body(parts: dict[str, Any]) -> bytes:
    """What stands for a body that is not JSON in the fingerprint of an Idempotency-Key."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
