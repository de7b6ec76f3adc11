from typing import Literal, cast

BudgetGivenPeriod = Literal["day", "month", "total"]


def check_budget_given_period(value: str) -> BudgetGivenPeriod:
    return cast(BudgetGivenPeriod, value)
