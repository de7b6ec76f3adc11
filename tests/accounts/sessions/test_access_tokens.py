"""Access tokens: what is not exactly one of ours opens nothing."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from jose import jws
from pydantic import SecretStr
from sqlalchemy import text

from app.accounts.sessions import keyring, queries
from app.accounts.sessions.keyring import Keyring
from app.accounts.sessions.models import SigningKey
from app.core import clock, jwt
from app.core.db import Database
from app.core.ids import encode, new_id
from app.core.sealing import Sealer
from app.core.settings import Settings
from tests.accounts.sessions.conftest import Person, SignIn
from tests.accounts.sessions.forging import b64, packed, signed, unpacked
from tests.conftest import client
from tests.embedded.dev import backlot


@dataclass
class Mint:
    """A good token, taken apart, and the secret it was signed with."""

    person: Person
    secret: bytes

    @property
    def text(self) -> str:
        return str(self.person.answer["access_token"])

    @property
    def header(self) -> dict[str, Any]:
        return unpacked(self.text.split(".")[0])

    @property
    def claims(self) -> dict[str, Any]:
        return unpacked(self.text.split(".")[1])

    def made(self, *, without: str = "", header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Signed with the right key, and otherwise as told."""
        kept = {name: value for name, value in (self.claims | claims).items() if name != without}
        return signed(self.header | (header or {}), kept, self.secret)


@pytest.fixture
async def mint(sign_in: SignIn, settings: Settings, database: Database) -> Mint:
    person = await sign_in()
    kid = unpacked(person.answer["access_token"].split(".")[0])["kid"]
    async with database.transaction() as session:
        key = await session.get(SigningKey, kid)
        assert key is not None
        return Mint(person, Sealer(settings, "signing keys").open(key.secret))


@pytest.fixture
async def http(settings: Settings, server: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(settings) as plain:
        yield plain


async def answer_to(http: httpx.AsyncClient, token: str) -> tuple[int, str]:
    answer = await http.get("/v1/credits", headers={"Authorization": f"Bearer {token}".encode()})
    return answer.status_code, answer.json().get("code", "")


async def test_what_we_make_by_hand_is_what_the_api_makes(mint: Mint, http: httpx.AsyncClient) -> None:
    """Else the refusals below would prove nothing."""
    assert mint.made() != ""
    assert await answer_to(http, mint.made()) == (200, "")
    assert await answer_to(http, mint.made(jti="another")) == (200, "")


async def test_its_claims_say_who_for_whom_and_until_when(mint: Mint, settings: Settings) -> None:
    claims = mint.claims
    assert (claims["iss"], claims["aud"]) == (settings.api.public_url, "backlot")
    assert claims["sub"] == encode("user", mint.person.user_id)
    assert claims["sid"] == mint.person.answer["id"]
    assert claims["exp"] - claims["iat"] == 900
    assert mint.header == {"alg": "HS256", "typ": "JWT", "kid": mint.header["kid"]}


CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "an issuer that is no text": {"iss": ["https://evil.example"]},
    "another audience": {"aud": "authenticated"},
    "other audiences": {"aud": ["a", "b"]},
    "no audience": {"without": "aud"},
    "no issuer": {"without": "iss"},
    "no subject": {"without": "sub"},
    "no session": {"without": "sid"},
    "no expiry": {"without": "exp"},
    "no time of issue": {"without": "iat"},
    "no beginning": {"without": "nbf"},
    "expired": {"exp": int(time()) - 1},
    "expired, as text": {"exp": "99999999999"},
    "expiry true": {"exp": True},
    "expiry null": {"exp": None},
    "expiry endless": {"exp": float("inf")},
    "expiry not a number": {"exp": float("nan")},
    "expiry far beyond": {"exp": 1e300},
    "not valid yet": {"nbf": int(time()) + 3600},
    "issued in the future": {"iat": int(time()) + 3600},
    "an id that is none": {"sid": "sess_1"},
    "a session that is a number": {"sid": 7},
    "a subject that is a list": {"sub": ["user_1"]},
    "another user than the session's": {"sub": encode("user", new_id())},
    "another kind of subject": {"sub": encode("key", new_id())},
}


