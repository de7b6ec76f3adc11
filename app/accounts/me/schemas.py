"""What users are told of themselves, and change: on the wire."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.accounts.keys.schemas import ApiKeyRead
from app.accounts.models import WorkspaceKind, WorkspaceRole
from app.accounts.users.schemas import USER_EXAMPLE, UserRead
from app.core.ids import WorkspaceId
from app.core.wire import Label

Locale = Literal["vi", "en"]


class SeatRead(BaseModel):
    """A workspace, and the user's role in it."""

    model_config = ConfigDict(from_attributes=True)

    id: WorkspaceId
    name: str
    kind: WorkspaceKind
    role: WorkspaceRole | None = Field(description="Null for an API key whose maker is no longer in its workspace.")


_SEAT: dict[str, Any] = {
    "id": "ws_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "name": "thu@example.com",
    "kind": "personal",
    "role": "owner",
}
_ME: dict[str, Any] = USER_EXAMPLE | {
    "has_password": True,
    "workspace": _SEAT,
    "workspaces": [_SEAT],
    "api_key": None,
}


class MeRead(UserRead):
    """Who is calling."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ME]})

    has_password: bool = Field(description="False for users who sign in elsewhere alone.")
    workspace: SeatRead = Field(description="The workspace of this request: see `X-Workspace-Id`.")
    workspaces: list[SeatRead] = Field(
        description="The workspaces the user is in, a hundred at most; `GET /v1/workspaces` lists all. "
        "An API key is in its own alone."
    )
    api_key: ApiKeyRead | None = Field(description="The key of this request, where there is one.")


class MeUpdate(BaseModel):
    """What may be changed of oneself. What is left out stays."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"name": "An Nguyễn", "locale": "vi"}]},
    )

    name: Label | None = Field(default=None, description="Null takes it away.")
    locale: Locale = "en"
