"""The rows of sign-ins that are under way: attempts of browsers, and codes for front ends."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.identities import queries
from app.accounts.identities.attempts import (
    CODE_SECONDS,
    LIFE_SECONDS,
    AttemptSecrets,
    BegunAttempt,
    Purpose,
    challenge_of,
    hash_secret,
    new_secret,
)
from app.accounts.identities.claims import Claims
from app.accounts.identities.errors import InvalidOauthAttempt, InvalidOauthCode
from app.accounts.identities.models import Identity, OauthAttempt, OauthCode
from app.accounts.models import User
from app.accounts.users import queries as users
from app.core import clock
from app.core.db import Database


def begin(
    session: AsyncSession,
    secrets: AttemptSecrets,
    *,
    provider: str,
    purpose: Purpose,
    redirect_to: str | None,
    cookies: bool,
    challenge: str | None,
) -> None:
    now = clock.now()
    session.add(
        OauthAttempt(
            secret_hash=secrets.secret_hash,
            provider=provider,
            purpose=purpose,
            redirect_to=redirect_to,
            cookies=cookies,
            challenge=challenge,
            created_at=now,
            expires_at=now + timedelta(seconds=LIFE_SECONDS),
        )
    )


async def take(database: Database, secrets: AttemptSecrets | None, provider: str) -> BegunAttempt:
    """The attempt of the browser that came back, once: gone before anything is done with it. Raises
    InvalidOauthAttempt, also where it was begun with another provider."""
    row = await queries.take_attempt(database, secrets.secret_hash) if secrets else None
    if secrets is None or row is None or row["provider"] != provider or row["expires_at"] <= clock.now():
        raise InvalidOauthAttempt(
            "This sign-in was not begun in this browser, took longer than ten minutes, or is over already. "
            f"Begin again at GET /v1/auth/oauth/{provider}/authorize, with cookies allowed."
        )
    return BegunAttempt(
        secrets=secrets,
        provider=provider,
        purpose=row["purpose"],
        redirect_to=row["redirect_to"],
        cookies=row["cookies"],
        challenge=row["challenge"],
        created_at=row["created_at"],
    )


def add_sign_in_code(session: AsyncSession, challenge: str, identity: Identity) -> str:
    """A code for a session of the identity's user."""
    code = new_secret()
    session.add(_code(code, challenge, identity_id=identity.id))
    return code


def add_link_code(session: AsyncSession, challenge: str, claims: Claims) -> str:
    """A code for linking that identity."""
    code = new_secret()
    session.add(_code(code, challenge, issuer=claims.issuer, subject=claims.subject, email=claims.email))
    return code


async def exchange(session: AsyncSession, code: str, verifier: str) -> User:
    """Whose session the code is for, locked; it is of no more use when that is committed. Raises InvalidOauthCode.

    A code goes with its identity: who drops that, and locks the user for it, leaves no way in by a code that waits.
    """
    user_id = await queries.find_user_of_code(session, hash_secret(code))
    if user_id is None:
        raise InvalidOauthCode
    user = await users.lock_user(session, user_id)
    if await queries.take_code(session, hash_secret(code), challenge_of(verifier), is_link=False) is None:
        raise InvalidOauthCode
    return user


def _code(code: str, challenge: str, **stands_for: str | UUID | None) -> OauthCode:
    now = clock.now()
    expires_at = now + timedelta(seconds=CODE_SECONDS)
    return OauthCode(
        code_hash=hash_secret(code), challenge=challenge, created_at=now, expires_at=expires_at, **stands_for
    )
