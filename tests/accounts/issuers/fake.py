"""An issuer of tokens as Supabase is one: keys behind a URL, rotation, and days when it is down."""

import asyncio
import json
from dataclasses import dataclass, field
from time import time
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jws

from tests.conftest import REACHABLE


@dataclass
class SigningKey:
    kid: str
    algorithm: str
    private_pem: str
    public_pem: bytes
    public_jwk: dict[str, Any]


def new_key(algorithm: str = "ES256") -> SigningKey:
    made = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    kid = uuid4().hex
    found = jwk.construct(public, algorithm).to_dict()
    shown = {name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}
    return SigningKey(kid, algorithm, private.decode(), public, shown | {"kid": kid, "use": "sig"})


@dataclass
class FakeIssuer:
    """Serves its keys at `jwks_url`; `asked` counts who wanted them."""

    keys: list[SigningKey] = field(default_factory=lambda: [new_key()])
    asked: int = 0
    is_down: bool = False
    extra_keys: list[Any] = field(default_factory=list)
    audience: str = "authenticated"
    port: int = 0
    _server: asyncio.Server | None = None

    @property
    def issuer(self) -> str:
        return f"http://{REACHABLE}:{self.port}/auth/v1"

    @property
    def jwks_url(self) -> str:
        return f"{self.issuer}/.well-known/jwks.json"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, REACHABLE, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def token(self, subject: str | None = None, *, key: SigningKey | None = None, **claims: Any) -> str:
        key = key or self.keys[0]
        return str(
            jws.sign(self.claims(subject, **claims), key.private_pem, headers={"kid": key.kid}, algorithm=key.algorithm)
        )

    def claims(self, subject: str | None = None, **claims: Any) -> dict[str, Any]:
        now = int(time())
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject or str(uuid4()),
            "email": f"{uuid4().hex}@example.com",
            "role": "authenticated",
            "is_anonymous": False,
            "session_id": str(uuid4()),
            "iat": now,
            "exp": now + 3600,
        } | claims

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            keys = [key.public_jwk for key in self.keys] + self.extra_keys
            body = b"" if self.is_down else json.dumps({"keys": keys}).encode()
            status = b"503 Service Unavailable" if self.is_down else b"200 OK"
            writer.write(
                b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
                % (status, len(body), body)
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
