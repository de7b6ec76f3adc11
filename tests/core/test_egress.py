"""The guarded client against real servers on this machine, which stand for everything it must not reach."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import FileIO
from ipaddress import ip_address, ip_network
from tempfile import TemporaryFile
from typing import Any

import httpx
import pytest

from app.core import egress, guard
from app.core.egress import Egress, EgressError
from app.core.problems import DependencyDown
from app.core.settings import Egress as EgressSettings
from app.core.settings import Settings
from tests.core.site import PICTURE, Site, Writer, answer, listening


def settings(*allow: str, total_seconds: float = 5) -> Settings:
    networks = tuple(ip_network(block) for block in allow)
    return Settings(egress=EgressSettings(allow=networks, total_seconds=total_seconds, connect_seconds=2))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with listening("127.0.0.1") as it:
        yield it


@asynccontextmanager
async def client(*allow: str, total_seconds: float = 5) -> AsyncIterator[Egress]:
    it = Egress(settings(*allow, total_seconds=total_seconds))
    try:
        yield it
    finally:
        await it.aclose()


async def refusal(it: Egress, url: str, **limits: Any) -> EgressError:
    with pytest.raises(EgressError) as caught:
        await it.fetch(url, **{"max_bytes": 1000, **limits})
    return caught.value


async def test_a_file_is_fetched_from_an_allowed_range(site: Site) -> None:
    url = site.page("/a", answer(content_type="image/png"))
    async with client("127.0.0.0/8") as it:
        fetched = await it.fetch(url, max_bytes=1000)
    assert fetched == egress.Fetched(PICTURE, "image/png", url)
    assert "accept-encoding: identity" in site.requests[0].lower()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
    ],
)
async def test_no_spelling_of_this_machine_is_reached(site: Site, host: str) -> None:
    site.page("/a", answer())
    async with client() as it:
        over_https = await refusal(it, f"https://{host}:{site.port}/a")
    async with client("203.0.113.0/24") as it:
        over_http = await refusal(it, f"http://{host}:{site.port}/a")
    assert over_https.code in ("address", "scheme")
    assert over_http.code in ("address", "scheme")
    assert site.visits == []


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[::ffff:10.0.0.1]", "10.0.0.1", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]"]
)
async def test_private_and_metadata_addresses_are_refused_at_once(host: str) -> None:
    async with client() as it:
        started = time.monotonic()
        assert (await refusal(it, f"https://{host}/latest/meta-data/")).code == "address"
        assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::8.8.8.8",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2002:a00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not guard.is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert guard.is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///etc/passwd", "scheme"),
        ("FILE:///etc/passwd", "scheme"),
        ("ftp://example.com/a.png", "scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "scheme"),
        ("data:image/png;base64,AAAA", "scheme"),
        ("//example.com/a.png", "scheme"),
        ("a.png", "scheme"),
        ("", "scheme"),
        ("http://example.com/a.png", "scheme"),
        ("https://user:secret@example.com/a.png", "scheme"),
        ("https://user@example.com/a.png", "scheme"),
        ("https://example.com:99999/a.png", "scheme"),
        ("https://exa mple.com/\x00", "scheme"),
        ("https://example.com/" + "a" * 3000, "scheme"),
        ("https:///a.png", "dns"),
        ("https://" + "a" * 64 + ".example/a.png", "dns"),
        ("https://a..example/a.png", "dns"),
        ("https://does-not-exist.invalid/a.png", "dns"),
    ],
)
async def test_other_urls_are_refused_with_a_reason(url: str, code: str) -> None:
    async with client() as it:
        error = await refusal(it, url)
    assert error.code == code
    assert error.detail.endswith(".")


async def test_redirects_are_followed_and_joined(site: Site) -> None:
    final = site.page("/b/c.png", answer())
    url = site.page("/a", answer(b"", "302 Found", location="/b/c.png"))
    async with client("127.0.0.0/8") as it:
        assert (await it.fetch(url, max_bytes=1000)).url == final


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://169.254.169.254/", "address"),
        ("https://[::ffff:10.0.0.1]/", "address"),
        ("https://10.0.0.1/", "address"),
        ("file:///etc/passwd", "scheme"),
        ("https://a:b@example.com/", "scheme"),
        ("/again", "redirect"),
        ("http://[::bad", "connection"),
    ],
)
async def test_each_hop_is_judged_anew(site: Site, location: str, code: str) -> None:
    url = site.page("/again", answer(b"", "307 Temporary Redirect", location=location))
    async with client("127.0.0.0/8") as it:
        assert (await refusal(it, url)).code == code
    assert len(site.visits) <= egress.MAX_REDIRECTS + 1


async def test_https_does_not_become_http() -> None:
    moved = httpx.MockTransport(lambda _: httpx.Response(301, headers={"location": "http://127.0.0.1/"}))
    it = Egress(settings("127.0.0.0/8"), client=httpx.AsyncClient(transport=moved))
    assert (await refusal(it, "https://example.com/")).code == "redirect"
    await it.aclose()


async def test_a_name_is_judged_by_the_address_of_each_connection(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the name answers with an allowed address first, with a private one afterwards."""
    answers = ["127.0.0.1", "10.0.0.1"]

    async def resolve(_: Any, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        address = answers.pop(0)
        return [{"hostname": host, "host": address, "port": port, "family": 2, "proto": 6, "flags": 0}]

    monkeypatch.setattr("aiohttp.resolver.DefaultResolver.resolve", resolve)
    site.page("/a", answer())
    async with client("127.0.0.0/8") as it:
        assert (await it.fetch(site.url("/a", "rebind.example"), max_bytes=1000)).content == PICTURE
        assert (await refusal(it, site.url("/a", "rebind.example"))).code == "address"
    assert answers == []


async def test_an_own_public_address_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "is_public", lambda _: True)
    async with client() as it:
        assert (await refusal(it, f"https://127.0.0.1:{site.port}/")).code == "address"
    assert site.visits == []