@pytest.mark.parametrize("change", CLAIMS.values(), ids=CLAIMS)
async def test_claims_that_are_wrong_though_well_signed(
    mint: Mint, http: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    assert await answer_to(http, mint.made(**change)) == (401, "invalid_token")


async def test_clocks_may_differ_by_a_minute_for_what_was_not_yet(mint: Mint, http: httpx.AsyncClient) -> None:
    assert await answer_to(http, mint.made(nbf=int(time()) + 50, iat=int(time()) + 50)) == (200, "")


async def test_a_session_nobody_knows_is_over(mint: Mint, http: httpx.AsyncClient) -> None:
    assert await answer_to(http, mint.made(sid=encode("sess", new_id()))) == (401, "session_revoked")


HEADERS: dict[str, dict[str, Any]] = {
    "none": {"alg": "none"},
    "None": {"alg": "None"},
    "no algorithm": {"alg": None},
    "an empty algorithm": {"alg": ""},
    "HS512": {"alg": "HS512"},
    "RS256": {"alg": "RS256"},
    "ES256": {"alg": "ES256"},
    "dir": {"alg": "dir", "enc": "A256GCM"},
    "a list": {"alg": ["HS256"]},
    "unknown kid": {"kid": "sig_unknown"},
    "no kid": {"kid": None},
    "kid a path": {"kid": "../../../../dev/null"},
    "kid SQL": {"kid": "' union select 'a', ''::bytea, null --"},
    "kid with NUL": {"kid": "sig\x00"},
    "kid a list": {"kid": ["sig"]},
    "kid long": {"kid": "k" * 3000},
    "crit": {"crit": ["exp"]},
    "crit unknown": {"crit": ["urn:example"], "urn:example": 1},
    "b64": {"b64": False, "crit": ["b64"]},
    "zip": {"zip": "DEF"},
    "enc": {"enc": "A128GCM"},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
async def test_headers_that_ask_for_something_else(mint: Mint, http: httpx.AsyncClient, header: dict[str, Any]) -> None:
    assert await answer_to(http, mint.made(header=header)) == (401, "invalid_token")


async def test_a_key_that_comes_with_the_token_is_not_used(mint: Mint, http: httpx.AsyncClient) -> None:
    secret = b"chosen by the attacker" * 2
    jwk = {"kty": "oct", "k": b64(secret), "alg": "HS256"}
    for extra in ({"jwk": jwk}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/cert"}):
        assert await answer_to(http, signed(mint.header | extra, mint.claims, secret)) == (401, "invalid_token")


async def test_no_signature_and_wrong_ones(mint: Mint, http: httpx.AsyncClient) -> None:
    head, claims, signature = mint.text.split(".")
    none = packed({"alg": "none", "typ": "JWT"})
    other = packed(mint.claims | {"sub": encode("user", new_id())})
    for token in (
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        f"{head}.{claims}.",
        f"{head}.{other}.{signature}",
        f"{head}.{claims}.{b64(bytes(32))}",
        f"{head}.{claims}.{signature[:-4]}",
        signed(mint.header, mint.claims, b""),
        signed(mint.header, mint.claims, mint.secret[:-1]),
        f"{head}.{claims}",
        "..",
        ".",
        "a.b.c",
        f".{claims}.{signature}",
        f"{head}..{signature}",
    ):
        assert await answer_to(http, token) == (401, "invalid_token"), token


async def test_rs256_signed_by_anybody_is_refused(mint: Mint, http: httpx.AsyncClient) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    token = jws.sign(mint.claims, pem.decode(), headers={"kid": mint.header["kid"]}, algorithm="RS256")
    assert await answer_to(http, token) == (401, "invalid_token")


@pytest.mark.parametrize(
    "content", [b"[" * 5000, b'{"a":' * 1000, b"\xff\xfe", b"[]", b'"text"', b"null", b"7", b"", b"{", b'{"iss":1e999}']
)
async def test_parts_that_are_no_object(mint: Mint, http: httpx.AsyncClient, content: bytes) -> None:
    head, claims, signature = mint.text.split(".")
    for token in (f"{b64(content)}.{claims}.{signature}", f"{head}.{b64(content)}.{signature}"):
        assert await answer_to(http, token) == (401, "invalid_token")


async def test_a_long_token_is_not_even_split(mint: Mint, http: httpx.AsyncClient) -> None:
    assert await answer_to(http, mint.made(padding="x" * 20_000)) == (401, "invalid_token")
    with pytest.raises(jwt.InvalidJwt, match="longer than"):
        jwt.peek("a" * 1_000_000)


async def test_a_token_of_a_megabyte_costs_nothing(mint: Mint, http: httpx.AsyncClient) -> None:
    """The head of a request may have 64 KiB."""
    started = time()
    try:
        status, code = await answer_to(http, mint.made(padding="x" * 1_000_000))
    except httpx.TransportError:  # the answer came before all was sent, and the connection was closed
        pass
    else:
        assert (status, code) == (431, "head_too_large")
    assert time() - started < 2
    assert await answer_to(http, mint.text) == (200, "")


async def test_what_is_encrypted_is_never_opened(mint: Mint, http: httpx.AsyncClient) -> None:
    """A JWE bomb: a few bytes that unpack to hundreds of megabytes."""
    packer = zlib.compressobj(9, wbits=-15)
    bomb = b64(b"".join(packer.compress(bytes(1 << 20)) for _ in range(4)) + packer.flush())
    header = packed({"alg": "dir", "enc": "A256GCM", "zip": "DEF", "kid": mint.header["kid"]})
    started = time()
    for token in (
        f"{header}..{b64(bytes(12))}.{bomb}.{b64(bytes(16))}",
        f"{header}.{bomb}.{b64(bytes(16))}",
        signed(mint.header | {"zip": "DEF"}, json.dumps({"bomb": bomb}), mint.secret),
    ):
        assert await answer_to(http, token) == (401, "invalid_token")
    assert time() - started < 2


async def test_a_retired_key_verifies_until_what_it_signed_has_expired(
    mint: Mint, http: httpx.AsyncClient, settings: Settings, database: Database, sign_in: SignIn, server: FastAPI
) -> None:
    async with database.transaction() as session:
        kid = await keyring.rotate(session, settings)
    assert kid is not None
    assert await answer_to(http, mint.made(jti="new")) == (200, ""), "the old one still verifies"
    ring = Keyring(settings, database)
    assert (await ring.signer()).kid == kid
    later = clock.now() - timedelta(seconds=keyring.overlap_seconds(settings) + 1)
    async with database.transaction() as session:
        await session.execute(
            text("update signing_keys set retired_at = :at where kid = :kid"), {"at": later, "kid": mint.header["kid"]}
        )
    server.state.callers.forget_all()
    assert await answer_to(http, mint.text) == (401, "invalid_token")
    assert await ring.find(kid) is not None


async def test_every_process_signs_with_the_new_key_at_once(
    settings: Settings, database: Database, sign_in: SignIn
) -> None:
    before = unpacked((await sign_in()).answer["access_token"].split(".")[0])["kid"]
    async with database.transaction() as session:
        kid = await keyring.rotate(session, settings)
    while (now := unpacked((await sign_in()).answer["access_token"].split(".")[0])["kid"]) == before:
        pass
    assert now == kid


async def test_after_a_rotation_at_once_nothing_older_is_believed(
    mint: Mint, http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    assert await answer_to(http, mint.text) == (200, "")
    async with database.transaction() as session:
        await keyring.rotate(session, settings, at_once=True)
    while (await answer_to(http, mint.text))[0] == 200:
        pass
    assert await answer_to(http, mint.text) == (401, "invalid_token")
    fresh = await http.post("/v1/auth/refresh", json={"refresh_token": mint.person.refresh_token})
    assert await answer_to(http, fresh.json()["access_token"]) == (200, "")


async def test_a_rotation_at_once_is_heard_while_keys_are_being_read(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before it came would be believed for a minute."""
    ring = Keyring(settings, database)
    old = (await ring.signer()).kid
    ring.forget()
    keep = queries.list_signing_keys

    async def read_slowly(*arguments: Any) -> Any:
        found = await keep(*arguments)
        monkeypatch.setattr(queries, "list_signing_keys", keep)
        async with database.transaction() as session:
            await keyring.rotate(session, settings, at_once=True)
        ring.forget()
        return found

    monkeypatch.setattr(queries, "list_signing_keys", read_slowly)
    await ring.signer()
    assert await ring.find(old) is None


async def test_of_many_processes_that_need_the_first_key_one_makes_it(settings: Settings, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("delete from signing_keys"))
    signers = await asyncio.gather(*(Keyring(settings, database).signer() for _ in range(8)))
    assert len({signer.kid for signer in signers}) == 1
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from signing_keys"))).scalar_one() == 1


async def test_two_rotations_at_once_are_one(settings: Settings, database: Database) -> None:
    await Keyring(settings, database).signer()

    async def rotate() -> str | None:
        async with database.transaction() as session:
            return await keyring.rotate(session, settings)

    made = [kid for kid in await asyncio.gather(*(rotate() for _ in range(4))) if kid]
    assert made
    async with database.transaction() as session:
        current = (await session.execute(text("select kid from signing_keys where retired_at is null"))).scalars().all()
    assert len(current) == 1
    assert current[0] in made


async def test_a_key_sealed_with_another_secret_is_replaced(settings: Settings, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("delete from signing_keys"))
    other = settings.model_copy(update={"secret": SecretStr("another secret altogether")})
    theirs = await Keyring(other, database).signer()
    ours = await Keyring(settings, database).signer()
    assert ours.kid != theirs.kid
    assert (await Keyring(settings, database).signer()).kid == ours.kid


async def test_unknown_names_of_keys_do_not_make_the_database_busy(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = keyring.queries.list_signing_keys

    async def counted(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        return await real(*args)

    monkeypatch.setattr(keyring.queries, "list_signing_keys", counted)
    ring = Keyring(settings, database)
    for number in range(20):
        assert await ring.find(f"sig_{number}") is None
    assert looks == 1


async def test_no_signing_key_rests_in_the_open(mint: Mint, database: Database) -> None:
    async with database.transaction() as session:
        found = (await session.execute(text("select secret from signing_keys"))).scalars().all()
    assert all(mint.secret not in sealed for sealed in found)


async def test_a_key_signs_for_a_month(settings: Settings, database: Database) -> None:
    first = (await Keyring(settings, database).signer()).kid
    await keyring.keep_house(database, settings)
    assert (await Keyring(settings, database).signer()).kid == first
    async with database.transaction() as session:
        old = clock.now() - keyring.LIFE - timedelta(minutes=1)
        await session.execute(
            text("update signing_keys set created_at = :at where kid = :kid"), {"at": old, "kid": first}
        )
    await keyring.keep_house(database, settings)
    ring = Keyring(settings, database)
    assert (await ring.signer()).kid != first
    assert await ring.find(first) is not None
    async with database.transaction() as session:
        long_ago = clock.now() - timedelta(days=2)
        await session.execute(
            text("update signing_keys set retired_at = :at where kid = :kid"), {"at": long_ago, "kid": first}
        )
    await keyring.keep_house(database, settings)
    async with database.transaction() as session:
        assert await session.get(SigningKey, first) is None


async def test_the_command_line_rotates_too(settings: Settings, database: Database, tmp_path: Path) -> None:
    first = (await Keyring(settings, database).signer()).kid
    environment = {
        "BACKLOT_DATABASE_URL": settings.database.url.get_secret_value(),
        "BACKLOT_REDIS_URL": settings.redis.url.get_secret_value(),
    }
    done = await asyncio.to_thread(backlot, "keys", "rotate-signing", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    kid = (await Keyring(settings, database).signer()).kid
    assert kid != first
    assert kid in done.stderr
    noted = "select actor_kind from audit_entries where action = 'signing_key.changed' order by number desc limit 1"
    assert [row["actor_kind"] for row in await database.fetch(noted)] == ["operator"]
