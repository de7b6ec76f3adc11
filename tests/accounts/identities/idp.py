"""A fake identity provider that speaks the real protocols over HTTP: OpenID Connect as Google does, OAuth 2 and a user
API as GitHub does. It checks what a real one checks, and can be told to be wrong.

By hand: `.venv/bin/python -m tests.accounts.identities.idp --port 9400` prints what to set for `make dev`.
"""

import argparse
import asyncio
import hashlib
import html
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from tests.accounts.identities.id_tokens import SigningKey, part, signed, wrong_claims

HOST = "127.0.0.2"
"""The loopback address the guarded client of the tests may reach."""
CODE_SECONDS = 60
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Person:
    """Who is signed in at the provider. `emails` is what GitHub's /user/emails tells, if not just the one."""

    subject: str
    email: str | None = None
    email_verified: bool = True
    hd: str | None = None
    name: str | None = "Thu"
    emails: tuple[dict[str, Any], ...] | None = None


@dataclass
class Client:
    """Who registered here."""

    id: str
    secret: str
    redirect_uris: list[str] = field(default_factory=list)


@dataclass
class Grant:
    """A code, or the token it was exchanged for."""

    person: Person
    request: dict[str, str]
    made_at: float = field(default_factory=time.time)


class Refusal(Exception):
    """An OAuth error of the token endpoint."""


