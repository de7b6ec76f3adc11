from typing import Literal, cast

DeliveryStatus = Literal["discarded", "failed", "pending", "succeeded"]


def check_delivery_status(value: str) -> DeliveryStatus:
    return cast(DeliveryStatus, value)
