"""A real SMTP server on a free port of this machine, which does what tests tell it to."""

import asyncio
import os
import ssl
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core import clock

PASSWORD = "p@ss:w/ord"


class SmtpServer:
    """`recipients` answers RCPT by address, `data` answers DATA; by default all is taken."""

    def __init__(self, folder: Path | None = None) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[str] = []
        self.passwords: list[bytes] = []
        self.connections = 0
        self.recipients: dict[str, str] = {}
        self.data: Callable[[int], str | None] = lambda number: None
        self.hold: asyncio.Event | None = None
        """Until it is set no DATA is answered."""
        self.holding = asyncio.Event()
        self.kill: int | None = None
        """The process that dies when its mail was taken and not yet answered."""
        self.breaks_off = 0
        """So many connections end when their mail was taken and not yet answered."""
        self.certificate = folder and make_certificate(folder)
        self._servers: list[SMTP] = []

    async def __aenter__(self) -> "SmtpServer":
        self._listening = await asyncio.get_running_loop().create_server(self._make, "127.0.0.1", 0)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Go away, and with it all connections."""
        self._listening.close()
        self.drop()
        await self._listening.wait_closed()

    def drop(self) -> None:
        for server in self._servers:
            if server.transport is not None:
                server.transport.abort()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID was taken."""
        return Counter(str(message["Message-ID"]) for message in self.messages)

    def _make(self) -> SMTP:
        context = None
        if self.certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.certificate)
        server = SMTP(
            self,
            hostname="test",
            tls_context=context,
            require_starttls=False,
            auth_required=bool(context),
            auth_require_tls=bool(context),
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )
        self.connections += 1
        self._servers.append(server)
        return server

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        self.passwords.append(given.password)
        return AuthResult(success=given.password == PASSWORD.encode())

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if (refusal := self.recipients.get(address)) is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.hold is not None:
            self.holding.set()
            await self.hold.wait()
        refusal = self.data(len(self.messages))
        if refusal is not None:
            return refusal
        message = message_from_bytes(envelope.content, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.envelopes += envelope.rcpt_tos
        if self.kill is not None:
            os.kill(self.kill, 9)
        if self.breaks_off > 0:
            self.breaks_off -= 1
            server.transport.abort()
        return "250 OK queued as A1"


def make_certificate(folder: Path) -> Path:
    """Key and certificate of 127.0.0.1 in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