class Idp:
    """Google at `/google`, GitHub at `/github` and `/github-api`."""

    def __init__(self) -> None:
        self.google = Client("google-client", "google-secret-" + secrets.token_hex(8))
        self.github = Client("github-client", "github-secret-" + secrets.token_hex(8))
        self.origin = ""
        self._first_key = SigningKey()
        self.mend()

    def mend(self) -> None:
        """Be well, and know of nothing."""
        self.person: Person | None = Person("110248495921238986420", "thu@gmail.com")
        """None: whoever comes is asked."""
        self.fault = ""
        self.endpoint_fault: dict[str, str] = {}
        """By kind of request: slow, 500, garbage, huge, or redirect."""
        self.consents = True
        self.keys = [self._first_key]
        self.published: list[SigningKey] | None = None
        """Instead of those it signs with."""
        self.max_age: int | None = 3600
        self.asked: Counter[str] = Counter()
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    @property
    def google_issuer(self) -> str:
        return f"{self.origin}/google"

    def settings(self) -> dict[str, str]:
        """What to set, by the names of the group `auth`."""
        return {
            "google_client_id": self.google.id,
            "google_client_secret": self.google.secret,
            "google_issuer": self.google_issuer,
            "github_client_id": self.github.id,
            "github_client_secret": self.github.secret,
            "github_url": f"{self.origin}/github",
            "github_api_url": f"{self.origin}/github-api",
        }

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.keys = [SigningKey()]

    # --- the browser

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        client = self.github if "/github/" in request.path else self.google
        if query.get("client_id") != client.id or query.get("redirect_uri") not in client.redirect_uris:
            return web.Response(status=400, text="unknown client or redirect_uri")  # never sent back to a stranger
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return web.Response(status=400, text="unsupported")
        if self.person is None and "as" not in query:
            return _form(query)
        if not self.consents:
            return self._back(query, error="access_denied", error_description="The user said no.")
        code = secrets.token_urlsafe(16)
        self._codes[code] = Grant(self.person or _chosen(query), query)
        extra = {"iss": self.google_issuer} if client is self.google else {}
        if self.fault == "wrong_iss_parameter":
            extra = {"iss": "https://attacker.example"}
        return self._back(query, code=code, **extra)

    def _back(self, query: dict[str, str], **answer: str) -> web.StreamResponse:
        answer["state"] = query.get("state", "")
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{urlencode(answer)}"})

    # --- tokens

    async def _exchange(self, request: web.Request, client: Client) -> tuple[Grant, str]:
        form = dict(parse_qsl(await request.text()))
        if form.get("grant_type") != "authorization_code":
            raise Refusal("unsupported_grant_type")
        given = (form.get("client_id"), form.get("client_secret"))
        if given != (client.id, client.secret):
            raise Refusal("invalid_client" if client is self.google else "incorrect_client_credentials")
        wrong = "invalid_grant" if client is self.google else "bad_verification_code"
        grant = self._codes.pop(form.get("code", ""), None)  # of one use
        if grant is None or grant.made_at < time.time() - CODE_SECONDS or grant.request["client_id"] != client.id:
            raise Refusal(wrong)
        made = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if part(made) != grant.request.get("code_challenge"):
            raise Refusal(wrong)
        if form.get("redirect_uri") != grant.request["redirect_uri"]:
            raise Refusal("redirect_uri_mismatch")
        token = "token-" + secrets.token_urlsafe(16)
        self._tokens[token] = grant
        return grant, token

    async def _google_token(self, request: web.Request) -> web.StreamResponse:
        try:
            grant, token = await self._exchange(request, self.google)
        except Refusal as refusal:
            return web.json_response({"error": str(refusal), "error_description": "No."}, status=400)
        body = {"access_token": token, "expires_in": 3599, "token_type": "Bearer", "scope": grant.request["scope"]}
        if self.fault != "no_id_token":
            body["id_token"] = self._id_token(grant, token)
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    def _id_token(self, grant: Grant, token: str) -> str:
        now, person, key = int(time.time()), grant.person, self.keys[0]
        half = hashlib.sha256(token.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.google_issuer,
            "azp": self.google.id,
            "aud": self.google.id,
            "sub": person.subject,
            "at_hash": part(half),
            "nonce": grant.request.get("nonce"),
            "iat": now,
            "exp": now + 3600,
        }
        for name in ("hd", "email", "name"):
            if getattr(person, name) is not None:
                claims[name] = getattr(person, name)
        if person.email is not None:
            claims["email_verified"] = person.email_verified
        claims |= wrong_claims(self.fault, self.google.id, now)
        claims = {name: value for name, value in claims.items() if value != "left out"}
        return signed(claims, key, self.fault)

    async def _github_token(self, request: web.Request) -> web.StreamResponse:
        try:
            grant, token = await self._exchange(request, self.github)
        except Refusal as refusal:
            return _github_answer(request, {"error": str(refusal), "error_description": "No."})
        if self.fault == "error_200":
            return _github_answer(request, {"error": "bad_verification_code", "error_description": "It is expired."})
        scope = grant.request["scope"].replace(" ", ",")
        return _github_answer(request, {"access_token": token, "scope": scope, "token_type": "bearer"})

    # --- who it is

    def _bearer(self, request: web.Request) -> Grant | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._tokens.get(token) if scheme in ("Bearer", "token") else None

    async def _userinfo(self, request: web.Request) -> web.StreamResponse:
        if (grant := self._bearer(request)) is None:
            return web.json_response({"error": "invalid_token"}, status=401)
        person = grant.person
        return web.json_response(
            {"sub": person.subject, "email": person.email, "email_verified": person.email_verified, "name": person.name}
        )

    async def _github_user(self, request: web.Request) -> web.StreamResponse:
        grant = self._bearer(request)
        if grant is None or "User-Agent" not in request.headers:
            return web.json_response({"message": "Bad credentials"}, status=401 if grant is None else 403)
        number: Any = int(grant.person.subject) if grant.person.subject.isdigit() else grant.person.subject
        # The public profile: any address the user wrote there.
        public = "somebody-else@example.com"
        return web.json_response({"id": number, "login": "thu-dev", "name": grant.person.name, "email": public})

    async def _github_emails(self, request: web.Request) -> web.StreamResponse:
        if (grant := self._bearer(request)) is None:
            return web.json_response({"message": "Bad credentials"}, status=401)
        if "user:email" not in grant.request["scope"]:
            return web.json_response({"message": "Not Found"}, status=404)
        person = grant.person
        if person.emails is not None:
            return web.json_response(list(person.emails))
        noreply = {
            "email": "7+thu-dev@users.noreply.github.com",
            "primary": False,
            "verified": True,
            "visibility": None,
        }
        own = {"email": person.email, "primary": True, "verified": person.email_verified, "visibility": "private"}
        return web.json_response([noreply, own] if person.email else [noreply])

    # --- what is published

    async def _discovery(self, _: web.Request) -> web.StreamResponse:
        base = self.google_issuer
        issuer = "https://attacker.example" if self.fault == "foreign_discovery" else base
        content = {
            "issuer": issuer,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/certs",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }
        return web.json_response(content, headers=self._caching())

    async def _certs(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"keys": [key.published() for key in self.published or self.keys]}, headers=self._caching()
        )

    def _caching(self) -> dict[str, str]:
        return {} if self.max_age is None else {"Cache-Control": f"public, max-age={self.max_age}"}

    # --- serving

    def app(self) -> web.Application:
        app = web.Application()
        routes: tuple[tuple[str, str, str, Handler], ...] = (
            ("discovery", "GET", "/google/.well-known/openid-configuration", self._discovery),
            ("certs", "GET", "/google/certs", self._certs),
            ("authorize", "GET", "/google/authorize", self._authorize),
            ("token", "POST", "/google/token", self._google_token),
            ("userinfo", "GET", "/google/userinfo", self._userinfo),
            ("authorize", "GET", "/github/login/oauth/authorize", self._authorize),
            ("token", "POST", "/github/login/oauth/access_token", self._github_token),
            ("user", "GET", "/github-api/user", self._github_user),
            ("emails", "GET", "/github-api/user/emails", self._github_emails),
        )
        for kind, method, path, handler in routes:
            app.router.add_route(method, path, self._around(kind, handler))
        return app

    def _around(self, kind: str, handler: Handler) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            self.asked[kind] += 1
            self.requests.append((kind, request.headers))
            match self.endpoint_fault.get(kind):
                case "slow":
                    await asyncio.sleep(60)
                case "500":
                    return web.Response(status=500, text="Internal Server Error")
                case "garbage":
                    return web.Response(body=b"<html>\xff maintenance", content_type="application/json")
                case "a_list":
                    return web.json_response(["?"])
                case "huge":
                    return web.Response(body=b'{"a": "' + b"a" * 2_000_000 + b'"}', content_type="application/json")
                case "redirect":
                    return web.Response(status=302, headers={"Location": f"{self.origin}/elsewhere"})
            return await handler(request)

        return serve

    async def start(self, host: str = HOST, port: int = 0) -> None:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"

    def register(self, public_url: str) -> None:
        """As the operator does at the provider: where it may send browsers back to."""
        for name in ("google", "github"):
            getattr(self, name).redirect_uris.append(f"{public_url}/v1/auth/oauth/{name}/callback")

    async def stop(self) -> None:
        await self._runner.cleanup()


