"""What `Idempotency-Key` means to the routes of a caller: FastAPI dependencies."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Request

from app.accounts.caller import RecognisedDep
from app.core import idempotency
from app.core.db import DatabaseDep
from app.core.dependencies import SealerDep
from app.core.idempotency import Claim, Once
from app.core.problems import IdempotencyKeyInFlight, IdempotencyKeyReused, Problem

ONCE_PROBLEMS: tuple[type[Problem], ...] = (IdempotencyKeyReused, IdempotencyKeyInFlight)

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
    caller: RecognisedDep,
    key: IdempotencyHeader = None,
) -> AsyncIterator[Once]:
    body = idempotency.canonical(await request.body())
    async with idempotency.once(
        database,
        sealer,
        workspace_id=caller.workspace_id,
        mode=caller.mode,
        key=idempotency.read_key(key),
        # An answer may hold a secret: it is told again to whoever it was told, not to all of the workspace.
        fingerprint=idempotency.fingerprint(
            request.method, request.url.path, body, str(caller.key_id or caller.user_id)
        ),
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
