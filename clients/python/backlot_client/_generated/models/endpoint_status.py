from typing import Literal, cast

EndpointStatus = Literal["disabled", "enabled"]


def check_endpoint_status(value: str) -> EndpointStatus:
    return cast(EndpointStatus, value)
