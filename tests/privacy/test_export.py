"""A user takes along what is kept of them."""

import asyncio
import io
import json
import signal
import sys
import tracemalloc
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import httpx
import pytest
from sqlalchemy import text

from app.assets.storage import LocalStorage
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import decode, encode
from app.core.problems import DependencyDown
from app.core.settings import Settings
from app.privacy.export import archive, queries, service
from tests.accounts.signed_in import make_team, sign_in, user_of
from tests.conftest import Account, client
from workers.resilient import ResilientWorker

BIG = 256 * 1024 * 1024


@pytest.fixture(autouse=True)
async def _nobody_else_waits(database: Database) -> None:
    await database.fetch("update exports set status = 'failed' where status = 'pending'")


async def _ask(person: httpx.AsyncClient) -> dict[str, Any]:
    answer = await person.post("/v1/me/export")
    assert answer.status_code == 202, answer.text
    export: dict[str, Any] = answer.json()
    return export


async def _newest(person: httpx.AsyncClient) -> dict[str, Any]:
    export: dict[str, Any] = (await person.get("/v1/me/export")).json()["data"][0]
    return export


async def _archive(person: httpx.AsyncClient, settings: Settings) -> ZipFile:
    async with client(settings) as anybody:
        answer = await anybody.get((await _newest(person))["url"])
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="backlot-export.zip"')
    return ZipFile(io.BytesIO(answer.content))


