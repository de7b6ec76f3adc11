"""Streams through a real nginx, set up as docs/waiting-for-results.md says. Where there is none, nothing is tried."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from tests.conftest import Account, free_port
from tests.feed.conftest import Teller, stream

NGINX = shutil.which("nginx")
PAGE = Path(__file__).parents[2] / "docs" / "waiting-for-results.md"
pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")
FRAME = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {inner}
}}
"""
UNAWARE = "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{api}; }} }}"
"""As somebody has it who has read nothing."""


def documented(settings: Settings, port: int) -> str:
    """The page's configuration, without TLS, here."""
    (said,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    said = re.sub(r"^ *(http2|ssl_\w+) .*\n", "", said, flags=re.MULTILINE)
    said = re.sub(r"listen [^;]*;", f"listen 127.0.0.1:{port};", said)
    return re.sub(r"server 127\.0\.0\.1:8000;", f"server 127.0.0.1:{settings.api.port};", said)


@pytest.fixture(params=["as documented", "as it comes"])
async def proxied(
    request: pytest.FixtureRequest, settings: Settings, account: Account, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """The user, through nginx."""
    port = free_port()
    if request.param == "as documented":
        inner = "gzip on; gzip_proxied any; gzip_types *; " + documented(settings, port)
    else:
        inner = UNAWARE.format(port=port, api=settings.api.port)
    (tmp_path / "nginx.conf").write_text(FRAME.format(folder=tmp_path, inner=inner))
    assert NGINX is not None
    running = await asyncio.create_subprocess_exec(NGINX, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=account.person.headers) as client:
        async with asyncio.timeout(10):
            while True:
                try:
                    await client.get("/health/live")
                    break
                except httpx.TransportError:
                    assert running.returncode is None, (tmp_path / "error.log").read_text()
                    await asyncio.sleep(0.05)
        yield client
    running.terminate()
    await running.wait()


async def test_events_come_as_they_happen(teller: Teller, proxied: httpx.AsyncClient) -> None:
    async with stream(proxied, type="api_key.*") as reader:
        assert "content-encoding" not in reader.answer.headers
        messages = reader.messages()
        await anext(messages)
        for name in "abc":
            await teller.tell(name=name)
            message = await asyncio.wait_for(anext(messages), 2)
            assert message.data["data"]["name"] == name


async def test_a_client_that_goes_away_is_noticed_behind_it(
    teller: Teller, proxied: httpx.AsyncClient, server: FastAPI
) -> None:
    async with stream(proxied, type="api_key.*") as reader:
        await anext(reader.messages())
        bells = server.state.feed.bells._bells
        assert bells
    async with asyncio.timeout(5):
        while bells:
            await asyncio.sleep(0.02)
