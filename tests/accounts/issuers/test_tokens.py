"""Tokens of other issuers, as of Supabase, over real HTTP: what is believed of them."""

import asyncio
from time import monotonic, time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from jose import jws
from pydantic import ValidationError
from sqlalchemy import text

from app.accounts.issuers import jwks
from app.core.account_settings import Auth, TrustedIssuer
from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.issuers.fake import FakeIssuer, new_key
from tests.accounts.issuers.people import (
    LEGACY,
    SECRET,
    ask,
    legacy_token,
    refusal,
    user_of,
)
from tests.accounts.sessions.forging import b64, packed, signed


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_the_first_use_makes_user_and_workspace(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database, algorithm: str
) -> None:
    key = new_key(algorithm)
    issuer.keys.append(key)
    subject, email = str(uuid4()), f"{uuid4().hex}@example.com"
    answer = await ask(api, issuer.token(subject, key=key, email=email))
    assert answer.status_code == 200, answer.text
    assert answer.json()["balance"] == 0, "welcome credits come when the address is verified"
    user = await user_of(database, subject)
    assert user is not None
    assert (user.email, user.email_verified_at, user.settled_at) == (email, None, None)
    answer = await ask(api, issuer.token(subject, key=key, email="changed@example.com"))
    assert answer.status_code == 200, "known by issuer and subject, whatever the address is by now"


async def test_a_legacy_secret_lets_in_too(api: httpx.AsyncClient) -> None:
    assert (await ask(api, legacy_token())).status_code == 200


async def test_the_same_subject_at_two_issuers_is_two_users(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database
) -> None:
    subject = str(uuid4())
    await ask(api, issuer.token(subject))
    await ask(api, legacy_token(subject=subject))
    async with database.transaction() as session:
        query = text("select count(distinct user_id) from identities where subject = :subject")
        assert (await session.execute(query, {"subject": subject})).scalar_one() == 2


async def test_of_many_first_uses_at_once_one_makes_the_user(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database
) -> None:
    subject, email = str(uuid4()), f"{uuid4().hex}@example.com"
    tokens = [issuer.token(subject, email=email) for _ in range(8)]  # each is another text: none is remembered
    answers = await asyncio.gather(*(ask(api, token) for token in tokens))
    assert {answer.status_code for answer in answers} == {200}
    async with database.transaction() as session:
        query = text("select count(*) from users where email = :email")
        assert (await session.execute(query, {"email": email})).scalar_one() == 1


CLAIMS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "backlot"},
    "no audience": {"aud": None},
    "expired": {"exp": int(time()) - 1},
    "no expiry": {"exp": None},
    "not valid yet": {"nbf": int(time()) + 3600},
    "of the future": {"iat": int(time()) + 3600},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that cannot be kept": {"sub": "a\x00b"},
    "the role of everybody": {"role": "anon"},
    "the role of the service": {"role": "service_role"},
    "no role": {"role": None},
    "anonymous": {"is_anonymous": True},
    "anonymous, oddly": {"is_anonymous": "yes"},
}


@pytest.mark.parametrize("change", CLAIMS.values(), ids=CLAIMS)
async def test_claims_that_are_wrong_though_well_signed(
    api: httpx.AsyncClient, issuer: FakeIssuer, change: dict[str, Any]
) -> None:
    assert await refusal(api, issuer.token(**change)) == (401, "invalid_token")


async def test_the_issuers_public_key_is_no_secret(api: httpx.AsyncClient, issuer: FakeIssuer) -> None:
    """Algorithm confusion: signed with HMAC by what everybody can read."""
    rsa_key = new_key("RS256")
    issuer.keys.append(rsa_key)
    for key in (issuer.keys[0], rsa_key):
        for secret in (key.public_pem, key.public_pem.strip(), str(key.public_jwk).encode()):
            for header in ({"alg": "HS256", "kid": key.kid}, {"alg": key.algorithm, "kid": key.kid}):
                assert await refusal(api, signed(header, issuer.claims(), secret)) == (401, "invalid_token")


