"""Access tokens: what is not exactly one of ours opens nothing."""

import json
import zlib
from time import time
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jws

from app.core import jwt
from app.core.ids import encode, new_id
from app.core.settings import Settings
from tests.accounts.sessions.forging import b64, packed, signed
from tests.accounts.sessions.mint import Mint, answer_to


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
