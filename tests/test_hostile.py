"""What no honest client sends: told what is wrong as a problem, in bounded time, with nothing of the inside."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from app.core import bodies, http
from app.core.problems import CONTENT_TYPE
from app.core.settings import MEBIBYTE, Settings
from app.main import create_app
from tests.conftest import Account

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
ORIGIN = "https://shop.example"


def check(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is this problem, whole."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, CONTENT_TYPE), answer.text
    body: dict[str, Any] = answer.json()
    assert body.keys() >= MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].endswith(f"/problems/{code}")
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


async def raw(settings: Settings, *pieces: bytes, pause: float = 0) -> httpx.Response:
    """What the server says to these very bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.api.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        length = int(httpx.Headers(headers).get("content-length", 0))
        return httpx.Response(int(head[0].split()[1]), headers=headers, content=await reader.readexactly(length))
    finally:
        writer.close()


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: api", *headers, "", ""]).encode("latin-1")


def json_of(account: Account) -> tuple[str, str]:
    return f"Authorization: Bearer {account.key}", "Content-Type: application/json"


# --- bodies


@pytest.mark.usefixtures("account")
async def test_a_stranger_is_told_so_before_a_byte_of_the_body(settings: Settings) -> None:
    asked = head("POST", "/v1/tasks", "Content-Type: application/json", "Content-Length: 100")
    check(await raw(settings, asked), 401, "missing_credentials")


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/api-keys"])
async def test_a_body_over_the_limit_is_refused(account: Account, path: str) -> None:
    check(await account.live.post(path, content=b"[" * (MEBIBYTE + 1)), 413, "body_too_large")


async def test_a_length_over_the_limit_is_refused_before_a_byte_of_it(account: Account, settings: Settings) -> None:
    for path, size, code in (("/v1/tasks", 2**60, "body_too_large"), ("/v1/assets", 2**60, "file_too_large")):
        asked = head("POST", path, *json_of(account), f"Content-Length: {size}")
        check(await raw(settings, asked), 413, code)


async def test_an_endless_body_is_cut_off(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LINGER_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.api.port)
    writer.write(head("POST", "/v1/tasks", *json_of(account), "Transfer-Encoding: chunked"))
    answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))

    async def pour() -> None:
        while True:
            writer.write(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(pour(), 20)
    assert (await answer).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_who_sends_all_before_reading_still_hears_why(account: Account) -> None:
    async def much() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(MEBIBYTE)

    answer = await account.live.post("/v1/tasks", content=much(), headers={"Content-Type": "application/json"})
    check(answer, 413, "body_too_large")


async def test_a_body_that_pauses_is_given_up(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PAUSE_SECONDS", 0.2)
    asked = head("POST", "/v1/tasks", *json_of(account), "Content-Length: 100")
    check(await raw(settings, asked, b'{"operation"'), 408, "body_timed_out")


async def test_a_body_that_drips_is_given_up(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.4)
    asked = head("POST", "/v1/tasks", *json_of(account), "Content-Length: 100")
    check(await raw(settings, asked, *[b" "] * 10, pause=0.1), 408, "body_timed_out")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"operation": "upscale",}',
        b"\xff\xfe{}",
        b'{"operation": "\xc3"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5000,
        gzip.compress(b"{}"),
    ],
    ids=["cut", "comma", "utf-16 mark", "not utf-8", "deep list", "deep object", "huge number", "gzip unannounced"],
)
@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/assets"])
async def test_what_is_no_json_is_malformed(account: Account, path: str, body: bytes) -> None:
    answer = await account.live.post(path, content=body, headers={"Content-Type": "application/json"})
    check(answer, 400, "malformed_request")


@pytest.mark.parametrize("depth", [50, 200, 400, 900, 980, 990, 995])
async def test_no_depth_is_too_much(account: Account, depth: int) -> None:
    nested = b'{"operation": "upscale", "input": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    for path in ("/v1/tasks", "/v1/tasks/quote", "/v1/assets"):
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"depth-{depth}"}
        answer = await account.live.post(path, content=nested, headers=headers)
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == CONTENT_TYPE


