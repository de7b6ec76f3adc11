"""Users of other issuers, as of Supabase: over real HTTP, to an API that trusts three."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic, time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from jose import jws
from pydantic import ValidationError
from sqlalchemy import text

from app.accounts.issuers import jwks
from app.accounts.models import User
from app.accounts.sessions.handing import hand_over
from app.accounts.users import service as users
from app.core.db import Database, DbSession
from app.core.settings import Auth, Settings, TrustedIssuer
from app.core.visitor import VisitorDep
from app.main import create_app
from tests.accounts.issuers.fake import FakeIssuer, new_key
from tests.accounts.sessions.conftest import serve
from tests.accounts.sessions.forging import b64, packed, signed
from tests.conftest import free_port

SECRET = "a-legacy-secret-of-a-supabase-project-0123456789"
LEGACY = "https://legacy.supabase.example/auth/v1"
VERIFYING = "https://verifying.example"
AUTHORITY = "https://authority.example"


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


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_the_first_use_makes_user_and_workspace(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database, algorithm: str
) -> None:
    key = new_key(algorithm)
    issuer.keys.append(key)
    subject, email = str(uuid4()), f"{uuid4().hex}@example.com"
    answer = await ask(api, issuer.token(subject, key=key, email=email))
    assert answer.status_code == 200, answer.text
    assert answer.json()["balance"] > 0
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


async def test_two_first_uses_with_one_address_do_not_share_an_account(
    api: httpx.AsyncClient, issuer: FakeIssuer
) -> None:
    email = f"{uuid4().hex}@example.com"
    answers = await asyncio.gather(*(ask(api, issuer.token(email=email)) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


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


async def test_the_address_of_an_account_here_does_not_lead_into_it(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database
) -> None:
    """Whatever the token says of the address: users can edit much of what is in it."""
    email = f"{uuid4().hex}@example.com"
    await sign_in(api, email)
    for token in (
        issuer.token(email=email, email_verified=True, user_metadata={"email_verified": True}),
        issuer.token(email=email.upper()),
        legacy_token(VERIFYING, email=email),
    ):
        answer = await ask(api, token)
        assert (answer.status_code, answer.json()["code"]) == (409, "account_exists")
    async with database.transaction() as session:
        query = text("select count(*) from identities i join users u on u.id = i.user_id where u.email = :email")
        assert (await session.execute(query, {"email": email})).scalar_one() == 0


async def test_an_address_is_verified_where_the_operator_says_the_issuer_does_it(
    api: httpx.AsyncClient, database: Database
) -> None:
    for issuer, is_verified in ((LEGACY, False), (VERIFYING, True)):
        subject = str(uuid4())
        await ask(api, legacy_token(issuer, subject, email_verified=True))
        user = await user_of(database, subject)
        assert user is not None
        assert (user.email_verified_at is not None) == is_verified
        assert (user.settled_at is not None) == is_verified
        async with database.transaction() as session:
            query = text("select count(*) from mails where to_address = :email and kind = 'verify_email'")
            sent = (await session.execute(query, {"email": user.email})).scalar_one()
        assert sent == (0 if is_verified else 1)


async def test_an_authority_leads_into_a_settled_account_as_it_is(api: httpx.AsyncClient, database: Database) -> None:
    email, subject = f"{uuid4().hex}@example.com", str(uuid4())
    here = await sign_in(api, email)
    assert (await ask(api, legacy_token(AUTHORITY, subject, email=email))).status_code == 200
    user = await user_of(database, subject)
    assert user is not None
    assert user.email == email
    assert (await api.get("/v1/credits", headers=here)).status_code == 200


async def test_what_a_squatter_set_up_is_dropped_when_an_authority_brings_the_owner(
    api: httpx.AsyncClient, database: Database
) -> None:
    email, subject = f"{uuid4().hex}@example.com", str(uuid4())
    squatter = await sign_in(api, email)
    async with database.transaction() as session:
        await session.execute(
            text("update users set settled_at = null, email_verified_at = null, password_hash = 'x' where email = :e"),
            {"e": email},
        )
    assert (await ask(api, legacy_token(AUTHORITY, subject, email=email))).status_code == 200
    user = await user_of(database, subject)
    assert user is not None
    assert (user.password_hash, user.email) == (None, email)
    assert user.settled_at is not None
    async with asyncio.timeout(3):
        while (await api.get("/v1/credits", headers=squatter)).status_code == 200:
            await asyncio.sleep(0.02)


async def test_a_user_without_an_address_is_let_in_and_gets_no_mail(api: httpx.AsyncClient, database: Database) -> None:
    subject = str(uuid4())
    assert (await ask(api, legacy_token(VERIFYING, subject, email=None))).status_code == 200
    user = await user_of(database, subject)
    assert user is not None
    assert user.email.endswith("@users.invalid")
    assert user.email_verified_at is None
    async with database.transaction() as session:
        query = text("select count(*) from mails where to_address = :email")
        assert (await session.execute(query, {"email": user.email})).scalar_one() == 0


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


async def test_such_a_user_has_no_session_to_end_or_confirm(api: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {legacy_token()}"}
    assert (await api.get("/v1/me/sessions", headers=headers)).json()["data"] == []
    answer = await api.post("/v1/auth/logout", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")
    answer = await api.post("/v1/me/identities", json={"token": legacy_token()}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "confirmation_required")
    assert "another issuer" in answer.json()["detail"]


async def test_who_is_signed_in_here_links_the_tokens_user(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database
) -> None:
    email, subject = f"{uuid4().hex}@example.com", str(uuid4())
    here = await sign_in(api, email)
    for _ in range(2):
        answer = await api.post("/v1/me/identities", json={"token": issuer.token(subject, email=email)}, headers=here)
        assert answer.status_code == 200, answer.text
        assert answer.json()["issuer"] == issuer.issuer
    assert (await ask(api, issuer.token(subject))).status_code == 200
    user = await user_of(database, subject)
    assert user is not None
    assert user.email == email
    async with database.transaction() as session:
        query = text("select count(*) from mails where to_address = :email and kind = 'identity_linked'")
        assert (await session.execute(query, {"email": email})).scalar_one() == 1


async def test_an_identity_of_somebody_elses_cannot_be_linked(api: httpx.AsyncClient) -> None:
    subject = str(uuid4())
    await ask(api, legacy_token(subject=subject))
    here = await sign_in(api, f"{uuid4().hex}@example.com")
    answer = await api.post("/v1/me/identities", json={"token": legacy_token(subject=subject)}, headers=here)
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")


async def test_linking_wants_a_fresh_proof_a_good_token_and_a_verified_address(
    api: httpx.AsyncClient, database: Database, app: FastAPI
) -> None:
    email = f"{uuid4().hex}@example.com"
    body = {"token": legacy_token()}
    stale = await sign_in(api, email, confirmed=False)
    answer = await api.post("/v1/me/identities", json=body, headers=stale)
    assert (answer.status_code, answer.json()["code"]) == (403, "confirmation_required")
    here = await sign_in(api, email)
    answer = await api.post("/v1/me/identities", json={"token": "a.b.c"}, headers=here)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/token")
    async with database.transaction() as session:
        await session.execute(text("update users set email_verified_at = null where email = :e"), {"e": email})
    app.state.callers.forget_all()
    answer = await api.post("/v1/me/identities", json=body, headers=here)
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")


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
