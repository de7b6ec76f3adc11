"""Which passwords are taken: none that is short, well known, or made of what is known of its owner.

How easy one is to guess zxcvbn tells, offline. It may think for seconds about what was written to make it think: so it
does in a process of its own, for a limited time.
"""

import re
import unicodedata
from typing import Any

from app.accounts.signing_in.errors import TooManySignIns, WeakPassword
from app.accounts.signing_in.passwords import normal
from app.core.problems import InvalidRequest
from app.core.processes import ProcessDied, ProcessPool, ProcessTimedOut
from app.core.settings import MEBIBYTE

SHORTEST, LONGEST = 8, 128
READ = 40
"""As many characters are taken apart: a password whose first 40 are easy to guess is not made good by the rest."""
SECONDS = 3.0
MOST_WAITING = 50


class Judge:
    """One per process."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._waiting = 0
        self._pool = ProcessPool(size=1, memory_bytes=512 * MEBIBYTE, idle_seconds=60)

    async def check(self, password: str, *known: str | None, pointer: str = "/password") -> None:
        """Raises InvalidRequest or WeakPassword at `pointer`, or TooManySignIns. `known` is what guessers try first."""
        password = normal(password)
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidRequest.at(pointer, f"A password has {SHORTEST} to {LONGEST} characters.")
        if any(unicodedata.category(letter) == "Cc" for letter in password):
            raise InvalidRequest.at(pointer, "A password has no control characters in it.")
        if self._waiting >= MOST_WAITING:
            raise TooManySignIns(headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            found = await self._pool.run(guessed, password[:READ], _parts(known), timeout=SECONDS)
        except ProcessTimedOut:
            return  # what takes so long to take apart is in no dictionary
        except ProcessDied as fault:
            raise TooManySignIns(headers={"Retry-After": "5"}) from fault
        finally:
            self._waiting -= 1
        if found["score"] < self._least:
            raise WeakPassword.at(pointer, " ".join(("This password is too easy to guess.", *found["advice"])))

    async def close(self) -> None:
        await self._pool.close()


def _parts(known: tuple[str | None, ...]) -> list[str]:
    """What is known of the owner, whole and in its words."""
    whole = [text.lower()[:100] for text in known if text]
    words = [word for text in whole for word in re.split(r"\W+", text) if len(word) > 2]
    return [*whole, *words, "backlot"]


def guessed(password: str, known: list[str]) -> dict[str, Any]:
    """In a child process."""
    from zxcvbn import zxcvbn

    found = zxcvbn(password, known)
    feedback = found["feedback"]
    advice = [text.rstrip(".") + "." for text in (feedback["warning"], *feedback["suggestions"]) if text]
    return {"score": int(found["score"]), "advice": advice or ["Add another word or two. Uncommon words are better."]}