async def test_a_deep_body_of_a_route_without_one_does_no_harm(account: Account) -> None:
    headers = {"Idempotency-Key": "deep", "Content-Type": "application/json"}
    path = "/v1/tasks/task_01jcqzm4x8e3v9tk5h2w7d6n0p/retry"
    check(await account.live.post(path, content=b"[" * 100_000, headers=headers), 404, "task_not_found")


async def test_of_two_fields_with_one_name_the_last_counts(account: Account) -> None:
    body = b'{"name": "first", "name": "second", "scopes": ["credits:read"]}'
    answer = await account.live.post("/v1/api-keys", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["name"]) == (201, "second")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/api-keys"])
async def test_another_content_type_is_refused(account: Account, path: str, kind: str) -> None:
    answer = await account.live.post(path, content=b'{"name": "n"}', headers={"Content-Type": kind})
    check(answer, 415, "unsupported_media_type")


async def test_an_upload_of_no_kind_is_refused(account: Account) -> None:
    answer = await account.live.post("/v1/assets", content=b"x", headers={"Content-Type": "text/plain"})
    check(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/assets"])
async def test_encoded_bodies_are_refused(account: Account, path: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await account.live.post(path, content=gzip.compress(b" " * 10 * MEBIBYTE), headers=headers)
    check(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"metadata": {"note": "a\x00b"}}, "/metadata/note"),
        ({"input": {"prompt": "a\x00b"}}, "/input/prompt"),
        ({"\ud800": 1}, ""),
        ({"operation": "\ud800"}, "/operation"),
        ({"metadata": {"n": "\ud800"}}, "/metadata/n"),
        ({"metadata": {"n": float("nan")}}, "/metadata/n"),
        ({"metadata": {"n": float("inf")}}, "/metadata/n"),
        ({"input": {"seed": 10**300}}, "/input/seed"),
        ({"input": {"num_images": "2"}}, "/input/num_images"),
        ({"input": {"shadow": 1}}, "/input/shadow"),
    ],
    ids=[
        "nul",
        "nul in input",
        "half a pair as name",
        "half a pair",
        "half a pair as metadata",
        "nan",
        "infinity",
        "huge",
        "text",
        "number",
    ],
)
async def test_values_that_cannot_be_kept_are_named(account: Account, change: dict[str, Any], pointer: str) -> None:
    order: dict[str, Any] = {"operation": "replace_background", "input": {"image": "asset_x", "preset": "studio-white"}}
    order |= change | {"input": order["input"] | change.get("input", {})}
    answer = await account.live.post(
        "/v1/tasks", content=json.dumps(order), headers={"Content-Type": "application/json"}
    )
    body = check(answer, 422, "invalid_request")
    assert body["errors"][0]["pointer"].startswith(pointer)


async def test_numbers_json_allows_are_kept_as_they_are(account: Account) -> None:
    asset_id = await account.upload()
    order = {
        "operation": "transform_image",
        "input": {"image": asset_id, "width": 8},
        "metadata": {"big": 10**40, "float": 0.1, "yes": True, "none": None, "text": "\U0001f4f7"},
    }
    made = (await account.live.post("/v1/tasks", json=order)).json()
    await account.live.post(f"/v1/tasks/{made['id']}/cancel")
    shown = (await account.live.get(f"/v1/tasks/{made['id']}")).json()
    assert shown["metadata"] == order["metadata"]
    assert shown["metadata"]["yes"] is True


# --- heads


