"""How a mail may fail to be sent. `str()` of each is kept and logged, without the address."""

import re

LONGEST = 300
_ADDRESS = re.compile(r"[^\s<>@\"']+@[^\s<>@\"',;]+")
_TOKEN = re.compile(r"bkl_[\w-]+|re_\w{8,}")


def scrub(text: str) -> str:
    """What a server said, in one short line, without addresses and tokens: servers like to repeat them."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return _TOKEN.sub("<token>", _ADDRESS.sub("<address>", line))[:LONGEST]


class NotSent(Exception):
    """Not this time."""

    def __init__(self, reason: str) -> None:
        super().__init__(scrub(reason))


class Rejected(NotSent):
    """This mail never will be: its address or content is not taken."""


class Transient(NotSent):
    """Perhaps later. It may even have been sent, and nobody told us."""


class Paused(NotSent):
    """No mail will be sent just now, whatever its address; it is tried again after `seconds`, and not counted."""

    def __init__(self, reason: str, seconds: float, *, is_refusal: bool = False) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.is_refusal = is_refusal
        """It stays so until an operator mends the settings."""
