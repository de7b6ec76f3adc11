"""What may be spent with a key. The counting is done by the functions of the ledger (migration 0960)."""

from datetime import UTC, datetime, timedelta

from app.accounts.keys.errors import KeyBudgetExceeded
from app.accounts.models import KeyBudget
from app.core import clock
from app.core.amounts import to_number
from app.core.wire import moment

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def start(period: str, at: datetime) -> datetime:
    """Of the period that `at` is in, as SQL `budget_start` has it: days and months are those of UTC."""
    match period:
        case "day":
            return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        case "month":
            return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        case _:
            return _NEVER


def resets_at(period: str, at: datetime) -> datetime | None:
    """When the next period begins."""
    begun = start(period, at)
    match period:
        case "day":
            return begun + timedelta(days=1)
        case "month":
            return (begun + timedelta(days=32)).replace(day=1)
        case _:
            return None


def spent(budget: KeyBudget, at: datetime) -> int:
    """In the period that `at` is in."""
    return 0 if start(budget.period, at) > budget.started_at else budget.spent


def exceeded(budget: KeyBudget | None, price: int) -> KeyBudgetExceeded:
    """The problem that tells what the order would have cost, and what there is."""
    if budget is None or budget.credits is None:  # it was lifted this moment
        return KeyBudgetExceeded("The budget of this key was changed just now. Order again.")
    now = clock.now()
    return KeyBudgetExceeded(
        f"This costs {to_number(price)} credits; of the key's budget of {to_number(budget.credits)} "
        f"{to_number(spent(budget, now))} are spent or held.",
        price=to_number(price),
        budget=to_number(budget.credits),
        spent=to_number(spent(budget, now)),
        period=budget.period,
        resets_at=moment(resets_at(budget.period, now)),
    )
