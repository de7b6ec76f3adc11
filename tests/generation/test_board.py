"""What an operator changes reaches processes that run, and what one finds out about a key reaches the others."""

import re
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.core.settings import Settings, get_settings
from app.generation import advance
from app.generation.errors import UnknownModel
from app.generation.intake import Intake
from app.generation.models import Task
from app.generation.schemas import TaskCreate
from app.providers import keys, probing, queries, service
from app.providers.base import KeyRefused
from app.providers.board import Board
from app.providers.catalog import Catalog
from app.providers.limits import Traffic
from tests.conftest import Account
from tests.generation.conftest import Stage
from tests.providers import market
from tests.providers.market import Vendor, backlot, until

PICTURE: dict[str, Any] = {"operation": "text_to_image", "input": {"prompt": "a red bicycle"}}
NEW = {
    "title": "Acme One",
    "path": "acme:1@1",
    "operations": ["text_to_image"],
    "parameters": {"prompt": "positivePrompt"},
    "cost_usd": 0.05,
}


@pytest.fixture(autouse=True)
async def _clean(database: Database) -> AsyncIterator[None]:
    await market.forget_all(database)
    yield
    await market.forget_all(database)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with market.vendor() as asked:
        yield asked


@dataclass
class Process:
    """One of several, with the catalogue and the board it has."""

    stage: Stage
    board: Board

    @property
    def catalog(self) -> Catalog:
        return self.stage.engine.catalog

    async def order(self, **fields: Any) -> Task:
        order = TaskCreate.model_validate(PICTURE | fields)
        task_id = (await self.stage.intake.order(self.stage.caller, order, None)).task_id
        return await self.stage.row(task_id)

    async def finish(self, task: Task) -> Task:
        for _ in range(5):
            await self.stage.make_due(task.id)
            await advance.advance_task(self.stage.engine, task.id)
            if (task := await self.stage.row(task.id)).is_ended:
                break
        return task


def _process(stage: Stage, settings: Settings, asked: Vendor, *given: str) -> Process:
    mine = settings.model_copy(update={"providers": asked.providers(*(given or ("good",)))})
    catalog = Catalog.load(mine)
    engine = replace(stage.engine, settings=mine, catalog=catalog)
    intake = Intake(mine, stage.database, catalog, stage.engine.assets)
    return Process(replace(stage, engine=engine, intake=intake), Board(stage.database, catalog))


Start = Callable[..., Process]


@pytest.fixture
async def start(stage: Stage, settings: Settings, vendor: Vendor) -> AsyncIterator[Start]:
    """Another process, with these keys."""
    started: list[Process] = []

    def one(*given: str) -> Process:
        started.append(_process(stage, settings, vendor, *given))
        return started[-1]

    yield one
    for process in started:
        await process.catalog.close()


async def say(database: Database, name: str, row: dict[str, Any], operation: str = "*") -> None:
    """As somebody does who writes into the table."""
    async with database.transaction() as session:
        await queries.put_model(session, "runware", name, operation, row=row)


async def test_a_running_api_follows_within_seconds(account: Account) -> None:
    async def offer() -> dict[str, Any]:
        data = (await account.live.get("/v1/models")).json()["data"]
        found: list[dict[str, Any]] = [one["offers"][0] for one in data if one["id"] == "realesrgan"]
        return found[0] if found else {}

    order = {"operation": "upscale", "input": {"image": await account.upload()}}

    async def quote() -> Any:
        answer = await account.live.post("/v1/tasks/quote", json=order)
        return answer.json()["credits"]["quoted"] if answer.status_code == 200 else answer.json()

    assert await quote() == 1
    done = await backlot("models", "set", "local", "realesrgan", "credits=2.5", "quality=1", 'aliases=["sharp"]')
    assert done.exit_code == 0, done.output
    try:
        await until(lambda: _is(offer, "quality", 1))
        order["model"] = "sharp"
        task = (await account.live.post("/v1/tasks", json=order)).json()
        assert task["credits"]["held"] == 2.5, "the price in the hold's own transaction"
        assert (await backlot("models", "off", "local", "realesrgan")).exit_code == 0
        await until(lambda: _is(offer, "quality", None))
        refused = await account.live.post("/v1/tasks", json=order)
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_model")
        assert "upscale" in refused.json()["detail"]
    finally:
        assert (await backlot("models", "reset", "local", "realesrgan")).exit_code == 0
    await until(lambda: _is(offer, "quality", 3))
    del order["model"]
    # A price in memory may be some seconds old; what is held never is.
    assert (await account.live.post("/v1/tasks", json=order)).json()["credits"]["held"] == 1


