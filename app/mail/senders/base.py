"""What a way to send mails promises."""

from dataclasses import dataclass
from typing import Protocol

from app.mail.writing import Letter


@dataclass(frozen=True, slots=True)
class Receipt:
    """It was taken."""

    provider_id: str | None = None
    rest_seconds: float = 0
    """Nothing more is taken for so long."""


class Sender(Protocol):
    """One per process, used for several mails at once."""

    name: str
    """Workers that send by the same one pause together."""

    async def send(self, letter: Letter) -> Receipt:
        """Hand it over; twice, it is taken for the same mail where that can be. Raises Rejected, Transient, Paused."""

    async def rest(self) -> None:
        """There is nothing to send for now: let go of what is held open."""

    async def close(self) -> None:
        """Nothing is sent any more."""
