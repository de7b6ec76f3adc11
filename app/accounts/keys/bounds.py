"""What a caller may give a key: never more than it has itself."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.accounts.keys import networks
from app.accounts.keys.errors import ForbiddenGrant
from app.accounts.models import ApiKey
from app.accounts.schemas import CallerInfo, KeyLimits


@dataclass(frozen=True, slots=True)
class Power:
    """All that a key can do."""

    mode: str
    scopes: Collection[str]
    expires_at: datetime | None
    allowed_ips: Collection[str] | None
    allowed_operations: Collection[str] | None
    rate_limit: int | None
    budget_key_id: UUID | None

    @classmethod
    def of(cls, key: ApiKey) -> "Power":
        return cls(
            key.mode,
            key.scopes,
            key.expires_at,
            key.allowed_ips,
            key.allowed_operations,
            key.rate_limit,
            key.budget_key_id,
        )


def check_current(caller: CallerInfo) -> None:
    """Raises ForbiddenGrant: who holds on to a secret that was rotated out does not outlive that."""
    if caller.is_superseded:
        raise ForbiddenGrant("This secret was rotated out: keys are managed with the new one.")


def check(caller: CallerInfo, power: Power, *, named: Collection[str] | None = None) -> None:
    """Raises ForbiddenGrant naming the first field in which the key would be more than the caller.

    `named` are the fields the request has; None: all. Others are not pointed at.
    """
    check_current(caller)
    for field, detail in _excesses(caller, power):
        if named is None or field in named:
            raise ForbiddenGrant.at(f"/{field}", detail)
        raise ForbiddenGrant(f"This key can do more than you may give. {detail}")


def _excesses(caller: CallerInfo, power: Power) -> Iterator[tuple[str, str]]:
    """Each field in which the key would be more, and why."""
    if caller.mode == "test" and power.mode == "live":
        yield "mode", "A test key makes test keys only."
    if wider := sorted(set(power.scopes) - caller.scopes):
        whose = "Your own key" if caller.key_id else "Your role in this workspace"
        yield "scopes", f"{whose} lacks {wider[0]!r}."
    if caller.key_id is None:
        return
    if caller.ends_at is not None and (power.expires_at is None or power.expires_at > caller.ends_at):
        yield "expires_at", "The key would outlive your own."
    own = caller.limits or KeyLimits()
    if own.networks is not None:
        asked = None if power.allowed_ips is None else [networks.read(text) for text in power.allowed_ips]
        if asked is None or networks.first_outside(asked, own.networks) is not None:
            yield "allowed_ips", "Your own key may not be used from all of these addresses."
    if own.operations is not None and (
        power.allowed_operations is None or not own.operations.issuperset(power.allowed_operations)
    ):
        yield "allowed_operations", "Your own key may not order all of these operations."
    if own.rate_limit is not None and (power.rate_limit is None or power.rate_limit > own.rate_limit):
        yield "rate_limit", f"Your own key has {own.rate_limit} requests a minute."
    if own.budget_key_id is not None and power.mode != caller.mode:
        yield "mode", f"Your own key has a budget of {caller.mode} credits: it makes {caller.mode} keys alone."
    elif own.budget_key_id is not None and power.budget_key_id != own.budget_key_id:
        yield "budget", "Your own key has a budget, and this one would not spend from it."
