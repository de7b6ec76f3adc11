"""Users as administrators see them, and what the checks find."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import UserId, WorkspaceId
from app.core.wire import Text

_USER: dict[str, Any] = {
    "id": "user_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "user",
    "email": "thu@example.com",
    "email_verified_at": "2026-11-22T09:00:00Z",
    "name": "Thu",
    "locale": "vi",
    "role": "user",
    "status": "active",
    "erase_at": None,
    "created_at": "2026-11-22T08:58:00Z",
}


class AdminUserRead(BaseModel):
    """A user, for administrators."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_USER]})

    id: UserId
    object: Literal["user"] = "user"
    email: str
    email_verified_at: datetime | None
    name: str | None
    locale: str
    role: Literal["user", "admin"]
    status: Literal["active", "suspended", "erased"]
    erase_at: datetime | None = Field(description="When the account is to be erased, or was.")
    created_at: datetime


class AdminMembershipRead(BaseModel):
    """A workspace the user is in."""

    workspace_id: WorkspaceId
    name: str
    kind: Literal["personal", "team"]
    role: Literal["owner", "admin", "member", "viewer"]


class AdminUserDetail(AdminUserRead):
    """A user with what belongs to them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _USER
                | {
                    "has_password": True,
                    "identities": ["https://accounts.google.com"],
                    "open_sessions": 2,
                    "last_used_at": "2026-11-22T09:05:00Z",
                    "workspaces": [
                        {
                            "workspace_id": "ws_01jcqzm4x8e3v9tk5h2w7d6n0p",
                            "name": "Thu",
                            "kind": "personal",
                            "role": "owner",
                        }
                    ],
                }
            ]
        }
    )

    has_password: bool
    identities: list[str] = Field(description="Issuers the user signs in with besides.")
    open_sessions: int
    last_used_at: datetime | None = Field(description="When a session of theirs was last used.")
    workspaces: list[AdminMembershipRead]


class Suspension(BaseModel):
    """Why a user is suspended."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"reason": "Resells stolen cards"}]}
    )

    reason: Annotated[Text, Field(min_length=1, max_length=500, description="Kept in the audit log.")]


class BreachRead(BaseModel):
    """One thing that is wrong."""

    check: str = Field(examples=["I5"])
    detail: str


class VerificationRead(BaseModel):
    """What a check of the books or of the audit log found."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"object": "verification", "ok": True, "checks": ["I1", "I2"], "breaches": []}]}
    )

    object: Literal["verification"] = "verification"
    ok: bool
    checks: list[str]
    breaches: list[BreachRead] = Field(description="At most 20 of each check.")
