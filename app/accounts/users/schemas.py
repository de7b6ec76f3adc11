"""Users on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import UserId

USER_EXAMPLE: dict[str, Any] = {
    "id": "user_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "user",
    "email": "thu@example.com",
    "email_verified_at": "2026-11-21T09:00:00Z",
    "name": "Thu",
    "locale": "vi",
    "role": "user",
    "erase_at": None,
    "created_at": "2026-11-21T08:58:00Z",
}


class UserRead(BaseModel):
    """A user, as they see themselves."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [USER_EXAMPLE]})

    id: UserId
    object: Literal["user"] = "user"
    email: str
    email_verified_at: datetime | None = Field(description="Null: open the link in the mail first, to spend credits.")
    name: str | None
    locale: str
    role: Literal["user", "admin"] = Field(description="What the user is to the whole installation.")
    erase_at: datetime | None = Field(description="The account is to be deleted then; `POST /v1/me/restore` keeps it.")
    created_at: datetime
