"""Who comes with tokens of other issuers in these tests."""

from time import time
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from app.accounts.models import User
from app.core.db import Database
from tests.accounts.sessions.forging import signed

SECRET = "a-legacy-secret-of-a-supabase-project-0123456789"
LEGACY = "https://legacy.supabase.example/auth/v1"
VERIFYING = "https://verifying.example"
AUTHORITY = "https://authority.example"


async def ask(api: httpx.AsyncClient, token: str, path: str = "/v1/credits") -> httpx.Response:
    return await api.get(path, headers={"Authorization": f"Bearer {token}"})


async def refusal(api: httpx.AsyncClient, token: str) -> tuple[int, str]:
    answer = await ask(api, token)
    return answer.status_code, answer.json().get("code", "")


def legacy_token(issuer: str = LEGACY, subject: str | None = None, **claims: Any) -> str:
    now = int(time())
    content = {
        "iss": issuer,
        "aud": "authenticated",
        "sub": subject or str(uuid4()),
        "email": f"{uuid4().hex}@example.com",
        "role": "authenticated",
        "iat": now,
        "exp": now + 3600,
    } | claims
    return signed({"alg": "HS256", "typ": "JWT"}, content, SECRET.encode())


async def user_of(database: Database, subject: str) -> User | None:
    query = text("select user_id from identities where subject = :subject")
    async with database.transaction() as session:
        user_id = (await session.execute(query, {"subject": subject})).scalar_one_or_none()
        return await session.get(User, user_id) if user_id else None


async def sign_in(api: httpx.AsyncClient, email: str, **params: Any) -> dict[str, str]:
    """The headers of somebody who signed in here."""
    answer = await api.post("/test/sign-in", params={"email": email, **params})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
