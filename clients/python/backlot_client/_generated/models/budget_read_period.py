from typing import Literal, cast

BudgetReadPeriod = Literal["day", "month", "total"]


def check_budget_read_period(value: str) -> BudgetReadPeriod:
    return cast(BudgetReadPeriod, value)
