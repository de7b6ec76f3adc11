"""Sessions on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.accounts.users.schemas import USER_EXAMPLE, UserRead
from app.core.ids import SessionId
from app.core.wire import Text

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


class Refresh(BaseModel):
    """A refresh token, for new tokens."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"refresh_token": "bkr_" + 64 * "0"}]},
    )

    refresh_token: str = Field(max_length=200)


class SessionRead(BaseModel):
    """A session: the user signed in on one device."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "sess_01jcqzm4x8e3v9tk5h2w7d6n0p",
                    "object": "session",
                    "device": "Firefox on Windows",
                    "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
                    "ip": "203.0.113.7",
                    "kind": "cookie",
                    "current": True,
                    "created_at": "2026-11-21T09:00:00Z",
                    "last_used_at": "2026-11-21T09:05:12Z",
                    "expires_at": "2026-11-28T09:00:00Z",
                }
            ]
        }
    )

    id: SessionId
    object: Literal["session"] = "session"
    device: str = Field(description="What it was signed in with, in words.")
    user_agent: str | None
    ip: str | None = Field(description="Where it was signed in from.")
    kind: Literal["bearer", "cookie"]
    current: bool = Field(description="Whether it is the one you ask with.")
    created_at: datetime
    last_used_at: datetime = Field(description="To about a minute.")
    expires_at: datetime


class Confirm(BaseModel):
    """A fresh proof: the password, or the token of a link in a mail; nothing to ask for that mail."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"password": "violet kayak on 42 roofs"}]},
    )

    password: Annotated[Text, Field(max_length=1024)] | None = None
    token: Annotated[Text, Field(max_length=200)] | None = Field(
        default=None, description="`token` of the link in the mail; needs no other credentials."
    )


class ConfirmationRead(BaseModel):
    """What became of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"object": "confirmation", "status": "confirmed", "confirmed_until": "2026-11-21T09:10:00Z"}]
        }
    )

    object: Literal["confirmation"] = "confirmation"
    status: Literal["confirmed", "mail_sent"]
    confirmed_until: datetime | None