async def test_none_and_the_algorithm_of_another_key(api: httpx.AsyncClient, issuer: FakeIssuer) -> None:
    key = issuer.keys[0]
    none = packed({"alg": "none", "kid": key.kid})
    rs = packed({"alg": "RS256", "kid": key.kid})
    claims = packed(issuer.claims())
    for token in (f"{none}.{claims}.", f"{rs}.{claims}.{b64(bytes(256))}"):
        assert await refusal(api, token) == (401, "invalid_token")


async def test_one_issuers_key_signs_for_no_other(api: httpx.AsyncClient, issuer: FakeIssuer) -> None:
    assert await refusal(api, issuer.token(iss=LEGACY)) == (401, "invalid_token")
    assert await refusal(api, legacy_token(issuer.issuer)) == (401, "invalid_token")
    assert await refusal(api, legacy_token("https://unknown.example")) == (401, "invalid_token")


async def test_ours_are_not_signed_by_others(api: httpx.AsyncClient, issuer: FakeIssuer, settings: Settings) -> None:
    forged = issuer.token(iss=settings.api.public_url, aud="backlot")
    assert await refusal(api, forged) == (401, "invalid_token")


async def test_a_key_published_for_something_else_signs_nothing(api: httpx.AsyncClient, issuer: FakeIssuer) -> None:
    key, private = new_key(), new_key()
    issuer.extra_keys = [
        key.public_jwk | {"use": "enc"},
        private.public_jwk | {"d": "AAAA"},
        {"kid": "shared", "kty": "oct", "k": b64(b"x" * 32), "alg": "HS256"},
        "nonsense",
        {"kty": "EC"},
    ]
    assert await refusal(api, issuer.token(key=key)) == (401, "invalid_token")
    assert await refusal(api, issuer.token(key=private)) == (401, "invalid_token")
    shared = signed({"alg": "HS256", "kid": "shared"}, issuer.claims(), b"x" * 32)
    assert await refusal(api, shared) == (401, "invalid_token")
    assert (await ask(api, issuer.token())).status_code == 200


