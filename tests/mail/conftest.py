"""An empty outbox, and mail servers that behave as told."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.mail.outbox import Outbox
from tests.mail.resend_server import ResendServer
from tests.mail.smtp_server import SmtpServer


@pytest.fixture
async def outbox(database: Database, settings: Settings) -> AsyncIterator[Outbox]:
    outbox = Outbox(database, settings)
    await outbox.clear()
    yield outbox
    await outbox.close()
    await outbox.clear()


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


@pytest.fixture
async def smtp_with_tls(tmp_path: Path) -> AsyncIterator[SmtpServer]:
    """One that offers STARTTLS, by a certificate it made itself, and then takes user name and password."""
    async with SmtpServer(folder=tmp_path) as server:
        yield server


@pytest.fixture
def resend() -> Iterator[ResendServer]:
    with ResendServer() as server:
        yield server
