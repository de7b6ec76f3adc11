from typing import Literal, cast

RoutingPrefer = Literal["cost", "quality", "speed"]


def check_routing_prefer(value: str) -> RoutingPrefer:
    return cast(RoutingPrefer, value)
