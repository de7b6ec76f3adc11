from typing import Literal, cast

RangeRedeliverInclude = Literal["all", "failed", "undelivered"]


def check_range_redeliver_include(value: str) -> RangeRedeliverInclude:
    return cast(RangeRedeliverInclude, value)
