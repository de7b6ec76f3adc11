"""No attempt goes to an address that is not public, however the endpoint's name comes by it."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from app.core.settings import Egress
from tests.conftest import REACHABLE
from tests.mail.smtp_server import make_certificate
from tests.webhooks.receiver import Receiver, answering, receiver
from tests.webhooks.scene import Scene


def resolving(monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
    """Each of the names, with dots for underscores, leads to that address; the rest as it is."""
    known = socket.getaddrinfo
    leads = {name.replace("_", "."): address for name, address in names.items()}

    def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        return known(leads.get(host, host), port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "::1", "::ffff:127.0.0.1"]
)
async def test_a_name_that_leads_inside_is_not_followed(
    address: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, shop_example_com=address)
    endpoint = await scene.endpoint("https://shop.example.com/hook")
    await scene.tell()
    await scene.courier.deliver()
    (delivery,) = await scene.deliveries(endpoint)
    assert (delivery["status"], delivery["error"]) == ("pending", "address")


async def test_a_name_that_turns_inwards_between_attempts_is_refused_then(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at when the endpoint was made it was good; each attempt looks anew."""
    with monkeypatch.context() as patch:
        async with receiver(answering(500)) as shop:
            resolving(patch, shop_example_com="127.0.0.2")
            endpoint = await scene.endpoint(f"http://shop.example.com:{shop.port}/hook")
            await scene.tell()
            await scene.courier.deliver()
            assert len(shop.got) == 1
            assert shop.got[0].headers["host"] == f"shop.example.com:{shop.port}"
    resolving(monkeypatch, shop_example_com="127.0.0.1")
    await scene.pass_time(6)
    await scene.courier.deliver()
    (delivery,) = await scene.deliveries(endpoint)
    assert delivery["error"] == "address"
    codes = [one["error"]["code"] for one in await scene.attempts(delivery["id"])]
    assert codes == ["status", "address"]


async def test_what_was_allowed_when_it_was_made_is_refused_where_it_is_no_more(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell()
    strict = scene.settings.model_copy(update={"egress": Egress()})
    await scene.another_courier(strict).deliver()
    (delivery,) = await scene.deliveries(endpoint)
    assert delivery["error"] in ("scheme", "address")
    assert shop.got == []


async def test_a_certificate_nobody_trusts_gets_nothing(scene: Scene, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(make_certificate(tmp_path))
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(serve, REACHABLE, 0, ssl=context)
    endpoint = await scene.endpoint(f"https://{REACHABLE}:{server.sockets[0].getsockname()[1]}/hook")
    await scene.tell()
    await scene.courier.deliver()
    server.close()
    (delivery,) = await scene.deliveries(endpoint)
    assert (delivery["status"], delivery["error"]) == ("pending", "tls")
    assert asked == []
