"""Which addresses may be reached, judged where a socket is made for one: after DNS, and for each hop."""

import ipaddress
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

_NAT64 = IPv6Network("64:ff9b::/96")
_PUBLIC_V6 = IPv6Network("2000::/3")
# Nobody's public server, though `is_global` says so in one Python version or another. 6to4 and Teredo are
# among them: they wrap an IPv4 address.
_SPECIAL_V4 = [IPv4Network(block) for block in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15")]
_SPECIAL_V6 = [IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]


@dataclass(slots=True)
class Hop:
    """One request under way. The socket factory notes its refusal here: its exception does not survive."""

    is_plain: bool
    is_refused: bool = False


current_hop: ContextVar[Hop | None] = ContextVar("egress_hop", default=None)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is really reached through this one, if any."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it may be someone's public server."""
    address = _unwrapped(address)
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _SPECIAL_V6)


def _is_ours(family: int, address: tuple[Any, ...]) -> bool:
    """Whether it is this machine's: it would then be spoken to from that same address. Nothing is sent."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
        return bool(probe.getsockname()[0] == address[0])


class Guard:
    """Makes sockets for allowed addresses and for no others: the `socket_factory` of an aiohttp connector."""

    def __init__(self, allow: tuple[IPv4Network | IPv6Network, ...]) -> None:
        self._allow = allow

    def __call__(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = info
        hop = current_hop.get()
        if not self._permits(family, target, is_plain=hop is not None and hop.is_plain):
            if hop is not None:
                hop.is_refused = True
            raise OSError("address not allowed")
        return socket.socket(family, kind, protocol)

    def permits_literal(self, host: str, *, is_plain: bool) -> bool:
        """False when the host is an address that may not be reached; names are judged when they are looked up."""
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return True
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        return self._permits(family, (str(address), 443), is_plain=is_plain)

    def _permits(self, family: int, target: tuple[Any, ...], *, is_plain: bool) -> bool:
        address = _unwrapped(ipaddress.ip_address(target[0]))
        if any(address in network for network in self._allow):
            return True
        return not is_plain and is_public(address) and not _is_ours(family, target)