@pytest.mark.parametrize("given", ["a" * 129, "with space in it", "umlaut-äöü-12345", "semi;colon;12345"])
async def test_an_ill_formed_request_id_is_replaced(account: Account, given: str) -> None:
    answer = await account.live.get("/v1/problems", headers={"X-Request-Id": given.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.headers["x-request-id"].startswith("req_")


async def test_a_well_formed_request_id_is_kept(account: Account) -> None:
    answer = await account.live.get("/v1/tasks/nothing", headers={"X-Request-Id": "trace:0123-abc.def_9"})
    assert answer.headers.get_list("x-request-id") == ["trace:0123-abc.def_9"]
    assert answer.json()["request_id"] == "trace:0123-abc.def_9"


async def test_a_request_id_cannot_bring_headers_along(account: Account, settings: Settings) -> None:
    answer = await raw(settings, head("GET", "/v1/problems", "X-Request-Id: abcdefgh%0d%0aSet-Cookie: a=b"))
    assert answer.headers["x-request-id"].startswith("req_")
    answer = await raw(settings, head("GET", "/v1/problems", "X-Request-Id: abcdefgh\rSet-Cookie: a=b"))
    check(answer, 400, "malformed_request")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("key", ["", '""', "a" * 256, "tab\there", "umlaut-ä", '"' + "a" * 256 + '"'])
@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/assets", "/v1/api-keys"])
async def test_an_ill_formed_idempotency_key_is_refused(account: Account, path: str, key: str) -> None:
    order = {"operation": "upscale", "input": {}} if path == "/v1/tasks" else {"name": "n"}
    answer = await account.live.post(path, json=order, headers={"Idempotency-Key": key.encode("latin-1")})  # type: ignore[dict-item]
    body = check(answer, 400, "malformed_request")
    assert body["errors"][0]["pointer"] == "header:Idempotency-Key"


async def test_large_heads_are_refused(account: Account, settings: Settings) -> None:
    for asked in (
        head("GET", "/v1/problems", "X-Large: " + "a" * 100_000),
        head("GET", "/v1/problems?" + "a" * 100_000),
        head("GET", "/v1/problems", *[f"X-{number}: a" for number in range(20_000)]),
    ):
        pieces = [asked[start : start + 4096] for start in range(0, len(asked), 4096)]
        with suppress(ConnectionError):  # it may be refused before all of it was sent
            check(await raw(settings, *pieces), 431, "head_too_large")


async def test_a_head_that_never_ends_is_given_up(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await raw(settings, b"GET /v1/problems HTTP/1.1\r\n", *[b"X: y\r\n"] * 10, pause=0.1)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\n\r\n"]
)
async def test_what_is_not_http_is_told_so(account: Account, settings: Settings, nonsense: bytes) -> None:
    check(await raw(settings, nonsense), 400, "malformed_request")


async def test_two_lengths_are_no_way_to_smuggle(account: Account, settings: Settings) -> None:
    asked = head("POST", "/v1/tasks", "Content-Length: 5", "Transfer-Encoding: chunked")
    check(await raw(settings, asked, b"0\r\n\r\n"), 400, "malformed_request")
    asked = head("POST", "/v1/tasks", "Content-Length: 5", "Content-Length: 6")
    check(await raw(settings, asked, b"hello"), 400, "malformed_request")


# --- methods and paths


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "PROPFIND"])
async def test_other_methods_are_told_which_there_are(account: Account, method: str) -> None:
    answer = await account.live.request(method, "/v1/tasks")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    if method != "HEAD":
        check(answer, 405, "method_not_allowed")


async def test_connect_is_no_proxy(account: Account, settings: Settings) -> None:
    answer = await raw(settings, head("CONNECT", "example.com:443"))
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == CONTENT_TYPE


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//v1/tasks",
        "/v1//tasks",
        "/v1/tasks/",
        "/v1/./tasks",
        "/v1/%2e%2e/v1/tasks",
        "/v1/../v1/tasks",
        "/V1/tasks",
        "/v1/tasks%00",
        "/v1/tasks;a=b",
        "/%ff%fe",
        "/v1/nothing",
        "/v1/tasks/task_01jcqzm4x8e3v9tk5h2w7d6n0p/nothing",
    ],
)
async def test_there_is_one_way_to_write_a_path(account: Account, settings: Settings, path: str) -> None:
    answer = await raw(settings, head("GET", path, f"Authorization: Bearer {account.key}"))
    check(answer, 404, "not_found")


