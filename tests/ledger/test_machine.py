"""Hypothesis against the functions of the database: whatever happens to an account, its books are the model's."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import make_engine
from app.core.settings import Settings
from app.ledger.verify import Breach, verify
from tests.ledger import machine
from tests.ledger.machine import EXAMPLES, HOUR
from tests.ledger.purse import PASS

T = TypeVar("T")
TASKS = st.integers(0, 3)
LIVES = st.integers(1, 6)
PARTS = st.sampled_from([1, 0.7, 0.3, 0])
EFFORT = effort(
    max_examples=EXAMPLES or 70,
    stateful_step_count=30,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
BOOKS = """
    select a.balance, a.held, a.total_earned, a.total_spent,
           coalesce(array_agg(g.remaining order by g.created_at, g.id) filter (where g.id is not null), '{}'),
           coalesce(array_agg(g.expired order by g.created_at, g.id) filter (where g.id is not null), '{}')
    from credit_accounts a left join credit_grants g using (workspace_id, mode)
    where workspace_id = $1 group by a.workspace_id, a.mode
"""


class Bank:
    """The database, for code that cannot await."""

    def __init__(self, settings: Settings) -> None:
        self.loop = asyncio.new_event_loop()
        self.settings = settings
        self.connection: asyncpg.Connection = self.run(
            asyncpg.connect(
                settings.database.url.get_secret_value(), server_settings={"synchronous_commit": "off"}, loop=self.loop
            )
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def call(self, function: str, *args: Any) -> Any:
        numbers = ", ".join(f"${number}" for number in range(1, len(args) + 1))
        return self.run(self.connection.fetchval(f"select {function}({numbers})", *args))

    def breaches(self) -> list[Breach]:
        async def look() -> list[Breach]:
            engine = make_engine(self.settings)
            try:
                async with AsyncSession(engine) as session:
                    return await verify(session)
            finally:
                await engine.dispose()

        return self.run(look())

    def close(self) -> None:
        self.run(self.connection.close())
        self.loop.close()


@pytest.fixture
def bank(settings: Settings) -> Iterator[Bank]:
    bank = Bank(settings)
    yield bank
    bank.close()


@pytest.mark.timeout(3600 if EXAMPLES else 300)  # to find the shortest way to a failure takes a while
def test_the_books_are_the_models_whatever_happens(bank: Bank) -> None:
    before = bank.breaches()

    class Books(RuleBasedStateMachine):
        """Numbers are small and few, so that what is rare by itself happens together."""

        def __init__(self) -> None:
            super().__init__()
            self.account = machine.Account()
            self.workspace = uuid4()
            self.tasks = [uuid4() for _ in range(4)]

        def agree(self, balance: int | None) -> None:
            assert balance == self.account.state[0]

        def refundable(self) -> list[int]:
            return [task for task in range(4) if self.account.refundable(task)]

        @initialize()
        def open_account(self) -> None:
            for _ in range(2):  # the second time it is there
                bank.call("ledger_open", self.workspace, "live", 5, "welcome")
            self.account.grant(5, 0, None)

        @rule(amount=st.integers(1, 8), priority=st.integers(-1, 1), life=st.none() | LIVES)
        def grant(self, amount: int, priority: int, life: int | None) -> None:
            terms = (self.workspace, "live", "grant", amount, "test", str(uuid4()), priority)
            for known in (False, True):
                given = bank.run(
                    bank.connection.fetchval(
                        "select ledger_grant($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8::interval)",
                        *(*terms, None if life is None else life * HOUR),
                    )
                )
                assert (given is None) == known
            self.account.grant(amount, priority, None if life is None else self.account.now + life)

        @rule(task=TASKS, amount=st.integers(0, 6) | st.integers(0, 30))
        def hold(self, task: int, amount: int) -> None:
            """Also for a task that had a hold before: a retry."""
            args = ("ledger_hold", self.workspace, "live", self.tasks[task], amount)
            if self.account.open_hold(task):
                with suppress(asyncpg.UniqueViolationError):
                    assert bank.call(*args) is None
                    self.account.expire()
                return
            left = bank.call(*args)
            assert left == (self.account.state[0] if self.account.hold(task, amount) else None)

        @precondition(lambda self: self.account.open_holds)
        @rule(pick=TASKS, part=PARTS)
        def capture(self, pick: int, part: float) -> None:
            """All of it, some or none."""
            hold = self.account.open_holds[pick % len(self.account.open_holds)]
            amount = round(len(hold.pieces) * part)
            balance = bank.call("ledger_capture", self.tasks[hold.task], amount, "test")
            self.account.settle(hold, amount)
            self.agree(balance)

        @precondition(lambda self: self.account.open_holds)
        @rule(pick=TASKS)
        def release(self, pick: int) -> None:
            """A failure or a cancel."""
            hold = self.account.open_holds[pick % len(self.account.open_holds)]
            balance = bank.call("ledger_release", self.tasks[hold.task])
            self.account.settle(hold, 0)
            self.agree(balance)

        @precondition(lambda self: self.refundable())
        @rule(pick=TASKS, part=PARTS)
        def refund(self, pick: int, part: float) -> None:
            tasks = self.refundable()
            task, reference = tasks[pick % len(tasks)], str(uuid4())
            amount = max(1, round(self.account.refundable(task) * part))
            asked = None if part == 1 else amount
            balance = bank.call("ledger_refund", self.tasks[task], asked, "test", reference)
            self.account.refund(task, amount)
            self.agree(balance)
            self.agree(bank.call("ledger_refund", self.tasks[task], asked, "test", reference))

        @rule(task=TASKS)
        def what_cannot_be(self, task: int) -> None:
            """More than was held or captured, or of a task that holds nothing."""
            hold = self.account.open_hold(task)
            if hold is None:
                assert bank.call("ledger_capture", self.tasks[task], 1, "test") is None
                assert bank.call("ledger_release", self.tasks[task]) is None
            else:
                with pytest.raises(asyncpg.CheckViolationError):
                    bank.call("ledger_capture", self.tasks[task], len(hold.pieces) + 1, "test")
            too_much = self.account.refundable(task) + 1
            assert bank.call("ledger_refund", self.tasks[task], too_much, "test", str(uuid4())) is None

        @rule(hours=LIVES | st.sampled_from([*range(1, 10), 31 * 24]))
        def let_time_pass(self, hours: int) -> None:
            self.account.now += hours
            for statement in PASS:
                plain = statement.replace(":delta", "$1").replace(":workspace", "$2")
                bank.run(bank.connection.execute(plain, hours * HOUR, self.workspace))

        @rule()
        def expire(self) -> None:
            """The job, or a look at the balance."""
            self.account.expire()
            self.agree(bank.call("ledger_expire", self.workspace, "live"))

        @invariant()
        def the_books_are_the_models(self) -> None:
            row = bank.run(bank.connection.fetchrow(BOOKS, self.workspace))
            assert tuple(row[:4]) == self.account.state
            assert row[4] == [grant.remaining for grant in self.account.grants]
            assert row[5] == [grant.expired for grant in self.account.grants]

        def teardown(self) -> None:
            for hold in self.account.open_holds:  # of no task, which whoever verifies next would find
                bank.call("ledger_release", self.tasks[hold.task])

    try:
        run_state_machine_as_test(Books, settings=EFFORT)
    finally:
        found = [breach for breach in bank.breaches() if breach not in before]
    assert found == []
