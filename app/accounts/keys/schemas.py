"""API keys on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.accounts.models import Mode, Scope
from app.core.ids import KeyId
from app.core.wire import Moment, Text


class ApiKeyCreate(BaseModel):
    """A new API key."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"name": "web shop", "scopes": ["tasks:read", "tasks:write"]}]},
    )

    name: Annotated[Text, Field(min_length=1, max_length=100)]
    mode: Mode | None = Field(default=None, description="`live` or `test`; default: the caller's own mode.")
    scopes: list[Annotated[Scope, Field(strict=False)]] | None = Field(
        default=None, min_length=1, description="Default: the caller's own."
    )
    expires_at: Moment | None = Field(default=None, description="When it ends by itself.")


_EXAMPLE: dict[str, Any] = {
    "id": "key_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "api_key",
    "name": "web shop",
    "mode": "live",
    "hint": "bk_live_…x7Qd",
    "scopes": ["tasks:read", "tasks:write"],
    "created_at": "2026-11-21T09:00:00Z",
    "expires_at": None,
    "last_used_at": "2026-11-21T09:05:12Z",
    "revoked_at": None,
}


class ApiKeyRead(BaseModel):
    """An API key, without its secret."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: KeyId
    object: Literal["api_key"] = "api_key"
    name: str
    mode: Mode
    hint: str = Field(description="Its kind and last four characters.", examples=["bk_live_…x7Qd"])
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeySecret(ApiKeyRead):
    """An API key with its secret, shown this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE | {"last_used_at": None, "secret": "bk_live_" + 67 * "0" + "x7Qd"}]}
    )

    secret: str = Field(description="Keep it now: it cannot be shown again.")
