from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.budget_given_period import BudgetGivenPeriod, check_budget_given_period
from ..types import UNSET, Unset

T = TypeVar("T", bound="BudgetGiven")


@_attrs_define
class BudgetGiven:
    """What may be spent with a key.

    Attributes:
        credits (float): Credits, with at most six decimals.
        period (BudgetGivenPeriod | Unset): Days and months are those of UTC. Another period begins a new count.
            Default: 'total'.
    """

    credits: float
    period: BudgetGivenPeriod | Unset = "total"

    def to_dict(self) -> dict[str, Any]:
        credits = self.credits

        period: str | Unset = UNSET
        if not isinstance(self.period, Unset):
            period = self.period

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "credits": credits,
            }
        )
        if period is not UNSET:
            field_dict["period"] = period

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        credits = d.pop("credits")

        _period = d.pop("period", UNSET)
        period: BudgetGivenPeriod | Unset
        if isinstance(_period, Unset):
            period = UNSET
        else:
            period = check_budget_given_period(_period)

        budget_given = cls(
            credits=credits,
            period=period,
        )

        return budget_given
