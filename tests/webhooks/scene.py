"""A customer with webhook endpoints, and what is sent to them when tests say so."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from app.assets.reader import AssetReader
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from app.events import service as events
from app.events.publisher import Publisher
from app.feed.rendering import Renderer
from app.generation.reader import TaskReader
from app.webhooks.courier import Courier
from tests.conftest import Account

TABLES = ("webhook_attempts", "webhook_deliveries", "webhook_queues", "webhook_endpoints", "webhook_signing_secrets")


def make_courier(settings: Settings, database: Database, tools: AssetTools) -> Courier:
    renderer = Renderer(TaskReader(database, tools), AssetReader(database, tools))
    return Courier(settings, database, database.redis, renderer)


@dataclass
class Scene:
    settings: Settings
    database: Database
    account: Account
    tools: AssetTools
    publisher: Publisher = field(init=False)
    courier: Courier = field(init=False)
    _couriers: list[Courier] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.database, self.database.redis)
        self.courier = self.another_courier()

    def another_courier(self, settings: Settings | None = None) -> Courier:
        made = make_courier(settings or self.settings, self.database, self.tools)
        self._couriers.append(made)
        return made

    async def publish(self) -> None:
        """All there is, whoever else is at it."""
        while await self.database.fetch("select from event_outbox limit 1"):
            if not await self.publisher.publish():
                await asyncio.sleep(0.01)

    async def clear(self) -> None:
        await self.publish()
        for table in TABLES:
            await self.database.fetch(f"delete from {table}")

    async def close(self) -> None:
        for courier in self._couriers:
            await courier.stop()
        await self.clear()

    async def endpoint(self, url: str, *, by: httpx.AsyncClient | None = None, **order: Any) -> dict[str, Any]:
        """A new one, with its secret."""
        answer = await (by or self.account.live).post("/v1/webhook-endpoints", json={"url": url} | order)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def tell(self, *types: str, mode: str = "live", data: dict[str, Any] | None = None) -> None:
        """Something happens, and is published."""
        async with self.database.transaction() as session:
            for type_ in types or ("batch.completed",):
                events.record(
                    session, type_, workspace_id=self.account.workspace_id, mode=mode, data=data or {"id": "batch_1"}
                )
        await self.publish()

    async def deliveries(self, endpoint: dict[str, Any] | None = None, **params: Any) -> list[dict[str, Any]]:
        """As the log shows them, the oldest first."""
        path = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries" if endpoint else "/v1/webhook-deliveries"
        answer = await self.account.live.get(path, params={"limit": 100} | params)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found[::-1]

    async def attempts(self, delivery_id: str) -> list[dict[str, Any]]:
        answer = await self.account.live.get(f"/v1/webhook-deliveries/{delivery_id}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["attempts"]
        return found

    async def read(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.account.live.get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
        return found

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.database.fetch(statement, *values)]

    async def seconds_to_next(self, delivery_id: str) -> float:
        (row,) = await self.rows(
            "select extract(epoch from due_at - clock_timestamp())::float8 as s from webhook_deliveries where id = $1",
            decode("whd", delivery_id),
        )
        return float(row["s"])

    async def pass_time(self, seconds: float) -> None:
        """What was to happen later is so much nearer; what has happened, so much longer ago."""
        for column in ("due_at", "claimed_until"):
            await self.database.fetch(
                f"update webhook_deliveries set {column} = {column} - make_interval(secs => $1)", seconds
            )
        columns = ("next_due_at", "failing_since", "last_failed_at", "paused_until")
        moved = ", ".join(f"{column} = {column} - make_interval(secs => $1)" for column in columns)
        await self.database.fetch(f"update webhook_queues set {moved}", seconds)

    async def queue(self, endpoint: dict[str, Any] | None = None) -> dict[str, Any]:
        target: UUID | None = decode("whe", endpoint["id"]) if endpoint else None
        (row,) = await self.rows("select * from webhook_queues where $1::uuid is null or target_id = $1", target)
        return row

    async def actions(self) -> list[str]:
        """What the audit log has of webhooks, with reasons."""
        found = await self.rows(
            "select e.action, d.data from audit_entries e join audit_details d on d.entry_id = e.id"
            " where e.workspace_id = $1 and e.action like 'webhook%' order by e.number",
            self.account.workspace_id,
        )
        return [" ".join(filter(None, (row["action"], json.loads(row["data"]).get("reason")))) for row in found]
