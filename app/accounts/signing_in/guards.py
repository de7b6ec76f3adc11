"""Lock-out: guessing is stopped where it comes from, and does not stop the owner.

Wrong passwords are counted for each account and network together. Guessing from many networks is slowed down for those
nobody ever signed in from; the owner's own, a session that is open, and a reset by mail are not touched by it. An
address without an account is counted like any other.
"""

from dataclasses import dataclass

from app.accounts.signing_in import queries
from app.accounts.signing_in.errors import CaptchaRequired
from app.core import throttle
from app.core.db import Database
from app.core.settings import Settings
from app.core.throttle import Limit, Wanted
from app.core.visitor import Visitor

KNOWN_SECONDS = 90 * 86400.0
FREE_FAILURES = 2
"""After so many a captcha is asked for, where there are captchas."""
HOUR = 3600.0
FORGET_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password being tried. It counts as wrong until somebody says otherwise."""

    database: Database
    settings: Settings
    address: str
    visitor: Visitor
    counted: tuple[Wanted, ...]
    is_last: bool
    """The next one from there has to wait."""

    async def was_right(self) -> None:
        """Forget the failures; the network is known from now on."""
        await forgive(self.database, self.settings, self.address, self.visitor)
        await throttle.give_back(self.database, self.settings, *self.counted)

    async def was_not_tried(self) -> None:
        """Count it not at all."""
        most = self.settings.auth.lock_failures
        await queries.uncount(self.database, _pair(self.settings, self.address, self.visitor), most)
        await throttle.give_back(self.database, self.settings, *self.counted)


async def begin(
    database: Database, settings: Settings, address: str, visitor: Visitor, *, has_captcha: bool, is_human: bool
) -> Attempt:
    """Before a password is looked at. Raises TooManyAttempts, or CaptchaRequired where there are captchas and the
    visitor has not solved one."""
    address, auth = address.lower(), settings.auth
    network = (Limit("failures of a network", auth.failures_per_network, HOUR), visitor.network)
    account = (Limit("failures of an account", auth.failures_per_account, HOUR), address)
    row = await queries.begin(
        database,
        _pair(settings, address, visitor),
        *(auth.lock_failures, auth.lock_seconds),
        throttle.subject_key(settings, network[0].name, network[1]) if network[1] else None,
        auth.failures_per_network,
        throttle.subject_key(settings, account[0].name, account[1]),
        *(auth.failures_per_account, HOUR),
        *(FREE_FAILURES if has_captcha else None, is_human),
    )
    if row["outcome"] == "locked":
        raise throttle.refused(row["wait"])
    if row["outcome"] == "captcha":
        raise CaptchaRequired.at("/captcha_token", CaptchaRequired.title(), captcha=auth.captcha)
    counted = () if row["is_known"] else (network,) if is_human else (network, account)
    return Attempt(database, settings, address, visitor, counted, is_last=row["outcome"] == "last")


async def forgive(database: Database, settings: Settings, address: str, visitor: Visitor) -> None:
    """Whoever owns the account is there: the network is known, and nothing of it is locked."""
    await queries.forgive(database, _pair(settings, address.lower(), visitor), KNOWN_SECONDS)


async def forget_old(database: Database) -> None:
    """Remove the rows that say nothing any more."""
    while await queries.forget_guards(database, FORGET_AT_ONCE) == FORGET_AT_ONCE:
        pass


def _pair(settings: Settings, address: str, visitor: Visitor) -> bytes:
    return throttle.subject_key(settings, "sign-in", address, visitor.network)
