"""Structured logs with the request's id, without secrets and without file contents."""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from app.core.settings import Settings

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_SECRET_NAME = re.compile(r"authorization|api[-_]?key|secret|password|token|cookie|signature", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"bk_(?:live|test)_[0-9A-Za-z]+|bk[a-z]_[0-9A-Za-z_-]{40,}|whsec_\S+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)|(?i:bearer )\S+"
    r"|(?i:(?<=signature=))[0-9A-Za-z_-]+|att_[0-9a-z]{26}\.[0-9a-f]{32}"
)
_LONG_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{200,}")


def clean(value: Any) -> Any:
    """The value without what looks like a secret or like a file."""
    match value:
        case bytes():
            return f"<{len(value)} bytes>"
        case str():
            return _LONG_BLOB.sub("<blob>", _SECRET_TEXT.sub("<secret>", value))
        case dict():
            return {key: "<secret>" if _SECRET_NAME.search(str(key)) else clean(item) for key, item in value.items()}
        case list() | tuple():
            return [clean(item) for item in value]
        case None | bool() | int() | float():
            return value
        case _:
            return clean(repr(value))


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets and base64 out of a log line: by name and by look."""
    return {key: "<secret>" if _SECRET_NAME.search(key) else clean(value) for key, value in event.items()}


def _add_request_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if (current := request_id.get()) is not None:
        event.setdefault("request_id", current)
    return event


def configure_logs(settings: Settings) -> None:
    """All logs, the libraries' too, as one JSON object a line (or text) on stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        structlog.processors.format_exc_info,
        redact,
    ]
    is_json = settings.log.format == "json"
    renderer: Any = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log.level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log.level.upper())
    for noisy in ("arq", "botocore", "aiobotocore", "httpx", "uvicorn.access", "pyvips"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
