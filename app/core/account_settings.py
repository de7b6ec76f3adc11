"""Settings of accounts: signing in, privacy, mail."""

import json
from email.utils import getaddresses, parseaddr
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, DirectoryPath, Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from app.core.setting_types import EMPTY_IS_NONE, Group


class TrustedIssuer(Group):
    """Whose tokens let users in besides our own. Which algorithm goes with which key is said here, never by a token."""

    issuer: str = Field(min_length=1, description="the `iss` of its tokens")
    audience: str = Field(min_length=1, description="the `aud` they must have")
    name: str = Field(min_length=1, description="as users know it")
    jwks_url: str | None = Field(default=None, description="where its public keys are")
    secret: SecretStr | None = Field(default=None, description="instead, of those who sign with a shared one (HS256)")
    algorithms: tuple[Literal["ES256", "RS256", "HS256"], ...] = ()
    role: str | None = Field(default="authenticated", description="the `role` they must have; null: any or none")
    allow_anonymous: bool = Field(default=False, description="users with `is_anonymous`")
    verifies_email: bool = Field(default=False, description="it lets nobody in whose address it has not verified")
    authoritative: bool = Field(default=False, description="besides, whoever has an address there owns it for sure")

    @model_validator(mode="before")
    @classmethod
    def _algorithms_go_with_the_key(cls, given: Any) -> Any:
        if isinstance(given, dict) and not given.get("algorithms"):
            given = given | {"algorithms": ["HS256"] if given.get("secret") else ["ES256", "RS256"]}
        return given

    @model_validator(mode="after")
    def _has_one_kind_of_key(self) -> Self:
        if (self.jwks_url is None) == (self.secret is None):
            raise ValueError("give jwks_url or secret: one of them")
        if ("HS256" in self.algorithms) != (self.secret is not None) or (self.secret and len(self.algorithms) != 1):
            raise ValueError("HS256 goes with a secret, ES256 and RS256 with jwks_url")
        if self.secret is not None:
            text = self.secret.get_secret_value()
            if len(text) < 32 or "-----BEGIN" in text or text.startswith("ssh-"):
                raise ValueError("the secret must have 32 characters at least, and be no public key")
        if self.authoritative and not self.verifies_email:
            raise ValueError("authoritative needs verifies_email")
        return self


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else ()
    except ValueError:
        raise ValueError("write a JSON list of objects") from None


Issuers = Annotated[tuple[TrustedIssuer, ...], NoDecode, BeforeValidator(_json)]


class Auth(Group):
    app_url: Annotated[str | None, EMPTY_IS_NONE] = Field(
        default=None, description="the front end: where links in mails lead; default: this API"
    )
    session_seconds: float = Field(default=7 * 86400, gt=0, description="life of a session")
    access_seconds: float = Field(default=900, gt=0, description="life of an access token")
    cookie_secure: bool = Field(default=True, description="session cookies over https (and to localhost) only")
    cookie_domain: str | None = Field(default=None, description="of session cookies; default: the API's host alone")
    issuers: Issuers = Field(default=(), description="whose tokens let users in besides our own")
    verify_seconds: float = Field(default=2 * 86400, gt=0, description="life of links that verify an address")
    reset_seconds: float = Field(default=3600, gt=0, description="life of links that set a new password")
    hash_processes: int = Field(default=2, ge=1, le=64, description="that hash passwords, of each API process")
    password_score: int = Field(default=3, ge=0, le=4, description="least strength of a password, by zxcvbn")
    pace_seconds: float = Field(default=0.5, ge=0, le=10, description="answers that must not tell by their time wait")
    lock_failures: int = Field(default=5, ge=1, description="wrong passwords for one account from one network")
    lock_seconds: float = Field(default=900, gt=0, description="how long that network then waits")
    failures_per_account: int = Field(default=30, ge=1, description="per hour, from networks not signed in from before")
    failures_per_network: int = Field(default=300, ge=1, description="per hour, whatever the account")
    signups_per_network: int = Field(default=60, ge=1, description="per hour")
    mails_per_network: int = Field(default=60, ge=1, description="per hour: links asked for")
    mails_per_mailbox: int = Field(default=6, ge=1, description="per hour: links sent to it")
    links_per_network: int = Field(default=300, ge=1, description="per hour: links opened")
    accounts_per_mailbox: int = Field(default=3, ge=0, description="a+1@gmail.com and a+2@gmail.com are one; 0: any")
    login_before_verification: bool = Field(default=True, description="with the password, who has not verified yet")
    disposable: Literal["refuse", "allow"] = Field(default="refuse", description="addresses for a few minutes")
    disposable_domains: Annotated[FilePath | None, EMPTY_IS_NONE] = Field(
        default=None, description="a file of further such domains, one a line"
    )
    captcha: Annotated[Literal["hcaptcha", "turnstile"] | None, EMPTY_IS_NONE] = None
    captcha_secret: Annotated[SecretStr | None, EMPTY_IS_NONE] = None
    captcha_url: Annotated[str | None, EMPTY_IS_NONE] = Field(
        default=None, description="where captchas are verified, if not at the vendor's"
    )

    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    google_issuer: str = Field(
        default="https://accounts.google.com",
        description="whose discovery document is read; it is believed as Google is",
    )
    github_client_id: str | None = None
    github_client_secret: SecretStr | None = None
    github_url: str = "https://github.com"
    github_api_url: str = "https://api.github.com"
    oauth_per_network: int = Field(default=300, ge=1, description="per hour: sign-ins at providers begun")

    @model_validator(mode="after")
    def _issuers_are_told_apart(self) -> Self:
        pairs = [(issuer.issuer, algorithm) for issuer in self.issuers for algorithm in issuer.algorithms]
        if len(pairs) != len(set(pairs)):
            raise ValueError("BACKLOT_AUTH_ISSUERS has an issuer twice with the same algorithm")
        return self

    @model_validator(mode="after")
    def _links_outlive_the_limit(self) -> Self:
        """Who asks for all the links a mailbox may be sent leaves its owner one that is good."""
        least = 3600 / self.mails_per_mailbox
        if self.reset_seconds < least:
            raise ValueError(
                f"BACKLOT_AUTH_RESET_SECONDS must be {least:.0f} at least, as a mailbox is sent "
                "BACKLOT_AUTH_MAILS_PER_MAILBOX links an hour: else strangers could keep good ones from its owner"
            )
        return self

    @model_validator(mode="after")
    def _captcha_has_a_secret(self) -> Self:
        if self.captcha is not None and self.captcha_secret is None:
            raise ValueError("BACKLOT_AUTH_CAPTCHA needs BACKLOT_AUTH_CAPTCHA_SECRET")
        return self

    owned_teams: int = Field(default=20, ge=0, description="how many teams one user may own")

    @model_validator(mode="after")
    def _providers_are_whole(self) -> Self:
        for name in ("google", "github"):
            has_id, has_secret = bool(getattr(self, f"{name}_client_id")), bool(getattr(self, f"{name}_client_secret"))
            if has_id != has_secret:
                missing = f"BACKLOT_AUTH_{name.upper()}_CLIENT_{'SECRET' if has_id else 'ID'}"
                raise ValueError(f"sign-in with {name} is set up by half: {missing} is missing")
        return self