@pytest.mark.parametrize("claim", ["", "content-length: 999999999999\r\n"])
async def test_an_endless_body_ends_at_the_cap(site: Site, claim: str) -> None:
    async def pour(writer: Writer) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{claim}\r\n".encode())
        while True:
            writer.write(b"x" * 100_000)
            await writer.drain()

    site.pages["/a"] = pour
    async with client("127.0.0.0/8") as it:
        assert (await refusal(it, site.url("/a"))).code == "too_large"


@pytest.mark.parametrize("where", ["head", "body", "connect"])
async def test_a_dripping_server_ends_at_the_time(site: Site, where: str) -> None:
    async def drip(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if where == "body" else b""))
        while True:
            writer.write(b"x" if where != "connect" else b"")
            await writer.drain()
            await asyncio.sleep(0.1)

    site.pages["/a"] = drip
    async with client("127.0.0.0/8", total_seconds=0.6) as it:
        started = time.monotonic()
        assert (await refusal(it, site.url("/a"))).code == "timeout"
        assert 0.5 < time.monotonic() - started < 2


async def test_the_time_covers_all_redirects(site: Site) -> None:
    async def slow(writer: Writer) -> None:
        await asyncio.sleep(0.3)
        writer.write(answer(b"", "302 Found", location="/a"))

    site.pages["/a"] = slow
    async with client("127.0.0.0/8", total_seconds=0.6) as it:
        assert (await refusal(it, site.url("/a"))).code == "timeout"


async def test_compressed_answers_are_not_unpacked(site: Site) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    url = site.page("/a", answer(bomb, content_encoding="gzip"))
    async with client("127.0.0.0/8") as it:
        assert (await refusal(it, url, max_bytes=100_000)).code == "encoding"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (answer(b"", "404 Not Found"), "status"),
        (answer(b"", "500 Oops"), "status"),
        (answer(b"", "304 Not Modified"), "status"),
        (answer(b"", "302 Found"), "status"),
        (b"", "connection"),
        (b"\x00\x01 not http at all\r\n\r\n", "connection"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nshort", "connection"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\n\r\n", "connection"),
    ],
)
async def test_broken_answers_have_a_reason(site: Site, raw: bytes, code: str) -> None:
    url = site.page("/a", raw)
    async with client("127.0.0.0/8") as it:
        assert (await refusal(it, url)).code == code


async def test_a_closed_port_is_a_connection_error() -> None:
    async with client("127.0.0.0/8") as it:
        assert (await refusal(it, "http://127.0.0.1:1/")).code == "connection"
        assert (await refusal(it, "https://127.0.0.1:1/")).code == "connection"


async def test_cookies_are_not_carried_to_the_next_fetch(site: Site) -> None:
    url = site.page("/a", answer(set_cookie="who=someone; Path=/"))
    async with client("127.0.0.0/8") as it:
        await it.fetch(url, max_bytes=1000)
        await it.fetch(url, max_bytes=1000)
    assert "cookie" not in site.requests[1].lower()


# --- into a file


def is_png(head: bytes) -> bool:
    return head.startswith(b"\x89PNG")


async def test_a_file_is_downloaded_a_piece_at_a_time(site: Site) -> None:
    body = b"\x89PNG" + bytes(range(256)) * 4000
    async with client("127.0.0.0/8") as it:
        with TemporaryFile(buffering=0) as file:
            size = await it.download(site.page("/a", answer(body)), file, max_bytes=2_000_000, accepts=is_png)
            file.seek(0)
            assert (size, file.read()) == (len(body), body)