async def _is(offer: Any, name: str, value: Any) -> bool:
    return (await offer()).get(name) == value


async def test_a_model_of_the_database_is_sold_called_and_paid(stage: Stage, start: Start, vendor: Vendor) -> None:
    here = start()
    with pytest.raises(UnknownModel):
        await here.order(model="acme-one")
    await say(stage.database, "acme-one", NEW | {"credits": 2})
    await here.board.start()
    try:
        task = await here.finish(await here.order(model="acme-one"))
    finally:
        await here.board.close()
    assert (task.status, task.charged) == ("succeeded", 2_000_000)
    [(key, sent)] = vendor.orders
    assert (key, sent["model"], sent["positivePrompt"]) == ("good", "acme:1@1", "a red bicycle")
    assert task.attempts[0].cost_microusd == 50_000, "what its row says, since the vendor told nothing"


async def test_what_was_ordered_before_it_was_switched_off_is_finished(
    stage: Stage, start: Start, vendor: Vendor
) -> None:
    here = start()
    task = await here.order(model="flux-dev")
    async with stage.database.transaction() as session:
        own = here.catalog.providers["runware"].offers
        await service.switch_model(session, "runware", own, "flux-dev", "*", is_enabled=False)
    await here.board.look()
    with pytest.raises(UnknownModel, match=r"No model 'flux-dev' does text_to_image; there are .*flux-schnell"):
        await here.order(model="flux-dev")
    assert (await here.finish(task)).status == "succeeded"
    async with stage.database.transaction() as session:
        await service.switch_provider(session, "runware", is_enabled=False)
    other = await here.order(model="flux-schnell")
    await here.board.look()
    with pytest.raises(UnknownModel, match="No provider enabled here does text_to_image"):
        await here.order()
    assert (await here.finish(other)).status == "succeeded"


