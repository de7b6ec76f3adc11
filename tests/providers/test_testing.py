"""The conformance kit asks for what it needs."""

from typing import Any

import pytest

from app.providers.adapters.leonardo import Leonardo
from app.providers.testing import Answer, VendorConformance, call

CALLED = {"vendor": Leonardo, "calls": (call("text_to_image", "leonardo-phoenix", prompt="an oak floor"),)}


@pytest.mark.parametrize(
    ("said", "unsaid"),
    [
        ({}, "`vendor`"),
        ({"vendor": Leonardo}, "`calls`"),
        (CALLED, "`answers`, nor `accepted`: what does the vendor say to a call?"),
        (CALLED | {"accepted": Answer()}, "`done`: what is said to the poll of a finished job?"),
        (CALLED | {"accepted": Answer(), "done": (Answer(),)}, None),
        (CALLED | {"answers": (Answer(),)}, None),
    ],
)
def test_what_was_forgotten_is_named(said: dict[str, Any], unsaid: str | None) -> None:
    assert type("Forgetful", (VendorConformance,), said).unsaid() == unsaid