@pytest.mark.parametrize("begins", [b"<!DOCTYPE html>", b"\x00\x00\x00\x1cftypmp42", b"\x89PN", b""])
async def test_what_is_of_another_type_is_dropped_at_once(site: Site, begins: bytes) -> None:
    sent = 0

    async def pour(writer: Writer) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n" + begins)
        for _ in range(500):
            writer.write(bytes(100_000))
            await writer.drain()
            sent += 100_000

    site.pages["/a"] = pour
    async with client("127.0.0.0/8") as it:
        with TemporaryFile(buffering=0) as file:
            with pytest.raises(EgressError) as caught:
                await it.download(site.url("/a"), file, max_bytes=100_000_000, accepts=is_png)
            assert (caught.value.code, file.tell()) == ("type", 0)
    assert sent < 25_000_000, "what the sockets hold, and no more"


@pytest.mark.parametrize("body", [b"", b"\x89PN"], ids=str)
async def test_a_file_of_hardly_a_byte_is_judged_too(site: Site, body: bytes) -> None:
    async with client("127.0.0.0/8") as it:
        with TemporaryFile(buffering=0) as file, pytest.raises(EgressError) as caught:
            await it.download(site.page("/a", answer(body)), file, max_bytes=100, accepts=is_png)
    assert caught.value.code == "type"


@pytest.mark.parametrize("claim", ["", "content-length: 999999999999\r\n"])
async def test_an_endless_download_ends_at_the_cap(site: Site, claim: str) -> None:
    async def pour(writer: Writer) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{claim}\r\n".encode() + b"\x89PNG")
        while True:
            writer.write(b"x" * 100_000)
            await writer.drain()

    site.pages["/a"] = pour
    async with client("127.0.0.0/8") as it:
        with TemporaryFile(buffering=0) as file:
            with pytest.raises(EgressError) as caught:
                await it.download(site.url("/a"), file, max_bytes=1_000_000, accepts=is_png)
            assert caught.value.code == "too_large"
            assert file.tell() <= 1_000_000


async def test_a_dripping_download_ends_at_the_time(site: Site) -> None:
    async def drip(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n\x89PNG")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    site.pages["/a"] = drip
    async with client("127.0.0.0/8", total_seconds=0.6) as it:
        with TemporaryFile(buffering=0) as file, pytest.raises(EgressError) as caught:
            await it.download(site.url("/a"), file, max_bytes=1_000_000, accepts=is_png)
    assert caught.value.code == "timeout"


async def test_a_full_disk_is_no_fault_of_the_server(site: Site) -> None:
    async with client("127.0.0.0/8") as it:
        with FileIO("/dev/full", "wb") as full, pytest.raises(DependencyDown):
            await it.download(site.page("/a", answer()), full, max_bytes=1000, accepts=is_png)


# --- requests of our own


async def exchange(it: Egress, url: str, *, max_bytes: int = 1000) -> httpx.Response:
    return await it.exchange(it.client.build_request("POST", url, data={"a": "b"}), max_bytes=max_bytes)


async def test_an_exchange_gives_the_answer_whatever_its_status(site: Site) -> None:
    url = site.page("/token", answer(b'{"error": "no"}', "400 Bad Request", content_type="application/json"))
    async with client("127.0.0.0/8") as it:
        found = await exchange(it, url)
    assert (found.status_code, found.json()) == (400, {"error": "no"})
    assert site.requests[0].startswith("POST /token ")


async def test_an_exchange_follows_no_redirect(site: Site) -> None:
    url = site.page("/token", answer(b"", "302 Found", location=site.url("/elsewhere")))
    async with client("127.0.0.0/8") as it:
        assert (await exchange(it, url)).status_code == 302
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("allow", "page", "code"),
    [
        (("10.0.0.0/8",), answer(), "address"),
        ((), answer(), "scheme"),
        (("127.0.0.0/8",), answer(bytes(1001)), "too_large"),
        (("127.0.0.0/8",), answer(gzip.compress(b"{}"), content_encoding="gzip"), "encoding"),
        (("127.0.0.0/8",), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", "connection"),
    ],
)
async def test_an_exchange_is_guarded_and_limited(site: Site, allow: tuple[str, ...], page: bytes, code: str) -> None:
    url = site.page("/token", page)
    async with client(*allow) as it:
        with pytest.raises(EgressError) as caught:
            await exchange(it, url)
    assert caught.value.code == code


async def test_an_exchange_ends_in_time(site: Site) -> None:
    async def wait(_: Writer) -> None:
        await asyncio.sleep(20)

    site.pages["/token"] = wait
    async with client("127.0.0.0/8", total_seconds=0.3) as it:
        with pytest.raises(EgressError) as caught:
            await exchange(it, site.url("/token"))
    assert caught.value.code == "timeout"