class Privacy(Group):
    grace_seconds: float = Field(
        default=30 * 86400, ge=0, description="how long a user may take the deletion of their account back"
    )


class Mail(Group):
    backend: Literal["smtp", "resend", "catcher", "none"] | None = Field(default=None, description="how mails leave")
    sender: str = "Backlot <no-reply@localhost>"
    reply_to: str | None = Field(default=None, description="a mailbox somebody reads")
    product: str = Field(default="Backlot", min_length=1, max_length=30, description="what mails call the product")
    smtp_url: SecretStr | None = Field(default=None, description="smtp://user:password@host:587, or smtps://")
    smtp_password: SecretStr | None = Field(default=None, description="where it is not in the URL")
    smtp_tls: Literal["auto", "starttls", "implicit", "none"] = "auto"
    smtp_ca: FilePath | None = Field(
        default=None, description="certificates to trust, where it is not one of the system's"
    )
    resend_key: SecretStr | None = None
    resend_url: str = "https://api.resend.com"
    templates: DirectoryPath | None = Field(default=None, description="a folder of your own, looked in first")
    keep_days: float = Field(default=30, ge=0, description="sent mails are forgotten after this")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value != ""} if isinstance(given, dict) else given

    @field_validator("sender", "reply_to")
    @classmethod
    def _is_one_mailbox(cls, value: str | None) -> str | None:
        if value is None:
            return None
        name, address = parseaddr(value)
        local, _, domain = address.rpartition("@")
        if not (local and domain and value.isprintable()) or len(getaddresses([value])) != 1 or "@" in name:
            raise ValueError("write one address, alone or as: Name <name@example.com>")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_of_a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            url = urlsplit(value.get_secret_value())
            try:
                is_right = url.scheme in ("smtp", "smtps") and bool(url.hostname) and url.port != 0
            except ValueError:
                is_right = False
            if not is_right or url.path not in ("", "/") or url.query:
                raise ValueError("write smtp://user:password@host:587, or smtps:// where TLS begins at once")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.backend == "smtp" and self.smtp_url is None:
            raise ValueError("BACKLOT_MAIL_BACKEND=smtp needs BACKLOT_MAIL_SMTP_URL")
        if self.backend == "resend" and self.resend_key is None:
            raise ValueError("BACKLOT_MAIL_BACKEND=resend needs BACKLOT_MAIL_RESEND_KEY")
        if self.backend is None and self.smtp_url is not None and self.resend_key is not None:
            raise ValueError("both SMTP and Resend are set: say which by BACKLOT_MAIL_BACKEND")
        begins_with_tls = self.smtp_url is not None and self.smtp_url.get_secret_value().startswith("smtps:")
        if begins_with_tls and self.smtp_tls not in ("auto", "implicit"):
            raise ValueError(f"smtps:// begins with TLS: BACKLOT_MAIL_SMTP_TLS={self.smtp_tls} needs smtp://")
        return self

    @property
    def chosen(self) -> Literal["smtp", "resend", "catcher", "none"] | None:
        """How mails leave, told or seen from what is set; None: nobody said."""
        if self.backend is None and self.smtp_url is not None:
            return "smtp"
        if self.backend is None and self.resend_key is not None:
            return "resend"
        return self.backend

    @property
    def sender_domain(self) -> str:
        return parseaddr(self.sender)[1].rpartition("@")[2]
