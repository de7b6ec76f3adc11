"""Who users of other issuers are here: nobody gets another's account by an address."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from tests.accounts.issuers.fake import FakeIssuer
from tests.accounts.issuers.people import (
    AUTHORITY,
    LEGACY,
    VERIFYING,
    ask,
    legacy_token,
    sign_in,
    user_of,
)


async def test_two_first_uses_with_one_address_do_not_share_an_account(
    api: httpx.AsyncClient, issuer: FakeIssuer
) -> None:
    email = f"{uuid4().hex}@example.com"
    answers = await asyncio.gather(*(ask(api, issuer.token(email=email)) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


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
        assert answer.status_code == 201, answer.text
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


async def test_a_mailbox_has_only_so_many_accounts_here_too(api: httpx.AsyncClient, settings: Settings) -> None:
    name, most = uuid4().hex, settings.auth.accounts_per_mailbox
    for number in range(most + 1):  # nobody verified these
        assert (await ask(api, legacy_token(LEGACY, email=f"{name}+a{number}@gmail.com"))).status_code == 200
    tokens = [legacy_token(VERIFYING, email=f"{name}+{number}@gmail.com") for number in range(most + 1)]
    answers = [await ask(api, token) for token in tokens]
    assert [answer.status_code for answer in answers] == [200] * most + [409]
    assert answers[-1].json()["code"] == "mailbox_full"
    assert [answer.json()["balance"] > 0 for answer in answers[:-1]] == [True] + [False] * (most - 1)


async def test_an_authority_does_not_verify_one_account_more(
    api: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    name, subject = uuid4().hex, str(uuid4())
    late = f"{name}+late@gmail.com"
    await ask(api, legacy_token(LEGACY, subject, email=late))
    for number in range(settings.auth.accounts_per_mailbox):
        await ask(api, legacy_token(VERIFYING, email=f"{name}+{number}@gmail.com"))
    answer = await ask(api, legacy_token(AUTHORITY, email=late))
    assert (answer.status_code, answer.json()["code"]) == (409, "mailbox_full")
    user = await user_of(database, subject)
    assert user is not None
    assert (user.email, user.email_verified_at) == (late, None)


async def test_who_has_no_mailbox_awaits_no_welcome(api: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await ask(api, legacy_token(LEGACY, email=None))
        assert answer.json()["balance"] > 0


async def test_the_audit_log_tells_who_came_first_and_from_where(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database
) -> None:
    email = f"{uuid4().hex}@example.com"
    answer = await api.get(
        "/v1/credits", headers={"Authorization": f"Bearer {issuer.token(email=email)}", "User-Agent": "Firefox/140"}
    )
    assert answer.status_code == 200, answer.text
    rows = await database.fetch(
        "select e.action, d.ip, d.user_agent from audit_entries e join audit_details d on d.entry_id = e.id"
        " where e.actor_id = (select id from users where email = $1) order by e.number",
        email,
    )
    assert [tuple(row) for row in rows] == [
        ("user.signed_up", "127.0.0.1", "Firefox/140"),
        ("identity.linked", "127.0.0.1", "Firefox/140"),
    ]


async def test_an_unlinked_token_lets_nobody_in_any_more(
    api: httpx.AsyncClient, issuer: FakeIssuer, database: Database
) -> None:
    headers = await sign_in(api, f"{uuid4().hex}@example.com")
    token = issuer.token(email=f"{uuid4().hex}@example.com")
    linked = await api.post("/v1/me/identities", json={"token": token}, headers=headers)
    assert linked.status_code == 201, linked.text
    me = (await api.get("/v1/me", headers=headers)).json()["id"]
    assert (await ask(api, token, "/v1/me")).json()["id"] == me
    await database.fetch("update users set password_hash = 'theirs' where id = $1", decode("user", me))
    gone = await api.delete(linked.headers["location"], headers=headers)
    assert gone.status_code == 204, gone.text
    async with asyncio.timeout(5):
        while (answer := await ask(api, token, "/v1/me")).json().get("id") == me:
            await asyncio.sleep(0.02)
    assert answer.status_code in (200, 409), "it is another user's now, or nobody's"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"code": "x"}, {"/code_verifier"}),
        ({}, {"/code", "/code_verifier"}),
        ({"token": 7}, {"/token"}),
        ({"token": "x", "code": "y"}, {"/code"}),
    ],
)
async def test_what_is_wrong_with_a_link_is_named(
    api: httpx.AsyncClient, body: dict[str, object], pointers: set[str]
) -> None:
    answer = await api.post("/v1/me/identities", json=body, headers=await sign_in(api, f"{uuid4().hex}@example.com"))
    assert answer.status_code == 422, answer.text
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers
