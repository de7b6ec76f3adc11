"""Workspaces, members and invitations on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.accounts.models import WorkspaceKind, WorkspaceRole
from app.accounts.workspaces.queries import MemberRow
from app.core.ids import InvitationId, UserId, WorkspaceId
from app.core.wire import Label

_IN = ConfigDict(frozen=True, strict=True, extra="forbid")
RoleGiven = Annotated[WorkspaceRole, Field(strict=False)]


class WorkspaceCreate(BaseModel):
    """A new team."""

    model_config = _IN | {"json_schema_extra": {"examples": [{"name": "Northwind Studio"}]}}

    name: Label


class WorkspaceUpdate(BaseModel):
    """What may be changed of a workspace."""

    model_config = _IN | {"json_schema_extra": {"examples": [{"name": "Northwind"}]}}

    name: Label


WORKSPACE: dict[str, Any] = {
    "id": "ws_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "workspace",
    "name": "Northwind Studio",
    "kind": "team",
    "plan": "free",
    "role": "owner",
    "created_at": "2026-11-21T09:00:00Z",
}


class WorkspaceRead(BaseModel):
    """A workspace: what resources, credits and keys belong to."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [WORKSPACE]})

    id: WorkspaceId
    object: Literal["workspace"] = "workspace"
    name: str
    kind: WorkspaceKind
    plan: str
    role: WorkspaceRole | None = Field(
        description="The caller's; of an API key its maker's, and null when they are no longer in it."
    )
    created_at: datetime


class MemberUpdate(BaseModel):
    """Another role for a member."""

    model_config = _IN | {"json_schema_extra": {"examples": [{"role": "admin"}]}}

    role: RoleGiven


class TransferCreate(BaseModel):
    """Who is to own the workspace."""

    model_config = _IN | {"json_schema_extra": {"examples": [{"user_id": "user_01jcqzm4x8e3v9tk5h2w7d6n0p"}]}}

    user_id: UserId = Field(description="A member of the workspace.")


class MemberRead(BaseModel):
    """A user in a workspace."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "user_01jcqzm4x8e3v9tk5h2w7d6n0p",
                    "object": "member",
                    "email": "an@example.com",
                    "name": "An Nguyễn",
                    "role": "admin",
                    "created_at": "2026-11-21T09:00:00Z",
                }
            ]
        },
    )

    user_id: UserId
    object: Literal["member"] = "member"
    email: str
    name: str | None
    role: WorkspaceRole
    created_at: datetime = Field(description="Since when they are in the workspace.")

    @classmethod
    def of(cls, row: MemberRow) -> "MemberRead":
        """Of a row of `queries.list_members`."""
        return cls(
            user_id=row.id, email=row.email, name=row.name, role=WorkspaceRole(row.role), created_at=row.created_at
        )


class InvitationCreate(BaseModel):
    """Whom to invite, as what."""

    model_config = _IN | {"json_schema_extra": {"examples": [{"email": "binh@example.com", "role": "member"}]}}

    email: Annotated[str, Field(max_length=254)]
    role: RoleGiven = WorkspaceRole.MEMBER


class InvitationRead(BaseModel):
    """An invitation that is open. The link is in the mail alone."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "inv_01jcqzm4x8e3v9tk5h2w7d6n0p",
                    "object": "invitation",
                    "email": "binh@example.com",
                    "role": "member",
                    "invited_by": "user_01jcqzm4x8e3v9tk5h2w7d6n0p",
                    "created_at": "2026-11-21T09:00:00Z",
                    "expires_at": "2026-11-28T09:00:00Z",
                }
            ]
        },
    )

    id: InvitationId
    object: Literal["invitation"] = "invitation"
    email: str
    role: WorkspaceRole
    invited_by: UserId
    created_at: datetime
    expires_at: datetime = Field(description="Until then it can be accepted; sending it again gives it another week.")


class InvitationShown(BaseModel):
    """What whoever has the link may know before signing in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "invitation",
                    "workspace": "Northwind Studio",
                    "inviter": "An Nguyễn",
                    "role": "member",
                    "email": "b•••@example.com",
                    "expires_at": "2026-11-28T09:00:00Z",
                }
            ]
        }
    )

    object: Literal["invitation"] = "invitation"
    workspace: str = Field(description="Its name.")
    inviter: str
    role: WorkspaceRole
    email: str = Field(description="The address it was sent to, masked: sign in with the account of that address.")
    expires_at: datetime
