from typing import Literal, cast

DisabledReason = Literal["failing", "gone", "user"]


def check_disabled_reason(value: str) -> DisabledReason:
    return cast(DisabledReason, value)
