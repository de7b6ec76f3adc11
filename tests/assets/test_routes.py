"""Assets over real HTTP: in, seen, changed, gone; and everything that is refused leaves nothing behind."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from app.core.db import Database
from app.core.settings import Settings
from tests.assets import pictures
from tests.conftest import PHOTOS, REACHABLE, Account
from tests.core.site import Site, answer, listening

COFFEE = (PHOTOS / "coffee.jpg").read_bytes()
FIELDS = {
    *("id", "object", "kind", "source", "content_type", "bytes", "width", "height", "duration", "sha256"),
    *("placeholder", "urls", "favorite", "task_id", "metadata", "created_at", "filename"),
}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with listening(REACHABLE) as it:
        yield it


@pytest.fixture
async def nothing_left(settings: Settings, database: Database, account: Account) -> AsyncIterator[None]:
    """After the test the account has no more rows than before, and there is no file that no row knows of.

    Other accounts' tasks may run meanwhile.
    """
    count = text("select count(*) from assets where workspace_id = :workspace")
    unknown = text("select key from unnest(cast(:keys as text[])) key except select key from asset_files")

    async def rows() -> int:
        async with database.transaction() as session:
            return int(await session.scalar(count, {"workspace": account.workspace_id}) or 0)

    async def strays() -> set[str]:
        folder = settings.data / "files"
        keys = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        async with database.transaction() as session:
            return set((await session.execute(unknown, {"keys": keys})).scalars())

    before = await rows(), await strays()
    yield
    assert await rows() == before[0]
    assert await strays() <= before[1]


def problem(reply: httpx.Response, status: int, code: str, pointer: str | None) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    assert body["code"] == code, body
    if pointer is not None:
        assert [error["pointer"] for error in body["errors"]] == [pointer], body
    assert len(body["detail"]) > 10
    return body


async def anyone(url: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, headers=headers)


# --- in


async def test_a_photo_is_uploaded_as_multipart(account: Account) -> None:
    reply = await account.live.post(
        "/v1/assets", files={"file": ("C:\\photos\\coffee.jpg", COFFEE)}, data={"metadata": '{"sku": "A-17"}'}
    )
    assert reply.status_code == 201
    asset = reply.json()
    assert set(asset) == FIELDS
    assert reply.headers["location"] == f"/v1/assets/{asset['id']}"
    assert asset["id"].startswith("asset_")
    assert {name: asset[name] for name in ("object", "kind", "source", "content_type", "width", "height")} == {
        "object": "asset",
        "kind": "image",
        "source": "upload",
        "content_type": "image/jpeg",
        "width": 600,
        "height": 400,
    }
    assert asset["sha256"] == hashlib.sha256(COFFEE).hexdigest()
    assert (asset["filename"], asset["metadata"]) == ("coffee.jpg", {"sku": "A-17"})
    assert asset["created_at"].endswith("Z")
    full = await anyone(asset["urls"]["full"])
    assert (full.status_code, full.headers["content-type"]) == (200, "image/jpeg")
    assert len(full.content) == asset["bytes"]
    for rendition in ("medium", "thumbnail"):
        assert (await anyone(asset["urls"][rendition])).headers["content-type"] == "image/webp"
    assert (await account.live.get(f"/v1/assets/{asset['id']}")).json() == asset


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "DATA:;base64,"])
async def test_a_picture_is_uploaded_in_base64(account: Account, prefix: str) -> None:
    body = {"base64": prefix + base64.encodebytes(pictures.png()).decode(), "filename": "mèo.png"}
    asset = (await account.live.post("/v1/assets", json=body)).json()
    assert (asset["source"], asset["content_type"], asset["filename"]) == ("upload", "image/png", "mèo.png")


async def test_a_picture_is_imported_from_a_url(account: Account, site: Site) -> None:
    url = site.page("/a", answer(pictures.webp(), content_type="text/plain"))
    reply = await account.live.post("/v1/assets", json={"url": url, "metadata": {"from": "site"}})
    asset = reply.json()
    assert reply.status_code == 201, asset
    assert (asset["source"], asset["content_type"]) == ("import", "image/webp")
    assert asset["metadata"] == {"from": "site"}


REFUSED = (
    [(name, content, 415, "unsupported_media_type") for name, content in pictures.UNSUPPORTED.items()]
    + [(name, content, 422, "invalid_image") for name, content in pictures.INVALID.items()]
    + [
        ("a png bomb", pictures.png_bomb(), 422, "image_too_large"),
        ("a jpeg that claims 65500 pixels", pictures.huge_jpeg_header(), 422, "image_too_large"),
        ("nothing", b"", 422, "empty_file"),
        ("21 MB", COFFEE + bytes(21_000_000), 413, "file_too_large"),
    ]
)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(("name", "content", "status", "code"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_a_refused_file_leaves_nothing(
    account: Account, site: Site, name: str, content: bytes, status: int, code: str
) -> None:
    by_form = await account.live.post("/v1/assets", files={"file": ("photo.jpg", content, "image/jpeg")})
    problem(by_form, status, code, "/file")
    by_text = await account.live.post("/v1/assets", json={"base64": base64.b64encode(content).decode()})
    problem(by_text, status, code, "/base64")
    by_url = await account.live.post("/v1/assets", json={"url": site.page("/a", answer(content))})
    problem(by_url, status, code, "/url")


@pytest.mark.usefixtures("nothing_left")
async def test_an_endless_body_without_a_length_is_cut_off(account: Account) -> None:
    sent = 0

    async def pour() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + COFFEE
        while sent < 300_000_000:
            sent += 100_000
            yield bytes(100_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = await account.live.post("/v1/assets", content=pour(), headers=headers)
    problem(reply, 413, "file_too_large", "/file")


@pytest.mark.usefixtures("nothing_left")
async def test_a_length_that_lies_is_no_way_in(account: Account, settings: Settings) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + COFFEE + b"\r\n--x--\r\n"
    for claim in (100, len(body) // 2, 10**12):
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.api.port)
        head = (
            f"POST /v1/assets HTTP/1.1\r\nHost: x\r\nX-API-Key: {account.key}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {claim}\r\n\r\n"
        )
        writer.write(head.encode() + body[:claim])
        status = int((await reader.readuntil(b"\r\n")).split()[1])
        assert status == (413 if claim > len(body) else 400), claim
        writer.close()


@pytest.mark.usefixtures("nothing_left")
async def test_other_bodies_are_refused_by_what_is_wrong_with_them(account: Account) -> None:
    async def post(**body: Any) -> httpx.Response:
        return await account.live.post("/v1/assets", **body)

    image = ("a.jpg", COFFEE)
    problem(await post(content=COFFEE, headers={"Content-Type": "image/jpeg"}), 415, "unsupported_media_type", None)
    problem(await post(), 415, "unsupported_media_type", None)
    problem(await post(files={"picture": image}), 422, "invalid_request", None)
    problem(await post(files={"file": image}, data={"folder": "a"}), 422, "invalid_request", "/folder")
    problem(await post(files=[("file", image), ("file", image)]), 422, "invalid_request", "/file")
    problem(await post(data={"file": "text"}, files={"metadata": image}), 422, "invalid_request", None)
    problem(await post(files={"file": image}, data={"metadata": "not json"}), 422, "invalid_request", "/metadata")
    problem(await post(files={"file": image}, data={"metadata": '{"a": 1}'}), 422, "invalid_request", "/metadata/a")
    for broken in (b"", b"--x", b"--y\r\n\r\n--y--", b"--x\r\nnonsense\r\n\r\nx\r\n--x--\r\n"):
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert (await post(content=broken, headers=headers)).status_code in (400, 422)
    problem(await post(content=COFFEE, headers={"Content-Type": "multipart/form-data"}), 400, "malformed_request", None)
    as_json = {"Content-Type": "application/json; charset=utf-8"}
    problem(await post(content=b"{not json", headers=as_json), 400, "malformed_request", None)
    problem(await post(content=b'{"a":' * 100_000, headers=as_json), 400, "malformed_request", None)
    problem(await post(content=b'"\xff\xfe"', headers=as_json), 400, "malformed_request", None)
    problem(await post(json=[]), 422, "invalid_request", None)
    problem(await post(json={}), 422, "invalid_request", None)
    problem(await post(json={"url": "https://example.com/", "base64": "AAAA"}), 422, "invalid_request", None)
    problem(await post(json={"url": None}), 422, "invalid_request", "/url")
    problem(await post(json={"base64": "AAAA", "colour": "red"}), 422, "invalid_request", "/colour")
    problem(await post(json={"base64": "AAAA", "filename": "a\0b"}), 422, "invalid_request", "/filename")
    problem(await post(json={"base64": "AAAA", "metadata": {"a": "\0"}}), 422, "invalid_request", "/metadata/a")
    many = {str(number): "x" for number in range(17)}
    problem(await post(json={"base64": "AAAA", "metadata": many}), 422, "invalid_request", "/metadata")
    for wrong in ("not base64!", "AAA", "data:image/png,hello", "é", "data:" + "x" * 300):
        problem(await post(json={"base64": wrong}), 422, "invalid_base64", "/base64")
    problem(await post(json={"base64": ""}), 422, "empty_file", "/base64")


@pytest.mark.usefixtures("nothing_left")
async def test_urls_to_forbidden_places_are_refused(account: Account, site: Site) -> None:
    away = site.page("/away", answer(b"", "302 Found", location="http://169.254.169.254/latest/"))
    home = site.page("/home", answer(b"", "302 Found", location="file:///etc/passwd"))
    for url in (
        "http://127.0.0.1/a.png",
        "https://127.0.0.1/a.png",
        "https://localhost/a.png",
        "http://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/a.png",
        "https://0x7f000001/a.png",
        "https://2130706433/a.png",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "https://me:secret@example.com/a.png",
        "not a url",
        "",
        away,
        home,
    ):
        problem(await account.live.post("/v1/assets", json={"url": url}), 422, "url_not_allowed", "/url")
    problem(
        await account.live.post("/v1/assets", json={"url": site.page("/gone", answer(b"", "404 Not Found"))}),
        422,
        "url_unreachable",
        "/url",
    )


@pytest.mark.usefixtures("nothing_left")
async def test_a_dripping_url_ends_in_time(account: Account, site: Site) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.5)

    site.pages["/drip"] = drip
    body = problem(
        await account.live.post("/v1/assets", json={"url": site.url("/drip")}), 422, "url_unreachable", "/url"
    )
    assert body["reason"] == "timeout"


async def test_an_idempotency_key_stands_for_one_upload(account: Account, site: Site) -> None:
    async def post(content: bytes, key: str, boundary: str) -> httpx.Response:
        headers = {"Idempotency-Key": key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return await account.live.post("/v1/assets", files={"file": ("a.jpg", content)}, headers=headers)

    key = uuid4().hex
    problem(await post(b"not a picture", key, "one"), 415, "unsupported_media_type", "/file")
    first = await post(COFFEE, key, "one")
    again = await post(COFFEE, key, "two")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    problem(await post(pictures.jpeg(), key, "one"), 422, "idempotency_key_reused", None)
    listed = (await account.live.get("/v1/assets")).json()["data"]
    assert len(listed) == 1


# --- seen


async def test_assets_of_others_and_of_the_other_mode_are_not_there(account: Account, neighbour: Account) -> None:
    asset_id = await account.upload()
    for stranger in (account.test, neighbour.live):
        for method, path in (
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/content"),
        ):
            body = {"json": {"favorite": True}} if method == "PATCH" else {}
            reply = await stranger.request(method, f"/v1/assets/{asset_id}{path}", **body)
            problem(reply, 404, "asset_not_found", None)
        assert (await stranger.get("/v1/assets")).json() == {"data": [], "next_cursor": None}
    assert (await account.live.get(f"/v1/assets/{asset_id}")).status_code == 200
    for never in ("asset_01jcqzm4x8e3v9tk5h2w7d6n0p", "task_01jcqzm4x8e3v9tk5h2w7d6n0p", "x"):
        assert (await account.live.get(f"/v1/assets/{never}")).status_code in (404, 422)


async def test_the_list_is_filtered_and_paged(account: Account, site: Site) -> None:
    mine = [await account.upload(pictures.jpeg()) for _ in range(3)]
    url = site.page("/a", answer(pictures.png()))
    imported = (await account.live.post("/v1/assets", json={"url": url})).json()
    await account.live.patch(f"/v1/assets/{mine[1]}", json={"favorite": True})

    async def ids(**filters: str) -> list[str]:
        reply = await account.live.get("/v1/assets", params=filters)
        assert reply.status_code == 200, reply.text
        return [asset["id"] for asset in reply.json()["data"]]

    everything = [imported["id"], *reversed(mine)]
    assert await ids() == everything
    assert await ids(source="upload") == everything[1:]
    assert await ids(source="import", kind="image") == everything[:1]
    assert await ids(kind="video") == []
    assert await ids(favorite="true") == [mine[1]]
    assert await ids(created_after=imported["created_at"]) == []
    assert await ids(created_after="2020-01-01T00:00:00Z") == everything
    assert await ids(task_id="task_01jcqzm4x8e3v9tk5h2w7d6n0p") == []
    seen, cursor = [], ""
    for _ in range(4):
        page = (
            await account.live.get("/v1/assets", params={"limit": 1, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [asset["id"] for asset in page["data"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (everything, None)
    for wrong in ({"kind": "poem"}, {"favorite": "perhaps"}, {"created_after": "yesterday"}, {"task_id": "x"}):
        assert (await account.live.get("/v1/assets", params=wrong)).status_code == 422


async def test_an_unchanged_asset_is_not_sent_again(account: Account) -> None:
    asset_id = await account.upload(pictures.jpeg())
    first = await account.live.get(f"/v1/assets/{asset_id}")
    headers = {"If-None-Match": first.headers["etag"]}
    assert (await account.live.get(f"/v1/assets/{asset_id}", headers=headers)).status_code == 304
    await account.live.patch(f"/v1/assets/{asset_id}", json={"favorite": True})
    assert (await account.live.get(f"/v1/assets/{asset_id}", headers=headers)).status_code == 200


async def test_content_leads_to_a_signed_link(account: Account) -> None:
    reply = await account.live.post("/v1/assets", files={"file": ("con mèo.final.jpeg", COFFEE)})
    path = f"/v1/assets/{reply.json()['id']}/content"
    shown = await account.live.get(path)
    assert shown.status_code == 302
    assert (await anyone(shown.headers["location"])).headers.get("content-disposition") is None
    saved = await account.live.get(path, params={"rendition": "thumbnail", "download": "1"})
    file = await anyone(saved.headers["location"])
    assert file.status_code == 200
    assert "filename*=UTF-8''con%20m%C3%A8o.final.webp" in file.headers["content-disposition"]
    assert (await account.live.get(path, params={"rendition": "huge"})).status_code == 422


# --- signed links


async def test_a_signed_link_serves_ranges_and_can_be_cached_for_ever(account: Account) -> None:
    asset_id = await account.upload()
    url = (await account.live.get(f"/v1/assets/{asset_id}")).json()["urls"]["full"]
    whole = await anyone(url)
    assert "immutable" in whole.headers["cache-control"]
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    part = await anyone(url, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert (await anyone(url, Range="bytes=99999999-")).status_code == 416
    assert (await anyone(url, **{"If-None-Match": whole.headers["etag"]})).status_code == 304
    async with httpx.AsyncClient(trust_env=False) as client:
        head = await client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(whole.content)


async def test_a_bent_link_is_refused(account: Account, settings: Settings) -> None:
    one, two = [
        (await account.live.get(f"/v1/assets/{await account.upload(pictures.jpeg())}")).json()["urls"]["full"]
        for _ in range(2)
    ]
    path, _, query = one.partition("?")
    base = settings.api.public_url
    for bent in (
        path,
        one[:-1] + ("0" if one[-1] != "0" else "1"),
        two.partition("?")[0] + "?" + query,
        one.replace("expires=", "expires=9"),
        one.replace("expires=", "expires=-"),
        one + "&download=evil.html",
        f"{base}/files/../../etc/passwd?{query}",
        f"{base}/files/%2e%2e/%2e%2e/etc/passwd?{query}",
        f"{base}/files//etc/passwd?{query}",
        f"{base}/files/a%00b?{query}",
        f"{base}/files/?{query}",
        path + "?expires=99999999999999999999&signature=" + "0" * 64,
        path + "?expires=%D9%A1&signature=%FF",
    ):
        reply = await anyone(bent)
        assert reply.status_code in (403, 404), (bent, reply.status_code)
        if urlsplit(bent).path.startswith("/files/assets/"):
            problem(reply, 403, "invalid_signature", None)


# --- changed and gone


async def test_an_asset_is_changed_field_by_field(account: Account) -> None:
    asset_id = await account.upload(pictures.jpeg())
    path = f"/v1/assets/{asset_id}"
    before = (await account.live.get(path)).json()
    change = {"favorite": True, "metadata": {"a": "b"}, "filename": "new.jpg"}
    changed = await account.live.patch(path, json=change)
    assert changed.status_code == 200
    assert changed.json() == before | change
    assert (await account.live.patch(path, json={"metadata": {}})).json() == before | change | {"metadata": {}}
    assert (await account.live.patch(path, json={})).json()["favorite"] is True
    for wrong in ({"colour": 1}, {"favorite": "maybe"}, {"metadata": {"a": None}}, {"filename": "../a"}, {"id": "x"}):
        [pointer] = wrong
        reply = await account.live.patch(path, json=wrong)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"].startswith(f"/{pointer}")
    surrogate = await account.live.patch(
        path, content=json.dumps({"filename": "\ud800"}), headers={"Content-Type": "application/json"}
    )
    assert surrogate.status_code in (400, 422)


@pytest.mark.usefixtures("nothing_left")
async def test_a_deleted_asset_and_its_files_are_gone(account: Account) -> None:
    asset_id = await account.upload()
    path = f"/v1/assets/{asset_id}"
    urls = (await account.live.get(path)).json()["urls"]
    gone = await account.live.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await account.live.get(path)).status_code == 404
    assert (await account.live.delete(path)).status_code == 404
    for url in urls.values():
        problem(await anyone(url), 404, "missing_file", None)


async def test_scopes_are_asked_for(account: Account, settings: Settings) -> None:
    reply = await account.live.post("/v1/api-keys", json={"name": "reader", "scopes": ["assets:read"]})
    headers = {"X-API-Key": reply.json()["secret"]}
    async with httpx.AsyncClient(base_url=settings.api.public_url, headers=headers, trust_env=False) as reader:
        assert (await reader.get("/v1/assets")).status_code == 200
        problem(await reader.post("/v1/assets", files={"file": COFFEE}), 403, "missing_scope", None)
        asset_id = await account.upload(pictures.jpeg())
        problem(await reader.delete(f"/v1/assets/{asset_id}"), 403, "missing_scope", None)
        problem(await reader.patch(f"/v1/assets/{asset_id}", json={}), 403, "missing_scope", None)
        assert (await reader.get(f"/v1/assets/{asset_id}/content")).status_code == 302
    async with httpx.AsyncClient(base_url=settings.api.public_url, trust_env=False) as nobody:
        for method, path in (("GET", ""), ("POST", ""), ("GET", f"/{asset_id}"), ("DELETE", f"/{asset_id}")):
            problem(await nobody.request(method, f"/v1/assets{path}"), 401, "missing_credentials", None)
