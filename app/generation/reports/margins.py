"""What is earned by each model: what customers were charged for it, less what its provider charged us."""

from dataclasses import dataclass
from datetime import timedelta

from app.core import clock
from app.core.db import Database
from app.generation.reports import queries

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Margin:
    """Of one model. `unknown_costs` are calls nobody knows the cost of: `cost_usd` is without them."""

    provider: str
    model: str
    calls: int
    outputs: int
    credits: float
    cost_usd: float
    revenue_usd: float
    unknown_costs: int

    @property
    def margin_usd(self) -> float:
        return self.revenue_usd - self.cost_usd

    @property
    def share(self) -> float | None:
        """Of the revenue that is left."""
        return self.margin_usd / self.revenue_usd if self.revenue_usd else None


async def margins(database: Database, *, days: int, credit_usd: float) -> list[Margin]:
    """Of live tasks ordered in the last `days`, at `credit_usd` for a credit."""
    rows = await database.fetch(queries.MARGINS, queries.least_id(clock.now() - timedelta(days=days)))
    return [
        Margin(
            provider=row["provider"],
            model=row["model"],
            calls=row["calls"],
            outputs=row["outputs"],
            credits=row["microcredits"] / MICRO,
            cost_usd=row["microusd"] / MICRO,
            revenue_usd=row["microcredits"] / MICRO * credit_usd,
            unknown_costs=row["unknown_costs"],
        )
        for row in rows
    ]
