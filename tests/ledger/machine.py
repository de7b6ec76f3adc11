"""What the ledger should do, in as little Python as will say it; amounts in millionths, time in hours."""

import os
from dataclasses import dataclass, field
from datetime import timedelta

HOUR = timedelta(hours=1)
REFUNDS_LIVE_FOR = 30 * 24
EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
"""How many stories Hypothesis tells of each model, new ones each time; by default a few, and always the same."""


@dataclass
class Grant:
    amount: int
    priority: int
    expires: int | None
    number: int
    remaining: int = 0
    expired: int = 0

    @property
    def rank(self) -> tuple[int, bool, int, int]:
        return self.priority, self.expires is None, self.expires or 0, self.number

    def is_due(self, now: int) -> bool:
        return self.expires is not None and self.expires <= now


@dataclass
class Hold:
    """One piece for each millionth, so that which comes from where needs no arithmetic: `pieces[i]` names its grant."""

    task: int
    pieces: list[Grant]
    status: str = "open"
    spent: list[Grant] = field(default_factory=list)


@dataclass
class Account:
    grants: list[Grant] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    now: int = 0

    @property
    def state(self) -> tuple[int, int, int, int]:
        """Balance, held, earned, spent."""
        held = sum(len(hold.pieces) for hold in self.open_holds)
        spent = sum(len(hold.spent) for hold in self.holds)
        return sum(grant.remaining for grant in self.grants), held, sum(grant.amount for grant in self.grants), spent

    @property
    def open_holds(self) -> list[Hold]:
        return [hold for hold in self.holds if hold.status == "open"]

    def open_hold(self, task: int) -> Hold | None:
        return next((hold for hold in self.open_holds if hold.task == task), None)

    def grant(self, amount: int, priority: int, expires: int | None) -> None:
        self.grants.append(Grant(amount, priority, expires, len(self.grants), remaining=amount))

    def expire(self) -> None:
        for grant in self.grants:
            if grant.is_due(self.now):
                grant.expired += grant.remaining
                grant.remaining = 0

    def hold(self, task: int, amount: int) -> bool:
        self.expire()
        if amount > self.state[0]:
            return False
        pieces = []
        for _ in range(amount):
            grant = min((one for one in self.grants if one.remaining), key=lambda one: one.rank)
            grant.remaining -= 1
            pieces.append(grant)
        self.holds.append(Hold(task, pieces))
        return True

    def settle(self, hold: Hold, amount: int) -> None:
        """Take the first `amount` pieces; nothing taken is a release."""
        hold.status = "captured" if amount else "released"
        hold.spent = hold.pieces[:amount]
        back = hold.pieces[amount:]
        for grant in back:
            grant.remaining += 1
        if any(grant.is_due(self.now) for grant in back):
            self.expire()

    def refundable(self, task: int) -> int:
        return sum(len(hold.spent) for hold in self.holds if hold.task == task)

    def refund(self, task: int, amount: int) -> None:
        """The piece spent last comes back first."""
        self.expire()
        for hold in reversed([hold for hold in self.holds if hold.task == task]):
            while amount and hold.spent:
                grant = hold.spent.pop()
                if grant.is_due(self.now):
                    grant.expires = self.now + REFUNDS_LIVE_FOR
                grant.remaining += 1
                amount -= 1