@pytest.mark.parametrize("path", ["/files/..%2f..%2fetc%2fpasswd", "/files/%2e%2e/secret", "/files/a%00b", "/files/"])
async def test_files_are_not_reached_past_their_folder(account: Account, settings: Settings, path: str) -> None:
    answer = await raw(settings, head("GET", f"{path}?expires=99999999999&signature=x"))
    check(answer, 403, "invalid_signature")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 422, "invalid_request"),
        ("limit=101", 422, "invalid_request"),
        ("limit=abc", 422, "invalid_request"),
        ("limit=-1", 422, "invalid_request"),
        ("limit=" + "9" * 5000, 422, "invalid_request"),
        ("cursor=abc", 422, "invalid_cursor"),
        ("cursor=" + "_" * 32, 422, "invalid_cursor"),
        ("cursor=" + "A" * 200, 422, "invalid_cursor"),
        ("cursor=" + "A" * 201, 422, "invalid_request"),
        ("cursor=%00", 422, "invalid_cursor"),
        ("created_after=0001-01-01T00:00:00%2B14:00", 422, "invalid_request"),
        ("created_after=9999-12-31T23:59:59-14:00", 422, "invalid_request"),
        ("created_after=2026-01-01T00:00:00", 422, "invalid_request"),
        ("created_after=1700000000", 422, "invalid_request"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/assets"])
async def test_odd_queries_are_refused(account: Account, path: str, query: str, status: int, code: str) -> None:
    body = check(await account.live.get(f"{path}?{query}"), status, code)
    assert body["errors"][0]["pointer"] == f"query:{query.partition('=')[0]}"


@pytest.mark.parametrize(
    "query",
    [
        "operation=%00",
        "metadata[a]=%00",
        "metadata[a%00]=1",
        "metadata[]=1",
        "metadata[a b]=1",
        "metadata[a]=" + "x" * 501,
        "status=gone",
        "batch_id=task_01jcqzm4x8e3v9tk5h2w7d6n0p",
    ],
)
async def test_odd_filters_are_refused(account: Account, query: str) -> None:
    check(await account.live.get(f"/v1/tasks?{query}"), 422, "invalid_request")


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "cursor=", "created_after=0001-01-01T00:00:00Z", "metadata[a]=%ff", "unknown=1", "&&="]
)
async def test_harmless_queries_are_answered(account: Account, query: str) -> None:
    answer = await account.live.get(f"/v1/tasks?{query}")
    assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_a_forged_cursor_shows_nothing_of_others(account: Account, neighbour: Account) -> None:
    await neighbour.upload()
    await neighbour.upload()
    theirs = (await neighbour.live.get("/v1/assets?limit=1")).json()["next_cursor"]
    assert (await account.live.get("/v1/assets", params={"cursor": theirs})).json()["data"] == []


# --- other origins, and crashes


@pytest.fixture
async def browser(urls: dict[str, str], settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API with one listed origin and a route that crashes."""
    api = settings.api.model_copy(update={"cors_origins": (ORIGIN,)})
    app = create_app(settings.model_copy(update={"api": api}))

    async def crash() -> None:
        raise RuntimeError("the password is hunter2")

    app.add_api_route("/crash", crash)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as browser:
        yield browser


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}


async def test_a_listed_origin_may_ask_with_credentials(browser: httpx.AsyncClient) -> None:
    asked = await browser.options("/v1/tasks", headers={"Origin": ORIGIN} | PREFLIGHT)
    assert asked.status_code == 200
    answer = await browser.get("/v1/problems", headers={"Origin": ORIGIN})
    for headers in (asked.headers, answer.headers):
        assert headers["access-control-allow-origin"] == ORIGIN
        assert headers["access-control-allow-credentials"] == "true"
        assert "Origin" in headers["vary"]
        assert headers["x-request-id"].startswith("req_")
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ORIGIN + ".evil.example", ORIGIN.upper()])
async def test_another_origin_is_told_nothing(browser: httpx.AsyncClient, origin: str) -> None:
    asked = await browser.options("/v1/tasks", headers={"Origin": origin} | PREFLIGHT)
    check(asked, 405, "method_not_allowed")
    answer = await browser.get("/v1/problems", headers={"Origin": origin})
    assert answer.status_code == 200
    for headers in (asked.headers, answer.headers):
        assert [name for name in headers if name.startswith("access-control-")] == []
        assert headers["vary"] == "Origin"


async def test_a_crash_tells_nothing_and_can_be_found(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/crash", headers={"Origin": ORIGIN, "X-Request-Id": "trace-0001"})
    body = check(answer, 500, "internal")
    assert body["request_id"] == "trace-0001"
    assert body.keys() == MEMBERS
    assert "hunter2" not in answer.text
    assert answer.headers["access-control-allow-origin"] == ORIGIN