def _github_answer(request: web.Request, content: dict[str, str]) -> web.StreamResponse:
    """Form-encoded, unless JSON is asked for; errors have status 200."""
    if request.headers.get("Accept") == "application/json":
        return web.json_response(content)
    return web.Response(text=urlencode(content), content_type="application/x-www-form-urlencoded")


def _form(query: dict[str, str]) -> web.StreamResponse:
    """Who do you want to be?"""
    kept = "".join(f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in query.items())
    fields = (
        '<p><label>number <input name="subject" value="90210"></label></p>'
        '<p><label>e-mail <input name="email" value="thu@gmail.com"></label></p>'
        '<p><label><input type="checkbox" name="unverified"> not verified</label></p>'
        '<p><label>hd, the company\'s domain <input name="hd"></label></p>'
    )
    page = (
        f'<!doctype html><title>A fake provider</title><form>{kept}{fields}<button name="as" value="1">Sign in</button>'
    )
    return web.Response(text=page, content_type="text/html")


def _chosen(query: dict[str, str]) -> Person:
    person = Person(query.get("subject") or "90210", query.get("email") or None, "unverified" not in query)
    return replace(person, hd=query.get("hd") or None)


async def _serve(port: int, public_url: str) -> None:
    idp = Idp()
    idp.person = None
    idp.register(public_url)
    await idp.start("127.0.0.1", port)
    print("export BACKLOT_EGRESS_ALLOW=127.0.0.1/32")
    for name, value in idp.settings().items():
        print(f"export BACKLOT_AUTH_{name.upper()}={value}")
    try:
        await asyncio.Event().wait()
    finally:
        await idp.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9400)
    parser.add_argument("--public-url", default="http://127.0.0.1:8000", help="where the API is")
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.public_url))