async def test_a_row_nobody_can_read_is_told_and_the_former_stays(
    stage: Stage, start: Start, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    here = start()
    await say(stage.database, "flux-dev", {"quality": 2})
    await here.board.look()
    await say(stage.database, "flux-dev", {"quality": "splendid"})
    await say(stage.database, "flux-schnell", {"limits": 3})
    await say(stage.database, "acme-one", {"title": "without all the rest"})
    await say(stage.database, "flux-fill", {"quality": 1})
    caplog.clear()
    await here.board.look()
    told = [record.msg for record in caplog.get_records("call") if isinstance(record.msg, dict)]
    ignored = {one["model"]: one["faults"] for one in told if one["event"] == "row_ignored"}
    assert set(ignored) == {"flux-dev", "flux-schnell", "acme-one"}
    assert ignored["flux-dev"][0].startswith("quality: ")
    qualities = {offer.model: offer.quality for offer in here.catalog.offers("runware")}
    assert (qualities["flux-dev"], qualities["flux-schnell"], qualities["flux-fill"]) == (2, 3, 1)
    assert "acme-one" not in qualities


async def test_an_alias_has_its_own_order_whatever_is_preferred(stage: Stage) -> None:
    board = Board(stage.database, stage.engine.catalog)
    stage.first.sells = [replace(offer, quality=5) for offer in stage.first.sells]
    async with stage.database.transaction() as session:
        ways = [("second", "one"), ("scripted", "one")]
        await service.set_alias(session, "ours", ways, ways)
        await service.set_alias(session, "auto", ways[:1], ways)
        with pytest.raises(LookupError, match="there is no second/two; there are second/one"):
            await service.set_alias(session, "ours", [("second", "two")], ways)
    await board.look()

    async def route(**fields: Any) -> list[str]:
        return [way["provider"] for way in (await stage.row(await stage.order(**fields))).route]

    assert await route(model="ours", routing={"prefer": "quality"}) == ["second", "scripted"]
    assert await route(model="ours", provider="scripted") == ["scripted"]
    assert await route(model="ours", routing={"fallback": False}) == ["second"]
    assert await route(model="auto") == ["second"]
    assert await route(model="best") == ["scripted", "second"]
    async with stage.database.transaction() as session:
        await service.set_alias(session, "ours", [], ways)
    await board.look()
    with pytest.raises(UnknownModel):
        await stage.order(model="ours")


async def test_limits_of_the_database_stand_before_those_of_the_file(
    stage: Stage, start: Start, vendor: Vendor
) -> None:
    here = start()
    async with stage.database.transaction() as session:
        await service.set_limits(session, "runware", requests_per_minute=90)
    await here.board.look()
    assert here.catalog.traffic("runware") == Traffic(requests_per_minute=90)
    async with stage.database.transaction() as session:
        await service.set_limits(session, "runware", requests_per_minute=None)
    await here.board.look()
    assert here.catalog.traffic("runware") == Traffic()


# --- keys


async def due(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("update provider_keys set probe_at = now()"))


async def refused(database: Database) -> list[tuple[str, bool, int]]:
    async with database.transaction() as session:
        return [(row.key_id, row.is_broke, row.probes) for row in await queries.list_keys(session)]


async def test_a_key_refused_in_one_process_is_used_by_none_until_a_probe_finds_it_mended(
    stage: Stage, start: Start, vendor: Vendor
) -> None:
    one, other = (start("first", "second") for _ in range(2))
    house = start("first", "second")
    vendor.bad = {"second"}
    for _ in range(2):
        assert (await one.finish(await one.order(model="flux-dev"))).status == "succeeded"
    assert [key for key, _ in vendor.orders] == ["first", "first"]
    await one.board.look()
    await other.board.look()
    vendor.bad = set()  # the other process knows nevertheless, and asks nobody
    for _ in range(3):
        await other.finish(await other.order(model="flux-dev"))
    assert {key for key, _ in vendor.orders} == {"first"}

    await probing.probe_keys(stage.database, house.catalog)
    assert vendor.greetings == [], "not before its time"
    await due(stage.database)
    vendor.bad = {"second"}
    await probing.probe_keys(stage.database, house.catalog)
    assert (vendor.greetings, await refused(stage.database)) == (["second"], [(_id("second"), False, 1)])
    await due(stage.database)
    vendor.bad = set()
    await probing.probe_keys(stage.database, house.catalog)
    await probing.probe_keys(stage.database, house.catalog)
    assert (vendor.greetings, await refused(stage.database)) == (["second"] * 2, [])
    vendor.orders.clear()
    for here in (one, other):
        await here.board.look()
        for _ in range(2):
            await here.finish(await here.order(model="flux-dev"))
    assert sorted(key for key, _ in vendor.orders) == ["first", "first", "second", "second"]


def _id(secret: str) -> str:
    return keys._key(secret).id


async def test_a_key_without_money_is_left_alone_for_longer(stage: Stage, start: Start, vendor: Vendor) -> None:
    here = start("first", "second")
    vendor.broke, vendor.bad = {"first"}, {"second"}
    await here.finish(await here.order(model="flux-dev", routing={"fallback": False}))
    await here.board.look()
    async with stage.database.transaction() as session:
        rows = {row.key_id: row for row in await queries.list_keys(session)}
        waits = {name: (row.probe_at - row.refused_at).total_seconds() for name, row in rows.items()}
    assert waits == {_id("first"): 600, _id("second"): 60}
    assert rows[_id("first")].is_broke
    assert all("first" not in row.reason and "second" not in row.reason for row in rows.values())
    for expected in (120, 240):
        await due(stage.database)
        await probing.probe_keys(stage.database, here.catalog)
        async with stage.database.transaction() as session:
            again = {row.key_id: row for row in await queries.list_keys(session)}
        assert list(again) == [_id("second")], "the other greets, so it is tried"
        probed_at = again[_id("second")].probed_at
        assert probed_at is not None
        assert (again[_id("second")].probe_at - probed_at).total_seconds() == expected


async def test_a_key_refused_again_during_its_probe_stays_refused(stage: Stage, start: Start, vendor: Vendor) -> None:
    here = start("first", "second")
    ring = here.catalog.rings()["runware"]
    key = ring.find(_id("first"))
    assert key is not None
    ring.refuse(key, KeyRefused("No."))
    await here.board.look()
    async with stage.database.transaction() as session:
        [row] = await queries.list_keys(session)
    ring.refuse(key, KeyRefused("No."))
    await here.board.look()
    await probing.mend(stage.database, "runware", key.id, row.refused_at)
    assert [key_id for key_id, *_ in await refused(stage.database)] == [key.id]


async def test_without_the_prober_keys_come_back_by_themselves(
    stage: Stage, start: Start, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = start("first")
    ring = here.catalog.rings()["runware"]
    now = keys.monotonic()
    ring.refuse(ring.pick(), KeyRefused("No."))
    await here.board.look()
    assert not ring.has_usable
    monkeypatch.setattr(keys, "monotonic", lambda: now + 300 + 61)
    assert ring.has_usable


async def test_without_the_database_each_process_goes_by_itself(
    stage: Stage, start: Start, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = start("first", "second")

    async def gone(*_: object) -> None:
        raise ConnectionRefusedError

    ring = here.catalog.rings()["runware"]
    key = ring.pick()
    ring.refuse(key, KeyRefused("No."))
    with monkeypatch.context() as patch:
        patch.setattr(stage.database, "fetch", gone)
        await here.board.start()
        await here.board.close()
        assert ring.pick() != key
        assert [one.key_id for one in ring.untold()] == [key.id], "told when it can be"
    await here.board.look()
    assert ring.untold() == []
    assert [key_id for key_id, *_ in await refused(stage.database)] == [key.id]


async def test_a_key_that_was_taken_away_is_forgotten(stage: Stage, start: Start, vendor: Vendor) -> None:
    here = start()
    async with stage.database.transaction() as session:
        for key_id, age in (("old", "2 days"), ("new", "1 hour")):
            await session.execute(
                text(
                    "insert into provider_keys (provider, key_id, reason, is_broke, refused_at, probe_at)"
                    f" values ('runware', '{key_id}', 'No.', false, now() - interval '{age}', now())"
                )
            )
            await session.execute(text("update provider_keys set probe_at = refused_at"))
    await probing.probe_keys(stage.database, here.catalog)
    assert [key_id for key_id, *_ in await refused(stage.database)] == ["new"]


async def test_an_operator_who_paid_need_not_wait_for_a_probe(
    stage: Stage, start: Start, vendor: Vendor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = start("first")
    ring = here.catalog.rings()["runware"]
    ring.refuse(ring.pick(), KeyRefused("No.", is_broke=True))
    await here.board.look()
    monkeypatch.setenv("BACKLOT_PROVIDERS_KEYS", "runware=first")
    monkeypatch.setenv("BACKLOT_PROVIDERS_URLS", f"runware={vendor.url}")
    get_settings.cache_clear()
    try:
        checked = await backlot("providers", "check", "runware")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    assert "balance 12.5" in checked.stdout, checked.output
    assert await refused(stage.database) == []
    await here.board.look()
    assert ring.has_usable


# --- commands


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("models", "set", "runware", "flux-dev", "quality=9"), "runware/flux-dev: quality: "),
        (("models", "set", "runware", "flux-dev", "qualty=3"), "qualty: "),
        (("models", "set", "runware", "acme-one", "credits=3"), "title: "),
        (("models", "set", "runware", "flux-dev", 'operations=["paint"]'), "operations: there is no 'paint'"),
        (("models", "set", "runware", "flux-dev", "--operation", "paint", "credits=3"), "there is no 'paint'"),
        (
            ("models", "set", "local", "vips", 'operations=["inpaint"]'),
            "does not do 'inpaint'; it does remove_background",
        ),
        (("models", "set", "runware", "flux-dev"), "say what is to change"),
        (("models", "set", "nobody", "flux-dev", "credits=3"), "no provider 'nobody'"),
        (("models", "off", "runware", "flux-def"), "runware has no model 'flux-def'; there are flux-dev"),
        (("models", "off", "runware", "flux-dev", "--operation", "upscale"), "does not do 'upscale'"),
        (("models", "reset", "runware", "flux-dev"), "nothing was said of runware's flux-dev"),
        (("models", "alias", "mine", "flux-dev"), "'flux-dev' is no provider/model"),
        (("models", "alias", "mine", "local/flux-dev"), "there is no local/flux-dev; there are local/"),
        (("models", "alias", "mine", "local/vips", "local/vips"), "local/vips comes twice"),
        (("providers", "off", "runware"), "runware is not in BACKLOT_PROVIDERS_ENABLED (local)"),
        (("providers", "set", "local"), "say --requests-per-minute or --jobs-at-once"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(settings: Settings, words: tuple[str, ...], said: str) -> None:
    done = await backlot(*words)
    assert done.exit_code == 1
    assert said in str(done.exception)


async def test_the_operators_page_is_true(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command in its blocks, in their order."""
    page = (Path(__file__).parents[2] / "docs" / "providers.md").read_text()
    [row] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "row.toml").write_text(row)
    blocks = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    commands = [shlex.split(line, comments=True)[1:] for line in blocks.splitlines() if line.startswith("backlot ")]
    assert len(commands) > 8
    commands.append(["models", "set", "fal", "acme-one", "--file", str(tmp_path / "row.toml")])
    monkeypatch.setenv("BACKLOT_PROVIDERS_ENABLED", "runware,fal,replicate,local")
    get_settings.cache_clear()
    try:
        for words in commands:
            done = await backlot(*words)
            assert done.exit_code == 0, (words, done.output, done.exception)
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


async def test_values_gather_and_the_list_shows_them(settings: Settings, database: Database, tmp_path: Any) -> None:
    file = tmp_path / "row.toml"
    file.write_text('name = "flux-dev"\ncost_usd = 0.04\n[limits]\nmost = 1024\n')
    first = await backlot("models", "set", "runware", "flux-dev", "--file", str(file))
    assert first.exit_code == 0, first.output
    again = await backlot("models", "set", "runware", "flux-dev", "title=Finest", 'limits={"least": 64}', "credits=3")
    assert again.exit_code == 0, again.output
    async with database.transaction() as session:
        [row] = await queries.list_models(session, "runware")
    assert row.row == {"cost_usd": 0.04, "limits": {"most": 1024, "least": 64}, "title": "Finest", "credits": 3}
    await backlot("models", "off", "runware", "flux-dev", "--operation", "image_to_image")
    lines = [line.split() for line in (await backlot("models", "list", "runware")).stdout.splitlines()]
    shown = {line[1]: line for line in lines if line[0] == "runware/flux-dev"}
    assert shown["text_to_image"][2:] == ["3", "credits", "cost", "$0.04", "quality", "4", "changed"]
    assert shown["image_to_image"][-2:] == ["off;", "changed"]
    assert (await backlot("models", "reset", "runware", "flux-dev")).exit_code == 0
    lines = [line.split() for line in (await backlot("models", "list", "runware")).stdout.splitlines()]
    assert [line[2] for line in lines if line[0] == "runware/flux-dev"] == ["1", "1"], "the price too"


async def test_providers_are_shown_and_set(settings: Settings, database: Database) -> None:
    assert (await backlot("providers", "set", "local", "--jobs-at-once", "7")).exit_code == 0
    assert (await backlot("providers", "off", "local")).exit_code == 0
    async with database.transaction() as session:
        await session.execute(
            text(
                "insert into provider_probes (provider, is_healthy, detail, latency_ms)"
                " values ('local', false, 'out of order', 12)"
            )
        )
    shown = (await backlot("providers", "list")).stdout
    assert "off  any requests per minute, 7 jobs at once" in shown
    assert "FAILED in 12 ms: out of order" in shown
    assert (await backlot("providers", "on", "local")).exit_code == 0
    assert (await backlot("models", "alias", "mine", "local/vips", "local/u2netp")).exit_code == 0
    assert "mine = local/vips local/u2netp" in (await backlot("models", "list")).stdout
