"""Every setting of Backlot, read once from the environment (prefix `BACKLOT_`).

`BACKLOT_DATABASE_URL` is `settings.database.url`: the first word after the prefix names the group.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.account_settings import Auth, Mail, Privacy
from app.core.setting_types import CommaList, Group, Keys, Networks, Urls

DEVELOPMENT_SECRET = "development-only-secret-change-me"  # noqa: S105  refused in production
MEBIBYTE = 1024 * 1024


class Database(Group):
    url: SecretStr = SecretStr("postgresql://postgres@127.0.0.1:5432/backlot")
    pool_size: int = Field(default=10, ge=2, le=200, description="connections per process")
    statement_timeout_seconds: float = Field(default=30, gt=0)

    @property
    def async_url(self) -> str:
        """The URL with the driver SQLAlchemy is to use."""
        return f"postgresql+asyncpg://{self.url.get_secret_value().partition('://')[2]}"

    @property
    def plain_url(self) -> str:
        """The URL as PostgreSQL's own tools take it."""
        return f"postgresql://{self.url.get_secret_value().partition('://')[2]}"


class Redis(Group):
    url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")


class Api(Group):
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    processes: int = Field(default=1, ge=1, le=64)
    public_url: str = Field(default="http://127.0.0.1:8000", description="where clients reach the API")
    cors_origins: CommaList = ()
    trusted_proxies: Networks = Field(default=(), description="whose X-Forwarded-For is believed")
    shutdown_seconds: float = Field(default=20, gt=0)
    max_body_bytes: int = Field(default=30 * MEBIBYTE, description="of any request")


class Storage(Group):
    backend: Literal["local", "s3"] = "local"
    url_seconds: int = Field(default=7 * 86400, ge=60, le=7 * 86400, description="least life of a signed URL")
    cdn_url: str | None = Field(default=None, description="public base URL put before storage keys")
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_bucket: str = "backlot"
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None


class Egress(Group):
    allow: Networks = Field(default=(), description="private ranges the guarded client may reach")
    connect_seconds: float = 5
    total_seconds: float = Field(default=30, description="for one whole fetch of a user-given URL")


class Assets(Group):
    max_image_bytes: int = 20 * MEBIBYTE
    max_image_side: int = 4096
    max_output_bytes: int = Field(default=100 * MEBIBYTE, description="of a provider's result")
    decode_seconds: float = 20
    decode_memory_bytes: int = 1024 * MEBIBYTE


class Ledger(Group):
    signup_credits: int = Field(default=10, ge=0)
    test_credits: int = Field(default=1000, ge=0)
    credit_usd: float = Field(default=0.1, ge=0, description="what a credit is sold for: what margins are reckoned by")


class Tasks(Group):
    lease_seconds: float = Field(default=5, gt=0, description="a dead worker's task is free after this")
    max_attempts: int = Field(default=3, ge=1, description="per step")
    image_deadline_seconds: float = 300
    provider_call_seconds: float = 60
    turn_seconds: float = Field(default=3600, description="longest wait for a provider's turn, besides the deadline")
    max_wait_seconds: float = Field(default=60, description="longest ?wait=")


class Events(Group):
    keep_days: int = Field(default=30, ge=7, le=3650, description="how long the event log goes back; whole weeks go")
    ticket_seconds: int = Field(default=60, ge=5, le=600, description="life of a ticket that opens a stream")


class Worker(Group):
    concurrency: int = Field(default=100, ge=1, description="jobs at once in one worker process")
    image_processes: int = Field(default=1, ge=1, description="CPU processes for local image work")
    image_memory_bytes: int = 1536 * MEBIBYTE
    image_idle_seconds: float = Field(default=120, description="an idle image process ends after this")


class Providers(Group):
    enabled: CommaList = Field(default=("local",), description="by name; the first is tried first")
    keys: Keys = Field(default={}, description="name=key, several separated by commas; a name may come again")
    urls: Urls = Field(default={}, description="name=base URL, where it is not the vendor's usual one")
    callback_url: str | None = Field(default=None, description="base URL where providers reach the API")
    breaker_seconds: float = Field(
        default=30, ge=0, description="a model that failed three times in a row is left alone for so long; 0: never"
    )


class Log(Group):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class Settings(BaseSettings):
    """All of it. Frozen: change the environment and restart."""

    model_config = SettingsConfigDict(
        env_prefix="BACKLOT_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_file=".env",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    env: Literal["development", "production"] = "development"
    secret: SecretStr = Field(default=SecretStr(DEVELOPMENT_SECRET), description="signs links and encrypts what rests")
    data: Path = Field(default=Path(".backlot"), description="local files and the embedded servers")
    database: Database = Database()
    redis: Redis = Redis()
    api: Api = Api()
    storage: Storage = Storage()
    egress: Egress = Egress()
    assets: Assets = Assets()
    ledger: Ledger = Ledger()
    tasks: Tasks = Tasks()
    events: Events = Events()
    worker: Worker = Worker()
    providers: Providers = Providers()
    auth: Auth = Auth()
    mail: Mail = Mail()
    privacy: Privacy = Privacy()
    log: Log = Log()

    @model_validator(mode="after")
    def _nobody_speaks_for_us(self) -> Self:
        if any(issuer.issuer == self.api.public_url for issuer in self.auth.issuers):
            raise ValueError("BACKLOT_AUTH_ISSUERS names BACKLOT_API_PUBLIC_URL: that is the issuer of our own tokens")
        return self

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.env != "production":
            return self
        faults = []
        if self.secret.get_secret_value() == DEVELOPMENT_SECRET or len(self.secret.get_secret_value()) < 32:
            faults.append("BACKLOT_SECRET must be set to a random value of at least 32 characters")
        if self.egress.allow:
            faults.append("BACKLOT_EGRESS_ALLOW must be empty")
        if not self.auth.cookie_secure:
            faults.append("BACKLOT_AUTH_COOKIE_SECURE must be true")
        if "*" in self.api.cors_origins:
            faults.append("BACKLOT_API_CORS_ORIGINS must list origins, not *")
        if self.mail.chosen is None:
            faults.append(
                "BACKLOT_MAIL_SMTP_URL or BACKLOT_MAIL_RESEND_KEY must be set: nobody can verify an address or reset a "
                "password without mail; BACKLOT_MAIL_BACKEND=none does without all the same"
            )
        if self.mail.chosen == "catcher":
            faults.append("BACKLOT_MAIL_BACKEND must not be catcher, which shows mails with their links to anybody")
        if self.mail.chosen in ("smtp", "resend") and self.mail.sender_domain == "localhost":
            faults.append("BACKLOT_MAIL_SENDER must be an address of a domain of yours")
        if faults:
            raise ValueError("refusing to start in production: " + "; ".join(faults))
        return self


@lru_cache
def get_settings() -> Settings:
    return Settings()
