"""Exports and deletions on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import ExportId, UserId
from app.core.wire import Text

EXPORT_EXAMPLE: dict[str, Any] = {
    "id": "export_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "export",
    "status": "ready",
    "bytes": 73400320,
    "url": "https://api.example.com/files/exports/…/export.zip?expires=…&signature=…",
    "created_at": "2026-11-22T09:00:00Z",
    "completed_at": "2026-11-22T09:01:12Z",
    "expires_at": "2026-11-29T09:01:12Z",
}


class ExportRead(BaseModel):
    """An archive of what is kept of the account."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [EXPORT_EXAMPLE]})

    id: ExportId
    object: Literal["export"] = "export"
    status: Literal["pending", "ready", "failed", "expired"]
    bytes: int | None
    url: str | None = Field(description="A link to the ZIP for who has it, new each time; null unless it is ready.")
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime | None = Field(description="When it is removed.")


class DeletionOrder(BaseModel):
    """The deletion of an account, confirmed by its address."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"confirm": "thu@example.com"}]}
    )

    confirm: Annotated[Text, Field(max_length=320, description="The e-mail address of the account.")]


class DeletionRead(BaseModel):
    """An account that is to be deleted, or is not any more."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "user_01jcqzm4x8e3v9tk5h2w7d6n0p",
                    "object": "account_deletion",
                    "erase_at": "2026-12-22T09:00:00Z",
                }
            ]
        }
    )

    id: UserId
    object: Literal["account_deletion"] = "account_deletion"
    erase_at: datetime | None = Field(
        description="Until then `POST /v1/me/restore` keeps the account; null: it is kept."
    )
