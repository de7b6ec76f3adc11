"""Mails by SMTP: a connection is used for many, and how one failed is told by what the server said, and when."""

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP

from app.core.account_settings import Mail
from app.mail.errors import NotSent, Paused, Rejected, Transient
from app.mail.senders.base import Receipt
from app.mail.writing import Letter

CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0
MOST_MAILS = 50
"""By one connection: servers have their own limits, and end it at a bad moment."""
UNREACHABLE_SECONDS = 10.0
REFUSED_SECONDS = 60.0
_IMPLICIT_TLS = 465
_SUBMISSION = 587
_MUST_SIGN_IN = (530, 534, 535, 538)


class Smtp:
    """The server of BACKLOT_MAIL_SMTP_URL."""

    name = "smtp"

    def __init__(self, settings: Mail) -> None:
        assert settings.smtp_url is not None
        url = urlsplit(settings.smtp_url.get_secret_value())
        self._domain = settings.sender_domain
        self._host = url.hostname or ""
        self._username = unquote(url.username) if url.username else None
        password = unquote(url.password) if url.password else None
        if password is None and settings.smtp_password is not None:
            password = settings.smtp_password.get_secret_value()
        self._password = password
        port = url.port or (_IMPLICIT_TLS if url.scheme == "smtps" else _SUBMISSION if self._username else 25)
        self._port = port
        tls = settings.smtp_tls
        self._is_implicit = tls == "implicit" or (tls == "auto" and (url.scheme == "smtps" or port == _IMPLICIT_TLS))
        # None: where it is offered, and of whoever offers it, as who could fake a certificate could hide the offer.
        self._starts_tls: bool | None = None
        if self._is_implicit or tls == "none":
            self._starts_tls = False
        elif tls == "starttls" or self._username is not None:
            self._starts_tls = True
        self._context = ssl.create_default_context(cafile=settings.smtp_ca)
        if not self._is_implicit and self._starts_tls is None and settings.smtp_ca is None:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        self._idle: list[_Connection] = []

    async def send(self, letter: Letter) -> Receipt:
        connection = await self._connection()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                _, answer = await connection.smtp.send_message(letter.message, recipients=[letter.to])
        except BaseException as fault:
            if isinstance(fault, aiosmtplib.SMTPResponseException | aiosmtplib.SMTPRecipientsRefused):
                await self._keep(connection)
            else:
                connection.smtp.close()
            if isinstance(fault, Exception):
                raise _refused(fault) from fault
            raise
        await self._keep(connection)
        return Receipt(answer[:200] or None)

    async def rest(self) -> None:
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.end() for connection in idle))

    async def close(self) -> None:
        await self.rest()

    async def _connection(self) -> "_Connection":
        """One that answers. Raises Paused."""
        while self._idle:
            connection = self._idle.pop()
            if await connection.is_alive():
                return connection
        smtp = SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._is_implicit,
            start_tls=self._starts_tls,
            tls_context=self._context,
            timeout=CONNECT_SECONDS,
            # What mail servers want to hear, and no name of a machine of ours.
            local_hostname=self._domain,
        )
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                await smtp.connect()
        except Exception as fault:
            smtp.close()
            raise _not_connected(fault) from fault
        smtp.timeout = SEND_SECONDS
        return _Connection(smtp)

    async def _keep(self, connection: "_Connection") -> None:
        connection.mails += 1
        if connection.mails >= MOST_MAILS or not connection.smtp.is_connected:
            await connection.end()
        else:
            self._idle.append(connection)


class _Connection:
    def __init__(self, smtp: SMTP) -> None:
        self.smtp = smtp
        self.mails = 0

    async def is_alive(self) -> bool:
        """A server closes what was idle for long, and says so when it is spoken to."""
        try:
            await self.smtp.rset(timeout=CONNECT_SECONDS)
        except (aiosmtplib.SMTPException, OSError):
            self.smtp.close()
            return False
        return True

    async def end(self) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):
            await self.smtp.quit(timeout=2)
        self.smtp.close()


def _not_connected(fault: Exception) -> NotSent:
    """Before there was any talk of the mail: it says nothing about this one."""
    chain: list[BaseException | None] = [fault, fault.__cause__]
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        return Paused("the certificate of the SMTP server is not trusted", REFUSED_SECONDS, is_refusal=True)
    match fault:
        case aiosmtplib.SMTPAuthenticationError() if fault.code >= 500:
            reason = f"the SMTP server refuses our user name or password: {fault.code} {fault.message}"
            return Paused(reason, REFUSED_SECONDS, is_refusal=True)
        case aiosmtplib.SMTPResponseException() if fault.code >= 500:
            return Paused(f"the SMTP server refuses us: {fault.code} {fault.message}", REFUSED_SECONDS, is_refusal=True)
        case aiosmtplib.SMTPResponseException():
            return Paused(f"the SMTP server is busy: {fault.code} {fault.message}", UNREACHABLE_SECONDS)
        case OSError():
            return Paused(f"the SMTP server cannot be reached: {fault}", UNREACHABLE_SECONDS)
        case aiosmtplib.SMTPException():  # no STARTTLS where we demand it, no way of signing in that we know
            return Paused(f"the SMTP server does not do what we need: {fault}", REFUSED_SECONDS, is_refusal=True)
    return Paused(f"the SMTP server cannot be spoken to: {fault!r}", UNREACHABLE_SECONDS)


def _refused(fault: Exception) -> NotSent:
    """While the mail was handed over."""
    match fault:
        case aiosmtplib.SMTPRecipientsRefused() if fault.recipients:
            return _refused(fault.recipients[0])
        case aiosmtplib.SMTPSenderRefused() if fault.code >= 500:
            return Paused(
                f"the SMTP server refuses our sender: {fault.code} {fault.message}", REFUSED_SECONDS, is_refusal=True
            )
        case aiosmtplib.SMTPResponseException() if fault.code in _MUST_SIGN_IN:
            return Paused(
                f"the SMTP server wants us to sign in: {fault.code} {fault.message}", REFUSED_SECONDS, is_refusal=True
            )
        case aiosmtplib.SMTPResponseException() if fault.code >= 500:
            return Rejected(f"{fault.code} {fault.message}")
        case aiosmtplib.SMTPResponseException():
            return Transient(f"{fault.code} {fault.message}")
        case aiosmtplib.SMTPNotSupported():
            return Rejected("the SMTP server takes no address that is not ASCII")
        case aiosmtplib.SMTPException() | OSError():
            return Transient(f"the connection broke: {fault!r}")
    return Rejected(f"it cannot be sent as it is: {type(fault).__name__}")
