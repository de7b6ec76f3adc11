"""Tickets: what a browser's EventSource, which cannot send headers, opens a stream with.

A ticket stands for the credential it was asked for with, for a minute, and opens streams only. It stands in URLs, and
so in logs on the way: whoever reads one there comes too late. The credential rests in Redis meanwhile, encrypted with a
key made of the ticket, which is nowhere kept: neither of the two is of use alone.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Annotated

import orjson
from arq.connections import ArqRedis
from cryptography.fernet import Fernet
from fastapi import Depends, Query, Request

from app.accounts.caller import Shown, presented
from app.accounts.errors import InvalidTicket
from app.core import clock
from app.core.sealing import derive_key
from app.core.settings import Settings

PREFIX = "bkt_"
LONGEST = 100


class Tickets:
    """One per API process."""

    def __init__(self, settings: Settings, redis: ArqRedis) -> None:
        self._key = derive_key(settings, "tickets")
        self._life = timedelta(seconds=settings.events.ticket_seconds)
        self._redis = redis

    async def issue(self, shown: Shown) -> tuple[str, datetime]:
        """A ticket for who showed this, and until when it is good. Raises what Redis raises."""
        ticket = PREFIX + secrets.token_urlsafe(32)
        expires_at = clock.now() + self._life
        content = orjson.dumps([shown.text, shown.place, shown.workspace])
        await self._redis.set(_name(ticket), self._sealer(ticket).encrypt(content), ex=self._life)
        return ticket, expires_at

    async def redeem(self, ticket: str) -> Shown:
        """What it stands for. Raises InvalidTicket, or what Redis raises."""
        sealed = await self._redis.get(_name(ticket))
        if sealed is None:
            raise InvalidTicket
        return Shown(*orjson.loads(self._sealer(ticket).decrypt(sealed)))

    def _sealer(self, ticket: str) -> Fernet:
        return Fernet(urlsafe_b64encode(hmac.digest(self._key, ticket.encode(), "sha256")))


def _name(ticket: str) -> str:
    return f"backlot:ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"


async def take_ticket(
    request: Request,
    ticket: Annotated[
        str | None,
        Query(max_length=LONGEST, description="Of `POST /v1/events/stream/tickets`, where no header can be sent."),
    ] = None,
) -> None:
    """For routes that take tickets, before they ask for the caller: the request is that of who it was given to.

    Raises InvalidTicket.
    """
    if ticket is None or presented(request).text:
        return
    tickets: Tickets = request.app.state.tickets
    request.scope[Shown.IN_SCOPE] = await tickets.redeem(ticket)


TicketDep = Annotated[None, Depends(take_ticket)]
