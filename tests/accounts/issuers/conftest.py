"""An API that trusts four issuers, and the one of them that publishes its keys."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from app.accounts.sessions.handing import hand_over
from app.accounts.users import service as users
from app.core.account_settings import TrustedIssuer
from app.core.db import DbSession
from app.core.settings import Settings
from app.core.visitor import VisitorDep
from app.main import create_app
from tests.accounts.issuers.fake import FakeIssuer
from tests.accounts.issuers.people import AUTHORITY, LEGACY, SECRET, VERIFYING
from tests.accounts.sessions.conftest import serve
from tests.conftest import free_port


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[FakeIssuer]:
    fake = FakeIssuer()
    await fake.start()
    yield fake
    await fake.close()


@pytest.fixture(scope="module")
async def app(settings: Settings, issuer: FakeIssuer) -> FastAPI:
    asymmetric = {"issuer": issuer.issuer, "audience": "authenticated", "name": "Fake", "jwks_url": issuer.jwks_url}
    legacy = {"issuer": LEGACY, "audience": "authenticated", "name": "Legacy", "secret": SECRET}
    verifying = legacy | {"issuer": VERIFYING, "name": "Verifying", "verifies_email": True, "role": None}
    authority = verifying | {"issuer": AUTHORITY, "name": "Authority", "authoritative": True}
    trusted = [TrustedIssuer.model_validate(one) for one in (asymmetric, legacy, verifying, authority)]
    auth = settings.auth.model_copy(update={"issuers": tuple(trusted)})
    app = create_app(settings.model_copy(update={"auth": auth}))

    @app.post("/test/sign-in")
    async def sign_in(
        request: Request, email: str, visitor: VisitorDep, session: DbSession, confirmed: bool = True
    ) -> Response:
        user, _ = await users.vouch(session, email)
        return await hand_over(request, session, user, visitor, cookies=False, is_confirmed=confirmed)

    return app


@pytest.fixture(scope="module")
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    port = free_port()
    async for _ in serve(app, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield http


@pytest.fixture(autouse=True)
async def _fresh_memory(app: FastAPI, api: httpx.AsyncClient, issuer: FakeIssuer) -> None:
    """What the process knows of the issuer's keys is forgotten, and the issuer is well."""
    issuer.is_down = False
    issuer.extra_keys = []
    for _, keys in app.state.callers.issuers._trusted.values():
        if keys is not None:
            keys._keys, keys._fetched_at, keys._tried_at = {}, float("-inf"), float("-inf")
    app.state.callers.forget_all()