async def test_a_new_key_is_found_by_asking_once_more(
    api: httpx.AsyncClient, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(api, issuer.token())
    before = issuer.asked
    fresh = new_key()
    issuer.keys.append(fresh)
    monkeypatch.setattr(jwks, "COOLDOWN_SECONDS", 0.0)
    answers = await asyncio.gather(*(ask(api, issuer.token(key=fresh)) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert issuer.asked - before <= 5


async def test_unknown_keys_do_not_make_us_ask_again_and_again(api: httpx.AsyncClient, issuer: FakeIssuer) -> None:
    await ask(api, issuer.token())
    before = issuer.asked
    stranger = new_key()
    for _ in range(10):
        assert await refusal(api, issuer.token(key=stranger)) == (401, "invalid_token")
    assert issuer.asked == before


async def test_many_at_once_ask_once(api: httpx.AsyncClient, issuer: FakeIssuer) -> None:
    before = issuer.asked
    await asyncio.gather(*(ask(api, issuer.token()) for _ in range(8)))
    assert issuer.asked - before == 1


async def test_while_the_issuer_is_down_its_last_keys_are_good(
    api: httpx.AsyncClient, app: FastAPI, issuer: FakeIssuer
) -> None:
    await ask(api, issuer.token())
    issuer.is_down = True
    for _, keys in app.state.callers.issuers._trusted.values():
        if keys is not None:
            keys._fetched_at = keys._tried_at = monotonic() - jwks.FRESH_SECONDS - 1
    before = issuer.asked
    assert (await ask(api, issuer.token())).status_code == 200
    assert (await ask(api, issuer.token())).status_code == 200
    assert issuer.asked - before == 1, "it is asked now and then, not each time"


async def test_an_issuer_that_was_never_reached_is_our_fault_not_the_tokens(
    api: httpx.AsyncClient, issuer: FakeIssuer
) -> None:
    issuer.is_down = True
    answer = await ask(api, issuer.token())
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down")
    assert answer.headers["retry-after"]
    assert (await ask(api, legacy_token())).status_code == 200, "others are let in"


async def test_a_suspended_user_is_let_in_by_no_issuer(
    api: httpx.AsyncClient, database: Database, app: FastAPI
) -> None:
    subject = str(uuid4())
    token = legacy_token(subject=subject)
    await ask(api, token)
    async with database.transaction() as session:
        await session.execute(
            text(
                "update users set status = 'suspended' where id = (select user_id from identities where subject = :s)"
            ),
            {"s": subject},
        )
    app.state.callers.forget_all()
    assert await refusal(api, token) == (403, "account_suspended")


async def test_a_token_is_no_good_once_it_has_expired(api: httpx.AsyncClient) -> None:
    token = legacy_token(exp=int(time()) + 2)
    assert (await ask(api, token)).status_code == 200
    async with asyncio.timeout(5):
        while (await ask(api, token)).status_code == 200:
            await asyncio.sleep(0.05)
    assert await refusal(api, token) == (401, "invalid_token")


GOOD = {"issuer": "https://a.example", "audience": "x", "name": "A", "secret": SECRET}
BAD: dict[str, dict[str, Any]] = {
    "no key": {"secret": None},
    "two keys": {"jwks_url": "https://a.example/jwks"},
    "a secret for RS256": {"algorithms": ["RS256"]},
    "HS256 with public keys": {"secret": None, "jwks_url": "https://a.example/jwks", "algorithms": ["HS256"]},
    "both": {"secret": None, "jwks_url": "https://a.example/jwks", "algorithms": ["HS256", "RS256"]},
    "none": {"algorithms": ["none"]},
    "a short secret": {"secret": "short"},
    "a public key as secret": {"secret": "-----BEGIN PUBLIC KEY-----" + "A" * 64},
    "authority that verifies nothing": {"authoritative": True},
    "a typing error": {"audiance": "x"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_settings_that_would_be_unsafe_are_refused(change: dict[str, Any]) -> None:
    TrustedIssuer.model_validate(GOOD)
    with pytest.raises(ValidationError):
        TrustedIssuer.model_validate(GOOD | change)


def test_an_issuer_is_told_by_its_algorithm_once() -> None:
    """A Supabase project that changes from its secret to keys has both for a while."""
    keys = {**GOOD, "secret": None, "jwks_url": "https://a.example/jwks"}
    Auth.model_validate({"issuers": [GOOD, keys]})
    with pytest.raises(ValidationError, match="twice"):
        Auth.model_validate({"issuers": [GOOD, GOOD]})


def test_nobody_else_speaks_for_us() -> None:
    issuer = GOOD | {"issuer": "https://api.shop.example"}
    with pytest.raises(ValidationError, match="our own tokens"):
        Settings(_env_file=None, api={"public_url": "https://api.shop.example"}, auth={"issuers": [issuer]})  # type: ignore[call-arg]


def test_issuers_are_written_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "BACKLOT_AUTH_ISSUERS", '[{"issuer": "https://a", "audience": "x", "name": "A", "jwks_url": "https://a/k"}]'
    )
    (issuer,) = Settings(_env_file=None).auth.issuers  # type: ignore[call-arg]
    assert issuer.algorithms == ("ES256", "RS256")
    monkeypatch.setenv("BACKLOT_AUTH_ISSUERS", "[{")
    with pytest.raises(ValidationError, match="JSON list"):
        Settings(_env_file=None)  # type: ignore[call-arg]


def test_tokens_of_the_tests_are_what_a_library_makes() -> None:
    token = legacy_token()
    assert jws.verify(token, SECRET, ["HS256"])