def _rows(archive: ZipFile, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(archive.read(f"{name}.json"))
    return rows


async def _let_due(database: Database, export: dict[str, Any]) -> UUID:
    export_id = decode("export", export["id"])
    await database.fetch("update exports set due_at = clock_timestamp() where id = $1", export_id)
    return export_id


async def test_the_archive_holds_what_is_the_users(
    account: Account,
    neighbour: Account,
    person: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    tools: AssetTools,
) -> None:
    me, other = await user_of(database, account), await user_of(database, neighbour)
    await make_team(database, "Lacquer", owner=other, member=me)
    image = await account.upload()
    order = {
        "operation": "replace_background",
        "input": {"image": image, "prompt": "rừng thông"},
        "metadata": {"a": "b"},
    }
    task = (await account.live.post("/v1/tasks", json=order)).json()
    batch = {"operation": "remove_background", "items": [{"filename": "x.jpg", "input": {"image": image}}]}
    batch_id = (await account.live.post("/v1/batches", json=batch)).json()["id"]
    await neighbour.upload()
    await _ask(person)
    assert await service.make_due(database, tools) == 1

    archive = await _archive(person, settings)
    assert archive.testzip() is None
    assert [row["email"] for row in _rows(archive, "profile")] == [account.email]
    assert {row["workspace"] for row in _rows(archive, "memberships")} == {account.email, "Lacquer"}
    assert "Mozilla/5.0 (tests)" in [row["user_agent"] for row in _rows(archive, "sessions")]
    assert {row["name"] for row in _rows(archive, "api_keys")} == {"tests"}
    found = {row["id"]: row for row in _rows(archive, "tasks")}
    assert found[task["id"]]["input"]["prompt"] == "rừng thông"
    assert [(row["id"], row["items"][0]["filename"]) for row in _rows(archive, "batches")] == [(batch_id, "x.jpg")]
    assert [(row["kind"], row["amount"]) for row in _rows(archive, "credits")] == [("grant", 10)]
    assert "account.export_requested" in {row["action"] for row in _rows(archive, "audit_log")}
    assert [row["id"] for row in _rows(archive, "assets")] == [image]
    key = await database.fetchrow(
        "select key from asset_files where asset_id = $1 and rendition = 'full'", decode("asset", image)
    )
    assert key
    assert archive.read(f"files/{image}.jpg") == await tools.storage.read(key["key"])
    assert json.loads(archive.read("manifest.json"))["counts"]["files"] == 1
    everything = b"".join(archive.read(name) for name in archive.namelist())
    for secret in (b"secret_hash", b"password_hash", b"nonce", neighbour.email.encode()):
        assert secret not in everything


async def test_a_mail_tells_that_it_is_ready(
    account: Account, person: httpx.AsyncClient, database: Database, tools: AssetTools
) -> None:
    asked = await _ask(person)
    assert (asked["status"], asked["url"]) == ("pending", None)
    await service.make_due(database, tools)
    made = await _newest(person)
    assert made["status"] == "ready"
    assert made["bytes"] > 0
    mails = await database.fetch("select kind from mails where to_address = $1", account.email)
    assert [mail["kind"] for mail in mails] == ["export_ready"]


async def test_one_is_made_at_a_time(person: httpx.AsyncClient) -> None:
    asked = await asyncio.gather(*(_ask(person) for _ in range(4)))
    assert len({export["id"] for export in asked}) == 1


async def test_it_takes_a_fresh_sign_in_and_no_api_key(
    account: Account, settings: Settings, database: Database
) -> None:
    async with await sign_in(settings, database, account, is_confirmed=False) as person:
        assert (await person.post("/v1/me/export")).json()["code"] == "confirmation_required"
        assert (await person.get("/v1/me/export")).status_code == 200
    assert (await account.live.post("/v1/me/export")).json()["code"] == "session_required"


async def test_others_see_nothing_of_it(
    person: httpx.AsyncClient, neighbour: Account, settings: Settings, database: Database
) -> None:
    await _ask(person)
    async with await sign_in(settings, database, neighbour) as other:
        assert (await other.get("/v1/me/export")).json()["data"] == []


async def test_a_worker_that_was_killed_is_made_good(
    person: httpx.AsyncClient, database: Database, tools: AssetTools
) -> None:
    asked = await _ask(person)
    worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.privacy.dying")
    assert await worker.wait() == -signal.SIGKILL
    assert (await _newest(person))["status"] == "pending"
    assert await service.make_due(database, tools) == 0  # the lease of the dead
    await _let_due(database, asked)
    assert await service.make_due(database, tools) == 1
    assert (await _newest(person))["status"] == "ready"


async def test_who_lost_the_lease_ends_nothing(
    person: httpx.AsyncClient, database: Database, tools: AssetTools
) -> None:
    asked = await _ask(person)
    async with database.transaction() as session:
        late = await queries.claim(session, service.LEASE)
    assert late is not None
    await _let_due(database, asked)
    assert await service.make_due(database, tools) == 1
    async with database.transaction() as session:
        assert not await queries.put_off(session, late, service.LEASE)
        assert not await queries.finish(session, late, 7, service.LIFE)
    assert (await _newest(person))["bytes"] != 7


async def test_work_stops_when_the_lease_is_lost(
    person: httpx.AsyncClient, database: Database, tools: AssetTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the account is erased meanwhile: nothing of it is stored after that."""
    monkeypatch.setattr(service, "BEAT_SECONDS", 0.01)
    asked = await _ask(person)
    export_id = decode("export", asked["id"])
    begun = asyncio.Event()

    async def wait_for_ever(*_: Any, **__: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(archive, "write", wait_for_ever)
    making = asyncio.create_task(service.make_due(database, tools))
    await begun.wait()
    await database.fetch("delete from exports where id = $1", export_id)
    async with asyncio.timeout(10):
        assert await making == 1


async def test_it_is_given_up_after_five_failures(
    person: httpx.AsyncClient, database: Database, tools: AssetTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise DependencyDown

    monkeypatch.setattr(tools.storage, "put_file", fail)
    asked = await _ask(person)
    for _ in range(service.MOST_ATTEMPTS):
        assert (await _newest(person))["status"] == "pending"
        await _let_due(database, asked)
        assert await service.make_due(database, tools) == 1
    assert (await _newest(person))["status"] == "failed"
    await _ask(person)


async def test_an_archive_goes_after_its_time(
    person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    asked = await _ask(person)
    await service.make_due(database, tools)
    url = (await _newest(person))["url"]
    await database.fetch("update exports set expires_at = now() where id = $1", decode("export", asked["id"]))
    over = await _newest(person)
    assert (over["status"], over["url"]) == ("expired", None)
    assert await service.sweep(database, tools) == 1
    async with client(settings) as anybody:
        assert (await anybody.get(url)).status_code == 404
    assert await service.sweep(database, tools) == 0


async def test_a_new_archive_takes_the_place_of_the_old(
    person: httpx.AsyncClient, database: Database, tools: AssetTools
) -> None:
    for _ in range(2):
        await _ask(person)
        await service.make_due(database, tools)
    states = [export["status"] for export in (await person.get("/v1/me/export")).json()["data"]]
    assert states == ["ready", "expired"]


async def test_an_archive_nobody_knows_is_swept(
    person: httpx.AsyncClient, database: Database, tools: AssetTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _ask(person)
    await service.make_due(database, tools)
    stray = "exports/one/two/export.zip"
    await tools.storage.put(stray, b"left behind", "application/zip")
    monkeypatch.setattr(service, "STRAY_AFTER", -service.STRAY_AFTER)
    assert await service.sweep_strays(database, tools) == 1
    assert not await tools.storage.exists(stray)
    export = await _newest(person)
    assert export["url"]


async def test_large_files_are_not_held_in_memory(
    account: Account, person: httpx.AsyncClient, database: Database, tools: AssetTools
) -> None:
    image = await account.upload()
    row = await database.fetchrow(
        "select key from asset_files where asset_id = $1 and rendition = 'full'", decode("asset", image)
    )
    assert row
    assert isinstance(tools.storage, LocalStorage)
    with tools.storage.path(row["key"]).open("r+b") as file:
        file.truncate(BIG)
    await _ask(person)
    tracemalloc.start()
    try:
        assert await service.make_due(database, tools) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (await _newest(person))["bytes"] > BIG
    assert peak < BIG / 8


async def test_many_rows_are_read_page_by_page(
    account: Account, person: httpx.AsyncClient, settings: Settings, database: Database, tools: AssetTools
) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(
                "insert into mails (id, kind, to_address, locale, facts, due_at, created_at)"
                " select gen_random_uuid(), 'x', :address, 'en', '{}', now(), now() from generate_series(1, 450)"
            ),
            {"address": account.email},
        )
    await _ask(person)
    await service.make_due(database, tools)
    rows = _rows(await _archive(person, settings), "mails")
    assert len({row["id"] for row in rows}) == 450
    await database.fetch("delete from mails where to_address = $1", account.email)


def test_ids_are_shown_as_the_api_shows_them() -> None:
    user_id = UUID(int=7)
    line = archive._line(
        json.dumps({"id": str(user_id), "outputs": [str(user_id)]}), {"id": "task", "outputs": "asset"}
    )
    assert json.loads(line) == {"id": encode("task", user_id), "outputs": [encode("asset", user_id)]}


async def test_a_worker_makes_it_at_once(
    person: httpx.AsyncClient, running_workers: list[ResilientWorker], database: Database
) -> None:
    """By the bell of the request: the clock rings once a minute only."""
    await _ask(person)
    async with asyncio.timeout(20):
        while (await _newest(person))["status"] != "ready":
            await asyncio.sleep(0.05)


async def test_an_account_that_nobody_verified_takes_nothing_along(
    account: Account, settings: Settings, database: Database
) -> None:
    """What was sent to an address is for whoever reads it, and they have not shown that they do."""
    await database.fetch("update users set email_verified_at = null where email = $1", account.email)
    async with await sign_in(settings, database, account) as person:
        answer = await person.post("/v1/me/export")
        assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")
        assert (await person.get("/v1/me/export")).json()["data"] == []


async def test_who_asks_again_when_it_has_just_been_made_gets_that_one(
    account: Account, person: httpx.AsyncClient, database: Database, tools: AssetTools
) -> None:
    """The worker ends between the two statements of the request that found it open."""
    first = await _ask(person)
    user_id = await user_of(database, account)
    keep = queries.add_if_none_is_open

    async def found_open(*_: Any) -> bool:
        await database.fetch("update exports set status = 'failed' where user_id = $1", user_id)
        return False

    queries.add_if_none_is_open = found_open  # type: ignore[assignment]
    try:
        assert (await _ask(person))["id"] == first["id"]
    finally:
        queries.add_if_none_is_open = keep
