"""Identities and sign-ins at providers on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from app.accounts.identities.attempts import VERIFIER_PATTERN
from app.accounts.sessions.schemas import SessionStarted
from app.core.ids import IdentityId
from app.core.wire import Text

ProviderName = Literal["google", "github"]

_CODE = "vR3yZ7cQm1nX0dK5sT8uW2aB4eF6gH9jL1pO3iU5yT7"
_TOKEN = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL3JlZi5zdXBhYmFzZS5jbyJ9.MEUCIQ"  # noqa: S105
_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


_PROVIDER: dict[str, Any] = {
    "object": "oauth_provider",
    "name": "google",
    "title": "Google",
    "authorize_url": "https://api.example.com/v1/auth/oauth/google/authorize",
}


class OauthProviderRead(BaseModel):
    """A provider that signs users in here."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROVIDER]})

    object: Literal["oauth_provider"] = "oauth_provider"
    name: ProviderName
    title: str = Field(description="For a button.")
    authorize_url: str = Field(description="Where to send the browser.")


class OauthProviders(BaseModel):
    """The providers this installation is set up for; none, if it is for none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_PROVIDER]}]})

    data: list[OauthProviderRead]


class OauthExchange(BaseModel):
    """A code of a redirect, and what proves that it was meant for you."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"code": _CODE, "code_verifier": _VERIFIER}]},
    )

    code: Annotated[Text, Field(min_length=1, max_length=200, description="From the fragment of the redirect.")]
    code_verifier: str = Field(
        pattern=VERIFIER_PATTERN, description="Whose SHA-256, as base64url, was the `code_challenge`."
    )


class OauthCodeRead(BaseModel):
    """What a redirect would have carried in its fragment."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"object": "oauth_code", "code": _CODE, "expires_in": 60}]}
    )

    object: Literal["oauth_code"] = "oauth_code"
    code: str
    expires_in: int = Field(description="Seconds.")


class OauthFinished(RootModel[SessionStarted | OauthCodeRead]):
    """The session; of an attempt that was begun with `link`, a code."""

    model_config = ConfigDict(json_schema_extra={"examples": SessionStarted.model_json_schema()["examples"]})


class IdentityToken(BaseModel):
    """A token of an issuer that the operator trusts, whose user is you."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"token": _TOKEN}]}
    )

    token: str = Field(max_length=8192, description="As it would be sent as `Authorization: Bearer`.")


def _way(given: Any) -> str:
    return "<token>" if isinstance(given, dict) and "token" in given else "<code>"


_Way = Annotated[
    Annotated[OauthExchange, Tag("<code>")] | Annotated[IdentityToken, Tag("<token>")], Discriminator(_way)
]


class IdentityLink(RootModel[_Way]):
    """What proves that somebody elsewhere is you: the code of a provider, or a token of an issuer."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"code": _CODE, "code_verifier": _VERIFIER}, {"token": _TOKEN}]}
    )


_EXAMPLE: dict[str, Any] = {
    "id": "ident_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "object": "identity",
    "provider": "google",
    "issuer": "https://accounts.google.com",
    "email": "thu@gmail.com",
    "created_at": "2026-11-21T09:00:00Z",
    "last_used_at": "2026-11-21T09:05:12Z",
}


class IdentityRead(BaseModel):
    """An identity elsewhere that signs you in here."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: IdentityId
    object: Literal["identity"] = "identity"
    provider: str | None = Field(description="`google`, `github`, or null for another issuer the operator trusts.")
    issuer: str
    email: str | None = Field(description="What the issuer said. It may differ from your account's address.")
    created_at: datetime
    last_used_at: datetime | None


class IdentityConfirm(BaseModel):
    """The token of a link that was sent to the account's address."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"token": "bkl_" + 58 * "0"}]},
    )

    token: Annotated[Text, Field(max_length=200)]
