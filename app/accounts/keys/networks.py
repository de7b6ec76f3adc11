"""Addresses and networks a key may be used from."""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network


def read(text: str) -> Network:
    """An address or a CIDR, v4 or v6; IPv4 written as IPv6 is IPv4. Raises ValueError."""
    if "%" in text:
        raise ValueError("a zone is known to one machine only")
    network = ip_network(text.strip(), strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((int(mapped), network.prefixlen - 96))
    return network


def normal(text: str) -> str:
    """As it is kept and shown: an address alone without its length. Raises ValueError."""
    network = read(text)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def has(networks: Iterable[Network], ip: str) -> bool:
    """Whether the address is in one of them; what is no address is in none."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address in network for network in networks)


def first_outside(inner: Sequence[Network], outer: Sequence[Network]) -> Network | None:
    """The first of `inner` that is not wholly in `outer`."""
    v4 = list(collapse_addresses([network for network in outer if isinstance(network, IPv4Network)]))
    v6 = list(collapse_addresses([network for network in outer if isinstance(network, IPv6Network)]))
    for network in inner:
        if isinstance(network, IPv4Network):
            is_inside = any(network.subnet_of(one) for one in v4)
        else:
            is_inside = any(network.subnet_of(one) for one in v6)
        if not is_inside:
            return network
    return None
