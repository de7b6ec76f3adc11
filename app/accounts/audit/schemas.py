"""The audit log on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import AuditEntryId, KeyId, UserId, WorkspaceId


class AuditActor(BaseModel):
    """Who did it."""

    kind: str = Field(
        description="`user`, `api_key`, `admin`, `operator` (the command line), `system` or `anonymous`.",
        examples=["user"],
    )
    user_id: UserId | None = Field(description="The user; of an API key the one who made it.")
    key_id: KeyId | None
    email: str | None = Field(
        description="The user's address; masked for those who do not share the workspace with them.",
        examples=["an@example.com", "a•••@example.com"],
    )


class AuditTarget(BaseModel):
    """To what it was done."""

    kind: str = Field(examples=["api_key"])
    id: str = Field(examples=["key_01jcqzm4x8e3v9tk5h2w7d6n0p"])


_EXAMPLE: dict[str, Any] = {
    "id": "audit_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "audit_entry",
    "workspace_id": "ws_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "action": "api_key.created",
    "actor": {
        "kind": "user",
        "user_id": "user_01jcqzm4x8e3v9tk5h2w7d6n0p",
        "key_id": None,
        "email": "an@example.com",
    },
    "target": {"kind": "api_key", "id": "key_01jcqzm4x8e3v9tk5h2w7d6n0p"},
    "ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
    "data": {"name": "web shop"},
    "is_erased": False,
    "created_at": "2026-11-22T09:00:00.123Z",
}


class AuditEntryRead(BaseModel):
    """One act: who did what to what, from where and when."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: AuditEntryId
    object: Literal["audit_entry"] = "audit_entry"
    workspace_id: WorkspaceId | None = Field(description="Null for acts on the installation as a whole.")
    action: str = Field(description="What was done, as `password.changed`; docs/audit.md lists them.")
    actor: AuditActor
    target: AuditTarget | None
    ip: str | None
    user_agent: str | None
    data: dict[str, Any] = Field(description="What else is known of the act.")
    is_erased: bool = Field(description="Address, user agent and data were erased with somebody's account.")
    created_at: datetime
