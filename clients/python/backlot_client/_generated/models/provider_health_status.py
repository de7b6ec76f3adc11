from typing import Literal, cast

ProviderHealthStatus = Literal["degraded", "down", "not_configured", "operational", "unknown"]


def check_provider_health_status(value: str) -> ProviderHealthStatus:
    return cast(ProviderHealthStatus, value)
