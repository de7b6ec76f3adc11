"""The health of providers on the wire: no key, no balance, no address."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.generation.breakers import State

Status = Literal["operational", "degraded", "down", "not_configured", "unknown"]

EXAMPLE: dict[str, Any] = {
    "provider": "acme",
    "object": "provider_health",
    "status": "degraded",
    "last_success_at": "2026-11-21T09:00:02.902113Z",
    "calls": 240,
    "error_rate": 0.125,
    "latency": {"p50_seconds": 4.2, "p95_seconds": 11.8},
    "models": [
        {"model": "acme-large", "breaker": "closed", "calls": 210, "error_rate": 0.0},
        {"model": "flux-schnell", "breaker": "open", "calls": 30, "error_rate": 1.0},
    ],
    "probed_at": "2026-11-21T08:40:13.118450Z",
}


class Latency(BaseModel):
    """Of calls that succeeded, from the order to the result."""

    p50_seconds: float | None
    p95_seconds: float | None


class ModelHealth(BaseModel):
    model: str
    breaker: State = Field(description="`open`: it failed too often in a row and is left alone for a while.")
    calls: int
    error_rate: float | None


class ProviderHealth(BaseModel):
    """How a provider does, by the calls of the last 15 minutes; where there were none, by a probe."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    provider: str
    object: Literal["provider_health"] = "provider_health"
    status: Status
    last_success_at: datetime | None = Field(description="Of a call in the last 15 minutes, or of a probe.")
    calls: int = Field(description="That ended in the last 15 minutes.")
    error_rate: float | None = Field(
        description="0 to 1, of the calls; what the customer's order was refused for is no error. Null without calls."
    )
    latency: Latency
    models: list[ModelHealth]
    probed_at: datetime | None = Field(description="Providers nobody ordered from lately are probed each minute.")
