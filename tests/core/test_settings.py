"""Settings: `.env.example` tells all of them and the truth, and production refuses what is unsafe."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.core.settings import DEVELOPMENT_SECRET, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("BACKLOT_")]:
        monkeypatch.delenv(name)


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.fullmatch(r"#?([A-Z][A-Z0-9_]+)=(.*)", line)))


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def values() -> dict[str, Any]:
    """The settings as the environment has them, by variable."""
    found: dict[str, Any] = {}
    for name, value in settings():
        if isinstance(value, BaseModel):
            found |= {f"BACKLOT_{name}_{member}".upper(): inner for member, inner in value}
        else:
            found[f"BACKLOT_{name}".upper()] = value
    return found


def test_the_example_has_each_setting() -> None:
    assert values().keys() - example().keys() == set()


def test_the_example_has_nothing_but_settings_and_what_compose_asks_for() -> None:
    compose = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert example().keys() - values().keys() == compose - values().keys()


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = values()
    for name, shown in example().items():
        if shown:
            monkeypatch.setenv(name, shown)
        elif name in defaults:
            assert defaults[name] in (None, (), {}), name
    assert values() == defaults


def test_the_example_sets_nothing_by_itself() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_a_variable_names_its_group_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKLOT_DATABASE_POOL_SIZE", "7")
    monkeypatch.setenv("BACKLOT_API_CORS_ORIGINS", "https://a.example,https://b.example")
    assert settings().database.pool_size == 7
    assert settings().api.cors_origins == ("https://a.example", "https://b.example")


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKLOT_DATABASE_POOLSIZE", "7")
    with pytest.raises(ValidationError, match="poolsize"):
        settings()


def test_production_starts_with_its_secrets() -> None:
    assert settings(env="production", secret="k" * 64, mail={"backend": "none"}).env == "production"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "BACKLOT_SECRET"),
        ({"secret": DEVELOPMENT_SECRET}, "BACKLOT_SECRET"),
        ({"secret": "short"}, "BACKLOT_SECRET"),
        ({"egress": {"allow": "10.0.0.0/8"}}, "BACKLOT_EGRESS_ALLOW"),
        ({"api": {"cors_origins": "*"}}, "BACKLOT_API_CORS_ORIGINS"),
        ({}, "BACKLOT_MAIL_SMTP_URL"),
        ({"mail": {"backend": "catcher"}}, "BACKLOT_MAIL_BACKEND must not be catcher"),
        ({"mail": {"resend_key": "re_1"}}, "BACKLOT_MAIL_SENDER"),
    ],
)
def test_production_refuses_what_is_unsafe(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(env="production", **given)


def test_a_refusal_tells_no_secret() -> None:
    url = "postgresql://backlot:hunter2@db/backlot"
    with pytest.raises(ValidationError) as refused:
        settings(env="production", database={"url": url})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"backend": "smtp"}, "BACKLOT_MAIL_SMTP_URL"),
        ({"backend": "resend"}, "BACKLOT_MAIL_RESEND_KEY"),
        ({"smtp_url": "smtp://relay", "resend_key": "re_1"}, "BACKLOT_MAIL_BACKEND"),
        ({"smtp_url": "relay:25"}, "smtp_url"),
        ({"smtp_url": "smtps://relay", "smtp_tls": "starttls"}, "BACKLOT_MAIL_SMTP_TLS"),
        ({"smtp_ca": "no/such/file"}, "smtp_ca"),
        ({"templates": "no/such/folder"}, "templates"),
        ({"smtp_url": "smtp://relay:99999"}, "smtp_url"),
        ({"sender": "Backlot"}, "sender"),
        ({"sender": "a@example.com, b@example.com"}, "sender"),
        ({"sender": "a@example.com\r\nBcc: b@example.com"}, "sender"),
        ({"product": "P" * 31}, "product"),
    ],
)
def test_mail_that_could_not_be_sent_is_refused_at_once(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(mail=given)


def test_what_is_set_tells_how_mails_leave() -> None:
    assert settings().mail.chosen is None
    assert settings(mail={"smtp_url": "smtp://relay"}).mail.chosen == "smtp"
    assert settings(mail={"resend_key": "re_1", "smtp_url": ""}).mail.chosen == "resend"
    assert settings(mail={"backend": "none", "smtp_url": "smtp://relay"}).mail.chosen == "none"


def test_an_empty_front_end_is_none() -> None:
    """As `BACKLOT_AUTH_APP_URL=` in a file: the pages of the API are there then."""
    assert Settings(_env_file=None, auth={"app_url": ""}).auth.app_url is None  # type: ignore[call-arg, arg-type]
