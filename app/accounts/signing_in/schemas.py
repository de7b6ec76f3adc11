"""Signing in on the wire."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.wire import Text

Email = Annotated[Text, Field(min_length=3, max_length=320)]
NewPassword = Annotated[Text, Field(max_length=512, description="8 to 128 characters, and not easy to guess.")]
Password = Annotated[Text, Field(max_length=1024)]
Token = Annotated[Text, Field(max_length=200, description="`token` of the link in the mail.")]
Captcha = Annotated[Text, Field(max_length=8192, description="What the captcha's widget gave, where there is one.")]
_TOKEN = "bkl_AZKFvFwMeqK9x0b6mQ2nUwZ0c9Jr4m1yVt7sK3pLqW8eHdF5gA2bNcXk6u"  # noqa: S105  shown in examples
_PROMISE = "If the address can be used, a mail is on its way."


def _config(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [example]})


class SignUp(BaseModel):
    """A new account."""

    model_config = _config({"email": "thu@example.com", "password": "violet kayak on 42 roofs", "name": "Thu"})

    email: Email
    password: NewPassword
    name: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    locale: Literal["en", "vi"] = Field(default="en", description="The language of mails.")
    captcha_token: Captcha | None = None


class EmailVerification(BaseModel):
    """A link that verifies an address, opened."""

    model_config = _config({"token": _TOKEN, "password": "violet kayak on 42 roofs"})

    token: Token
    password: Password | None = Field(
        default=None, description="The one you signed up with: it shows that the account's password is yours."
    )


class LinkWanted(BaseModel):
    """Whose mailbox a link is to be sent to."""

    model_config = _config({"email": "thu@example.com"})

    email: Email
    captcha_token: Captcha | None = None


class VerificationWanted(BaseModel):
    """Whose address is to be verified."""

    model_config = _config({"email": "thu@example.com"})

    email: Email
    captcha_token: Captcha | None = None


class LogIn(BaseModel):
    """Who signs in, and how the session is to be kept."""

    model_config = _config({"email": "thu@example.com", "password": "violet kayak on 42 roofs"})

    email: Email
    password: Password
    cookies: bool = Field(default=False, description="For browsers: cookies instead of tokens in the answer.")
    captcha_token: Captcha | None = None


class PasswordReset(BaseModel):
    """A new password, by a link."""

    model_config = _config({"token": _TOKEN, "password": "violet kayak on 42 roofs"})

    token: Token
    password: NewPassword


class PasswordChange(BaseModel):
    """A new password, by the old one."""

    model_config = _config({"current_password": "violet kayak on 42 roofs", "new_password": "eleven tired herons wait"})

    current_password: Password | None = Field(default=None, description="Left out by those who have none yet.")
    new_password: NewPassword


class EmailChange(BaseModel):
    """A new address."""

    model_config = _config({"email": "thu@example.net", "password": "violet kayak on 42 roofs"})

    email: Email
    password: Password | None = Field(default=None, description="Left out by those who have none.")


class LinkOpened(BaseModel):
    """A link, opened."""

    model_config = _config({"token": _TOKEN})

    token: Token


class MailPromised(BaseModel):
    """The same for every address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"object": "mail", "message": _PROMISE}]})

    object: Literal["mail"] = "mail"
    message: str = _PROMISE


class EmailChangeRead(BaseModel):
    """How far the change of an address is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"object": "email_change", "status": "waiting"}]})

    object: Literal["email_change"] = "email_change"
    status: Literal["waiting", "changed"] = Field(description="`waiting` for the link in the other mailbox.")
