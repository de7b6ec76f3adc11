"""Whom a proxy of ours speaks for."""

from types import SimpleNamespace

import pytest
from fastapi import Request

from app.core.settings import Settings
from app.core.visitor import client_ip

OURS = Settings(_env_file=None, api={"trusted_proxies": "10.0.0.0/8"})  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize(
    ("peer", "lines", "found"),
    [
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7", "203.0.113.9"], "203.0.113.9"),  # the proxy adds a line of its own
        ("10.0.0.1", ["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        ("203.0.113.5", ["198.51.100.7"], "203.0.113.5"),
        ("10.0.0.1", [], "10.0.0.1"),
        (None, ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),  # by a Unix socket
        (None, ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (None, [], ""),
    ],
)
def test_the_last_address_that_is_no_proxys_counts(peer: str | None, lines: list[str], found: str) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    scope = {"type": "http", "client": peer and (peer, 1), "headers": headers, "app": SimpleNamespace()}
    assert client_ip(Request(scope), OURS) == found
