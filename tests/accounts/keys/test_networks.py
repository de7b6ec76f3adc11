"""Addresses and networks: how they are kept, and what is inside of what."""

from ipaddress import IPv4Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.keys import networks


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        (" 10.0.0.0/8 ", "10.0.0.0/8"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::1/48", "2001:db8::/48"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_one_network_has_one_form(given_: str, kept: str) -> None:
    assert networks.normal(given_) == kept
    assert networks.normal(kept) == kept


@pytest.mark.parametrize(
    "text", ["", "home", "1.2.3", "1.2.3.4/33", "1.2.3.4/x", "::/129", "1.2.3.4-5", "fe80::1%eth0"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        networks.normal(text)


@pytest.mark.parametrize("ip", ["", "nobody", "198.51.100.1", "2001:db8:1::1"])
def test_who_is_elsewhere_or_nowhere_is_outside(ip: str) -> None:
    assert not networks.has([networks.read("203.0.113.0/24"), networks.read("2001:db8::/48")], ip)


_SMALL = st.builds(
    lambda host, length: ip_network((0x0A000000 | host, length), strict=False), st.integers(0, 255), st.integers(24, 32)
)


@given(st.lists(_SMALL, max_size=4), st.lists(_SMALL, max_size=4))
def test_inside_means_every_address_is(inner: list[IPv4Network], outer: list[IPv4Network]) -> None:
    within = {address for network in outer for address in network}
    outside = next((network for network in inner if not within.issuperset(network)), None)
    assert networks.first_outside(inner, outer) == outside


@given(_SMALL, st.integers(0, 255))
def test_an_address_is_in_the_network_that_lists_it(network: IPv4Network, host: int) -> None:
    address = ip_address(0x0A000000 | host)
    assert networks.has([network], str(address)) == (address in set(network))
    assert networks.first_outside([networks.read("::/0")], [network]) is not None
