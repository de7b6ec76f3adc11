"""Sessions on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.accounts.users.schemas import USER_EXAMPLE, UserRead
from app.core.ids import SessionId

_STARTED: dict[str, Any] = {
    "object": "session",
    "id": "sess_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "token_type": "Bearer",
    "access_token": "eyJhbGciOiJIUzI1NiIsImtpZCI6InNpZ18wMWpjIn0.eyJzdWIiOiJ1c2VyXzAxamMifQ.9s1fYl2Q",
    "refresh_token": "bkr_" + 64 * "0",
    "expires_in": 900,
    "csrf_token": None,
    "session_expires_at": "2026-11-28T09:00:00Z",
    "user": USER_EXAMPLE,
}


class SessionStarted(BaseModel):
    """A session and its secrets: tokens, or cookies and the token that goes with them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STARTED]})

    object: Literal["session"] = "session"
    id: SessionId
    token_type: Literal["Bearer", "Cookie"]
    access_token: str | None = Field(description="For `Authorization: Bearer`; null with cookies.")
    refresh_token: str | None = Field(
        description="Each refresh gives the next one; the one before must not be used again. Null with cookies."
    )
    expires_in: int | None = Field(description="Seconds the access token is good for; null with cookies.")
    csrf_token: str | None = Field(description="With cookies, what to send as `X-CSRF-Token`: the readable cookie's.")
    session_expires_at: datetime
    user: UserRead
