"""Identities of other issuers on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import IdentityId

_TOKEN = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL3JlZi5zdXBhYmFzZS5jbyJ9.MEUCIQ"  # noqa: S105
_EXAMPLE: dict[str, Any] = {
    "id": "ident_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "identity",
    "issuer": "https://ref.supabase.co/auth/v1",
    "email": "thu@example.com",
    "created_at": "2026-11-21T09:00:00Z",
}


class IdentityLink(BaseModel):
    """A token of a trusted issuer, whose user is you."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"token": _TOKEN}]}
    )

    token: str = Field(max_length=8192, description="As it would be sent as `Authorization: Bearer`.")


class LinkedIdentity(BaseModel):
    """An identity at another issuer that signs you in."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: IdentityId
    object: Literal["identity"] = "identity"
    issuer: str
    email: str | None = Field(description="What the issuer said when it was linked.")
    created_at: datetime
