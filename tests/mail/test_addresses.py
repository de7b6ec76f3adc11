"""Where a mail goes is where the address was validated to be."""

import pytest

from app.accounts.users.service import normal_address
from app.mail.writing import _on_the_wire


@pytest.mark.parametrize(
    ("written", "wire"), [("x@faß.de", "x@xn--fa-hia.de"), ("x@BÜCHER.example.com", "x@xn--bcher-kva.example.com")]
)
def test_domains_are_those_of_idna_2008(written: str, wire: str) -> None:
    assert _on_the_wire(normal_address(written)) == wire
