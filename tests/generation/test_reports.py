"""What attempts tell: the health of providers, and margins."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.generation.reports import health, queries
from app.generation.reports.health import HealthDesk, judge
from app.generation.reports.margins import Margin, margins
from app.generation.reports.schemas import ProviderHealth
from app.ledger import service as ledger
from app.providers import probing
from app.providers.adapters.runware import Runware
from app.providers.base import ErrorCode, Health, Rejected, Transient
from app.providers.catalog import Catalog
from tests.conftest import Account
from tests.generation.conftest import Stage, forget_breakers
from tests.generation.scripted import Scripted, done
from tests.providers import market
from tests.providers.market import Vendor, backlot

DOWN = Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider answered with status 503.")
NO = Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with market.vendor() as asked:
        yield asked


@pytest.fixture
async def named(stage: Stage) -> AsyncIterator[Stage]:
    """Providers no other test knows of: what all tests did counts."""
    await market.forget_all(stage.database)
    mark = new_id().hex[-8:]
    providers = {f"first-{mark}": stage.first, f"second-{mark}": stage.second}
    for name, provider in providers.items():
        provider.name = name
    catalog = Catalog(providers, list(providers))
    async with stage.database.transaction() as session:
        await ledger.set_prices(session, {("upscale", name, "*"): 1_000_000 for name in providers})
    intake = type(stage.intake)(stage.engine.settings, stage.database, catalog, stage.engine.assets)
    yield replace(stage, engine=replace(stage.engine, catalog=catalog), intake=intake)
    await market.forget_all(stage.database)


def desk(stage: Stage) -> HealthDesk:
    return HealthDesk(stage.engine.settings, stage.database, stage.engine.catalog)


async def look(stage: Stage) -> tuple[ProviderHealth, ProviderHealth]:
    first, second = await desk(stage).get()
    return first, second


async def work(stage: Stage, provider: Scripted, *lines: Any, **fields: Any) -> UUID:
    """A task at this provider that ends with the last of the lines."""
    provider.script = list(lines)
    task_id = await stage.order(provider=provider.name, **fields)
    for _ in lines:
        await stage.advance(task_id)
    assert (await stage.row(task_id)).is_ended
    return task_id


async def test_health_is_what_became_of_calls(named: Stage) -> None:
    for _ in range(3):
        await work(named, named.first, done())
    await work(named, named.first, NO)
    await work(named, named.first, DOWN, done())
    before = clock.now()
    first, second = await look(named)
    assert (first.status, first.calls, first.error_rate) == ("degraded", 6, round(1 / 6, 4))
    assert first.last_success_at is not None
    assert before - timedelta(seconds=30) < first.last_success_at <= clock.now() + timedelta(seconds=1)
    assert first.latency.p50_seconds is not None
    assert first.latency.p95_seconds is not None
    assert 0 <= first.latency.p50_seconds <= first.latency.p95_seconds < 30
    [model] = first.models
    assert (model.model, model.calls, model.error_rate, model.breaker) == ("one", 6, first.error_rate, "closed")
    assert (second.status, second.calls, second.error_rate) == ("unknown", 0, None)
    assert (second.latency.p50_seconds, second.last_success_at, second.probed_at) == (None, None, None)


async def test_a_provider_that_fails_is_down_and_its_breaker_open(named: Stage) -> None:
    await work(named, named.second, DOWN, DOWN, DOWN)
    _, second = await look(named)
    assert (second.status, second.calls, second.error_rate) == ("down", 3, 1.0)
    assert second.models[0].breaker == "open"
    await forget_breakers(named.database)


async def test_old_attempts_do_not_count(named: Stage) -> None:
    await work(named, named.first, done())
    async with named.database.transaction() as session:
        await session.execute(
            text("update task_attempts set id = :id where provider = :name"),
            {"id": queries.least_id(clock.now() - timedelta(minutes=16)), "name": named.first.name},
        )
    first, _ = await look(named)
    assert (first.calls, first.status) == (0, "unknown")


async def test_one_look_serves_all_for_a_while(named: Stage) -> None:
    one = desk(named)
    assert (await one.get())[0].calls == 0
    await work(named, named.first, done())
    assert (await one.get())[0].calls == 0
    one._read_at -= health.FRESH_SECONDS
    assert (await one.get())[0].calls == 1


async def test_those_nobody_orders_from_are_probed(named: Stage) -> None:
    await work(named, named.first, done())
    await health.probe_quiet(named.database, named.engine.catalog)
    first, second = await look(named)
    assert (first.probed_at, first.status) == (None, "operational")
    assert second.probed_at is not None
    assert second.status == "operational"
    assert second.last_success_at == second.probed_at


async def test_a_probe_that_fails_or_crashes_keeps_no_other_from_being_made(
    named: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> Health:
        return Health(is_healthy=False, detail="account 4711 of balance 3")

    async def crashes() -> Health:
        raise RuntimeError("a plug-in's fault")

    await health.probe_quiet(named.database, named.engine.catalog)
    healthy_at = (await look(named))[1].last_success_at
    monkeypatch.setattr(named.first, "probe", crashes)
    monkeypatch.setattr(named.second, "probe", fails)
    await health.probe_quiet(named.database, named.engine.catalog)
    first, second = await look(named)
    assert (first.status, second.status) == ("down", "down")
    assert second.last_success_at == healthy_at, "that it worked once is kept"
    assert "4711" not in second.model_dump_json()


async def test_what_has_no_key_is_not_configured_and_nobody_probes_it(
    settings: Settings, database: Database, vendor: Vendor
) -> None:
    await market.forget_all(database)
    given = settings.model_copy(update={"providers": vendor.providers("good")})
    bare = settings.model_copy(update={"providers": vendor.providers()})
    for mine, status, greetings in ((bare, "not_configured", 0), (given, "operational", 1)):
        catalog = Catalog({"runware": Runware(mine)}, ["runware"])
        await health.probe_quiet(database, catalog)
        [found] = await HealthDesk(mine, database, catalog).get()
        # Other tests of this run may have called the vendor of this name.
        assert found.calls or (found.status, len(vendor.greetings)) == (status, greetings)
        assert "12.5" not in found.model_dump_json(), "the balance is the operator's"
        await catalog.close()
    await market.forget_all(database)


async def test_a_vendor_that_never_answers_a_probe_is_not_waited_for(
    named: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleeps() -> Health:
        await asyncio.sleep(60)
        return Health(is_healthy=True)

    monkeypatch.setattr(probing, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(named.first, "probe", sleeps)
    await health.probe_quiet(named.database, named.engine.catalog)
    assert [one.status for one in await look(named)] == ["down", "operational"]


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def calls(errors: int, of: int, ago: float = 1) -> dict[str, Any]:
    return {"calls": of, "errors": errors, "last_call_at": NOW - timedelta(minutes=ago)}


def probe(*, works: bool, ago: float) -> dict[str, Any]:
    return {"is_healthy": works, "probed_at": NOW - timedelta(minutes=ago)}


@pytest.mark.parametrize(
    ("traffic", "probed", "breakers", "expected"),
    [
        (None, None, ["closed"], "unknown"),
        (None, probe(works=True, ago=1), ["closed"], "operational"),
        (None, probe(works=False, ago=1), ["closed"], "down"),
        (None, probe(works=True, ago=11), ["closed"], "unknown"),
        (None, None, ["open", "open"], "down"),
        (calls(0, 9), None, ["open", "closed"], "degraded"),
        (calls(0, 9), None, ["half_open"], "degraded"),
        (calls(1, 9), None, ["closed"], "degraded"),
        (calls(1, 11), None, ["closed"], "operational"),
        (calls(2, 2), None, ["closed"], "degraded"),
        (calls(3, 3), None, ["closed"], "down"),
        (calls(3, 3, ago=8), probe(works=True, ago=1), ["closed"], "degraded"),
        (calls(0, 9, ago=8), probe(works=False, ago=1), ["closed"], "down"),
        (calls(0, 9, ago=1), probe(works=False, ago=8), ["closed"], "operational"),
    ],
)
def test_the_newest_evidence_decides(traffic: Any, probed: Any, breakers: Any, expected: str) -> None:
    assert judge(traffic, probed, breakers, NOW) == expected


async def test_the_route_is_for_those_who_are_signed_in(account: Account, settings: Settings) -> None:
    image = await account.upload()
    order = {"operation": "transform_image", "input": {"image": image, "width": 8}}
    await account.live.post("/v1/tasks", json=order)
    answer = await account.live.get("/v1/providers/health")
    assert answer.status_code == 200, answer.text
    [local] = answer.json()["data"]
    assert set(local) == {
        *("provider", "object", "status", "last_success_at", "calls", "error_rate", "latency", "models", "probed_at")
    }
    assert local["provider"] == "local"
    assert {one["model"] for one in local["models"]} == {"u2netp", "studio", "vips", "realesrgan"}
    assert {one["breaker"] for one in local["models"]} == {"closed"}
    async with httpx.AsyncClient(base_url=settings.api.public_url) as stranger:
        assert (await stranger.get("/v1/providers/health")).status_code == 401


# --- margins


async def margin(stage: Stage, name: str, *, credit_usd: float = 0.1) -> Margin:
    rows = await margins(stage.database, days=1, credit_usd=credit_usd)
    [found] = [row for row in rows if row.provider == name]
    return found


async def test_margins_are_charges_less_costs(named: Stage) -> None:
    paid = replace(done(), cost_microusd=30_000)
    for _ in range(2):
        await work(named, named.first, paid)
    await work(named, named.first, DOWN, replace(done(), cost_microusd=None))
    await work(named, named.first, NO)
    refunded = await work(named, named.first, paid)
    async with named.database.transaction() as session:
        await ledger.refund(session, refunded, 400_000, reason="Sorry", reference=f"test:{refunded}")
    found = await margin(named, named.first.name)
    assert (found.calls, found.outputs, found.unknown_costs) == (6, 4, 1)
    assert found.credits == pytest.approx(3.6)
    assert found.cost_usd == pytest.approx(0.09)
    assert found.revenue_usd == pytest.approx(0.36)
    assert found.margin_usd == pytest.approx(0.27)
    assert found.share == pytest.approx(0.75)


async def test_what_came_to_nothing_at_one_provider_is_its_cost_and_the_others_revenue(named: Stage) -> None:
    named.first.script = [replace(done(), outputs=[], cost_microusd=20_000)] * 3
    named.second.script = [replace(done(), cost_microusd=10_000)]
    task_id = await named.order()
    for _ in range(6):
        if (await named.advance(task_id)).status == "succeeded":
            break
    first, second = await margin(named, named.first.name), await margin(named, named.second.name)
    assert (second.credits, second.cost_usd, second.outputs) == (1, 0.01, 1)
    assert (first.credits, first.outputs, first.share) == (0, 0, None)
    assert first.calls > 0


async def test_test_mode_is_no_business(named: Stage) -> None:
    await work(named, named.first, done())
    async with named.database.transaction() as session:
        await session.execute(text("update tasks set mode = 'test' where provider = :name"), {"name": named.first.name})
    rows = await margins(named.database, days=1, credit_usd=1)
    assert named.first.name not in {row.provider for row in rows}


async def test_the_command_shows_them(named: Stage, settings: Settings) -> None:
    await work(named, named.first, replace(done(), cost_microusd=None))
    shown = await backlot("models", "margins", "--days", "1")
    assert shown.exit_code == 0, shown.output
    [line] = [line for line in shown.stdout.splitlines() if line.startswith(named.first.name)]
    assert line.split()[1:8] == ["1", "1", "1", "0.0000", "0.1000", "0.1000", "100%"]
    assert "without the cost of 1 calls" in line
    assert shown.stdout.splitlines()[-1].startswith("At 0.1 US dollars for a credit")
