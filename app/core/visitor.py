"""Where a request comes from: the address behind the proxies we trust, and what the client calls itself."""

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Annotated

from fastapi import Depends, Request

from app.core import hot
from app.core.settings import Settings

AGENT_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Visitor:
    """The other side of one request."""

    ip: str
    """Of the client; empty when it is not known, as behind a Unix socket."""
    user_agent: str

    @classmethod
    def unknown(cls) -> "Visitor":
        return cls("", "")

    @property
    def network(self) -> str:
        """What limits count by: the address, of IPv6 its /64, which is one household's."""
        if not self.ip:
            return ""
        address = ip_address(self.ip)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
            return str(IPv6Network((int(address) >> 64 << 64, 64)))
        return self.ip


def _parsed(text: str) -> str | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def client_ip(request: Request, settings: Settings) -> str:
    """The peer; where that is a proxy of ours, whoever it says it speaks for: the last address that is no proxy's.

    A peer without an address comes by a Unix socket: where proxies are trusted at all, it is one of them.
    """
    peer = request.scope.get("client")
    current = _parsed(peer[0]) if peer else None
    trusted = settings.api.trusted_proxies
    if not trusted:
        return current or ""
    # Some proxies add a line of their own beneath those that came: all of them are one list.
    told_of = [str(value, "latin-1") for name, value in request.scope["headers"] if name == b"x-forwarded-for"]
    hops = ",".join(told_of).split(",")
    while hops and (current is None or any(ip_address(current) in network for network in trusted)):
        told = _parsed(hops.pop())
        if told is None:
            break
        current = told
    return current or ""


def visitor_of(request: Request) -> Visitor:
    agent = hot.header(request, b"user-agent") or ""
    printable = "".join(letter for letter in agent[:AGENT_LENGTH] if letter.isprintable())
    return Visitor(client_ip(request, request.app.state.settings), printable)


async def _visitor(request: Request) -> Visitor:
    return visitor_of(request)


VisitorDep = Annotated[Visitor, Depends(_visitor)]
