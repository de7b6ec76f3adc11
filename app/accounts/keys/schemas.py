"""API keys on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from app.accounts.keys import networks
from app.accounts.models import Mode, Scope
from app.core.amounts import MOST, Credits, from_number
from app.core.ids import KeyId
from app.core.wire import Moment, Text

MAX_OVERLAP_SECONDS = 7 * 86400
MAX_RATE = 60_000
Period = Literal["total", "day", "month"]


def _address(text: str) -> str:
    try:
        return networks.normal(text)
    except ValueError:
        raise PydanticCustomError(
            "invalid_network", "Give an address or a network, as 203.0.113.7, 198.51.100.0/24 or 2001:db8::/48."
        ) from None


def _once_each(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _micro(value: Any) -> int:
    try:
        micro = from_number(value)
    except ValueError as fault:
        raise PydanticCustomError("credits", "{reason}", {"reason": str(fault)}) from None
    if not micro:
        raise PydanticCustomError("credits", "Give credits above zero.")
    return micro


CreditsGiven = Annotated[
    int,
    BeforeValidator(_micro),
    WithJsonSchema(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": MOST,
            "description": "Credits, with at most six decimals.",
            "examples": [25],
        }
    ),
]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Scopes = Annotated[
    list[Annotated[Scope, Field(strict=False)]], AfterValidator(_once_each), Field(min_length=1, max_length=len(Scope))
]
AllowedIps = Annotated[
    list[Annotated[Text, Field(max_length=64), AfterValidator(_address)]],
    AfterValidator(_once_each),
    Field(
        min_length=1,
        max_length=50,
        description="Addresses and networks (CIDR), v4 and v6, it may be used from. Null: anywhere.",
        examples=[["203.0.113.7", "2001:db8::/48"]],
    ),
]
AllowedOperations = Annotated[
    list[Annotated[Text, Field(max_length=64)]],
    AfterValidator(_once_each),
    Field(
        min_length=1,
        max_length=50,
        description="Operations it may order, by name (`GET /v1/operations`). Null: all.",
        examples=[["remove_background"]],
    ),
]
RateLimit = Annotated[int, Field(ge=1, le=MAX_RATE, description="Requests in a minute. Null: no limit of its own.")]


class BudgetGiven(BaseModel):
    """What may be spent with a key."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    credits: CreditsGiven
    period: Period = Field(
        default="total", description="Days and months are those of UTC. Another period begins a new count."
    )


_CREATE: dict[str, Any] = {
    "name": "web shop",
    "scopes": ["tasks:read", "tasks:write"],
    "allowed_ips": ["203.0.113.0/24"],
    "rate_limit": 120,
    "budget": {"credits": 25, "period": "month"},
}


class ApiKeyCreate(BaseModel):
    """A new API key. What is left out is as wide as the caller's own, if that is a key which is held back."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [_CREATE]})

    name: Name
    mode: Mode | None = Field(default=None, description="`live` or `test`; default: the caller's own mode.")
    scopes: Scopes | None = Field(
        default=None,
        description="Default: reading and writing tasks and assets, reading credits and the workspace, as far as the "
        "caller may. Keys and settings of the workspace have to be named.",
    )
    expires_at: Moment | None = Field(default=None, description="When it ends by itself.")
    allowed_ips: AllowedIps | None = None
    allowed_operations: AllowedOperations | None = None
    rate_limit: RateLimit | None = None
    budget: BudgetGiven | None = Field(
        default=None, description="A key made by a key with a budget spends from that budget, and has none of its own."
    )


class ApiKeyUpdate(BaseModel):
    """What is to be changed; null lifts a limit."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"rate_limit": 60, "budget": None}]}
    )

    name: Name | None = None
    scopes: Scopes | None = None
    expires_at: Moment | None = None
    allowed_ips: AllowedIps | None = None
    allowed_operations: AllowedOperations | None = None
    rate_limit: RateLimit | None = None
    budget: BudgetGiven | None = None

    @field_validator("name", "scopes", mode="before")
    @classmethod
    def _is_never_null(cls, value: Any) -> Any:
        if value is None:
            raise PydanticCustomError("not_nullable", "Cannot be null: leave it out.")
        return value


class ApiKeyRotate(BaseModel):
    """How the old secret ends."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"overlap_seconds": 3600}]}
    )

    overlap_seconds: int = Field(
        default=86400, ge=0, le=MAX_OVERLAP_SECONDS, description="How long the old secret works besides the new one."
    )


KEY_EXAMPLE: dict[str, Any] = {
    "id": "key_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "api_key",
    "name": "web shop",
    "mode": "live",
    "hint": "bk_live_…x7Qd",
    "scopes": ["tasks:read", "tasks:write"],
    "allowed_ips": ["203.0.113.0/24"],
    "allowed_operations": None,
    "rate_limit": 120,
    "budget": {"credits": 25, "period": "month", "spent": 3.5, "resets_at": "2026-12-01T00:00:00Z"},
    "created_at": "2026-11-21T09:00:00Z",
    "expires_at": None,
    "last_used_at": "2026-11-21T09:05:12Z",
    "last_used_ip": "203.0.113.7",
    "rotated_at": None,
    "old_secret_until": None,
    "revoked_at": None,
}


class BudgetRead(BaseModel):
    """What may be spent with a key, and what was."""

    credits: Credits
    period: Period
    spent: Credits = Field(description="In this period; what open orders hold counts.")
    resets_at: datetime | None = Field(description="When the next period begins; null for `total`.")


class ApiKeyRead(BaseModel):
    """An API key, without its secret."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [KEY_EXAMPLE]})

    id: KeyId
    object: Literal["api_key"] = "api_key"
    name: str
    mode: Mode
    hint: str = Field(description="Its kind and last four characters.", examples=["bk_live_…x7Qd"])
    scopes: list[Scope]
    allowed_ips: list[str] | None
    allowed_operations: list[str] | None
    rate_limit: int | None
    budget: BudgetRead | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="Written at most once a minute.")
    last_used_ip: str | None
    rotated_at: datetime | None
    old_secret_until: datetime | None = Field(description="While it was rotated a short time ago: both secrets work.")
    revoked_at: datetime | None


class ApiKeySecret(ApiKeyRead):
    """An API key with its secret, shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                KEY_EXAMPLE | {"last_used_at": None, "last_used_ip": None, "secret": "bk_live_" + 67 * "0" + "x7Qd"}
            ]
        }
    )

    secret: str = Field(description="Keep it now: it cannot be shown again.")
