import httpx

from .... import _calls
from ...models.ticket import Ticket


def _parse(response: httpx.Response) -> Ticket:
    response_200 = Ticket.from_dict(response.json())

    return response_200


def create_ticket() -> _calls.Call[Ticket]:
    """Get a ticket that opens streams for a minute, as `?ticket=`: for an EventSource, which sends no headers."""

    return _calls.Call(
        "POST",
        "/v1/events/stream/tickets",
        _parse,
        is_safe_twice=False,
    )
