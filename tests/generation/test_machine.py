"""Hypothesis orders, cancels, retries and refunds, and plays the provider: tasks and books are always the model's."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

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

from app.accounts.keys import service as accounts
from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.idempotency import Claim
from app.core.ids import new_id
from app.core.settings import Settings
from app.generation import advance, service
from app.generation.advance import Engine
from app.generation.errors import TaskEnded, TaskNotRetryable
from app.generation.intake import Intake, Receipt
from app.generation.schemas import TaskCreate
from app.ledger import service as ledger
from app.ledger.errors import InsufficientCredits
from app.ledger.verify import Breach, verify
from app.providers.base import Accepted, Call, Done, ErrorCode, Offer, Output, Rejected, Running, Unknown
from app.providers.catalog import Catalog
from tests.generation.scripted import Scripted, png
from tests.ledger import machine
from tests.ledger.machine import EXAMPLES, HOUR
from tests.ledger.purse import PASS

T = TypeVar("T")
PRICE = 2
PICK = st.integers(0, 7)
REFUSED = Rejected(ErrorCode.CONTENT_REJECTED, "No.")
EFFORT = effort(
    max_examples=EXAMPLES or 25,
    stateful_step_count=25,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
PAINTED = Output(content=png(size=(8, 8)))
BOOKS = """
    select a.balance, a.held, a.total_earned, a.total_spent from credit_accounts a where workspace_id = $1
"""
TASKS = """
    select t.id, t.status, t.charged, cardinality(t.output_ids) as outputs, t.run, (
        select count(*) from events e where e.task_id = t.id and e.type in (
            'task.succeeded', 'task.failed', 'task.canceled')) as ends
    from tasks t where t.workspace_id = $1
"""


def given(*statuses: str) -> Any:
    """There is a task with such a status."""
    return precondition(lambda business: business.pick(0, *statuses) is not None)


@dataclass
class Wish:
    """A task as it should be."""

    id: UUID
    number: int
    wanted: int
    status: str = "pending"
    outputs: int = 0
    charged: int = 0
    runs: int = 1
    ends: int = 0

    @property
    def has_ended(self) -> bool:
        return self.status in ("succeeded", "failed", "canceled")

    def end(self, status: str) -> None:
        self.status, self.ends = status, self.ends + 1


@dataclass
class Painter(Scripted):
    """A provider during whose call something may happen."""

    meanwhile: Coroutine[Any, Any, Any] | None = field(default=None)

    async def submit(self, call: Call) -> Done | Accepted:
        if self.meanwhile is not None:
            await self.meanwhile
            self.meanwhile = None
        return await super().submit(call)


class Shop:
    """A stage for code that cannot await, with a loop of its own."""

    def __init__(self, settings: Settings) -> None:
        self.loop = asyncio.new_event_loop()
        poor = settings.ledger.model_copy(update={"signup_credits": 0})
        patient = settings.providers.model_copy(update={"breaker_seconds": 0})  # however often it fails, it is called
        self.settings = settings.model_copy(update={"ledger": poor, "providers": patient})
        self.painter = Painter(sells=[Offer("text_to_image", "one", "One")])
        self.run(self._open())

    async def _open(self) -> None:
        self._redis = queue.connect(self.settings)
        self.database = Database(self.settings, self._redis)
        self._tools = await AssetTools.open(self.settings)
        catalog = Catalog({"machine": self.painter}, ["machine"])
        await self.database.fetch(
            "insert into prices (operation, provider, model, amount) values ('text_to_image', 'machine', '*', $1)"
            " on conflict do nothing",
            PRICE,
        )
        self.engine = Engine(self.settings, self.database, catalog, self._tools)
        self.intake = Intake(self.settings, self.database, catalog, self._tools)

    async def _close(self) -> None:
        await self.engine.heart.close()
        await self._tools.close()
        await self.database.close()
        await self._redis.aclose(close_connection_pool=True)

    def close(self) -> None:
        self.run(self._close())
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def newcomer(self) -> CallerInfo:
        async with self.database.transaction() as session:
            key, _ = await accounts.issue_key(session, email=f"{uuid4().hex}@example.com", mode="live", name="machine")
        return CallerInfo(
            workspace_id=key.workspace_id, user_id=new_id(), key_id=new_id(), mode="live", scopes=frozenset()
        )

    async def breaches(self) -> list[Breach]:
        async with self.database.transaction() as session:
            return await verify(session)


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    shop = Shop(settings)
    yield shop
    shop.close()


@pytest.mark.timeout(3600 if EXAMPLES else 300)  # to find the shortest way to a failure takes a while
def test_tasks_and_books_are_the_models_whatever_happens(shop: Shop) -> None:
    before = shop.run(shop.breaches())

    class Business(RuleBasedStateMachine):
        """Credits are scarce, so that orders and retries are refused as well."""

        def __init__(self) -> None:
            super().__init__()
            self.account = machine.Account()
            self.wishes: list[Wish] = []
            self.caller = shop.run(shop.newcomer())

        def pick(self, number: int, *statuses: str) -> Wish | None:
            fit = [wish for wish in self.wishes if wish.status in statuses]
            return fit[number % len(fit)] if fit else None

        def one(self, number: int, *statuses: str) -> Wish:
            wish = self.pick(number, *statuses)
            assert wish is not None
            return wish

        async def place(self, wanted: int, key: str | None) -> Receipt:
            order = TaskCreate.model_validate(
                {"operation": "text_to_image", "input": {"prompt": "a boat", "num_images": wanted}}
            )
            return await shop.intake.order(self.caller, order, Claim(key, b"%d" % wanted) if key else None)

        async def expire(self) -> None:
            where = {"workspace_id": self.caller.workspace_id, "mode": "live"}
            async with shop.database.transaction() as session:
                await ledger.get_account(session, shop.settings, **where)
            self.account.expire()

        async def work(self, wish: Wish, *script: Any) -> None:
            """A worker looks at the task, due or not."""
            shop.painter.script[:] = script
            await shop.database.fetch("update tasks set wake_at = now() where id = $1", wish.id)
            await advance.advance_task(shop.engine, wish.id)
            assert shop.painter.script == []

        async def cancel(self, wish: Wish) -> None:
            async with shop.database.transaction() as session:
                await service.cancel_task(session, self.caller, wish.id)

        def ends(self, wish: Wish, status: str, outputs: int = 0) -> None:
            hold = self.account.open_hold(wish.number)
            assert hold is not None
            if outputs:
                wish.outputs, wish.charged = outputs, PRICE * wish.wanted * min(outputs, wish.wanted) // wish.wanted
            self.account.settle(hold, wish.charged if outputs else 0)
            wish.end(status)

        # --- what customers do

        @initialize(amount=st.integers(0, 20))
        def begin(self, amount: int) -> None:
            self.grant(amount + 1, 0, None)
            for wanted in (1, 2, 1):
                self.order(wanted, None, 1)

        @rule(amount=st.integers(1, 20), priority=st.integers(-1, 1), life=st.none() | st.integers(1, 6))
        def grant(self, amount: int, priority: int, life: int | None) -> None:
            async def give() -> None:
                now = (await shop.database.fetch("select clock_timestamp() as now"))[0]["now"]
                async with shop.database.transaction() as session:
                    await ledger.grant(
                        session,
                        shop.settings,
                        amount,
                        workspace_id=self.caller.workspace_id,
                        mode="live",
                        reason="test",
                        reference=str(uuid4()),
                        priority=priority,
                        expires_at=None if life is None else now + life * HOUR,
                    )

            shop.run(give())
            self.account.grant(amount, priority, None if life is None else self.account.now + life)

        @rule(wanted=st.integers(1, 3), key=st.none() | st.uuids(), copies=st.integers(1, 3))
        def order(self, wanted: int, key: UUID | None, copies: int) -> None:
            """With a key perhaps several times at once."""
            name, number = str(key) if key else None, len(self.wishes)
            times = copies if key else 1

            async def order() -> list[Receipt | BaseException]:
                return await asyncio.gather(*(self.place(wanted, name) for _ in range(times)), return_exceptions=True)

            answers = shop.run(order())
            if not self.account.hold(number, PRICE * wanted):
                assert {type(answer) for answer in answers} == {InsufficientCredits}
                return
            ids = {answer.task_id for answer in answers if isinstance(answer, Receipt)}
            assert (len(ids), sum(isinstance(answer, BaseException) for answer in answers)) == (1, 0)
            self.wishes.append(Wish(ids.pop(), number, wanted))

        @given("pending", "processing", "reconciling")
        @rule(number=PICK)
        def cancel_one(self, number: int) -> None:
            wish = self.one(number, "pending", "processing", "reconciling")
            shop.run(self.cancel(wish))
            self.ends(wish, "canceled")

        @given("failed", "canceled")
        @rule(number=PICK)
        def retry(self, number: int) -> None:
            wish = self.one(number, "failed", "canceled")

            async def again() -> bool:
                try:
                    async with shop.database.transaction() as session:
                        await service.retry_task(session, shop.settings, self.caller, wish.id)
                except InsufficientCredits:
                    await self.expire()  # a refusal changes nothing, so neither has anything expired by it
                    return False
                return True

            begun = shop.run(again())
            assert begun == self.account.hold(wish.number, PRICE * wish.wanted)
            if begun:
                wish.status, wish.runs = "pending", wish.runs + 1

        @rule(number=PICK)
        def what_cannot_be(self, number: int) -> None:
            async def try_to() -> None:
                if wish := self.pick(number, "succeeded", "failed"):
                    with pytest.raises(TaskEnded):
                        await self.cancel(wish)
                if wish := self.pick(number, "canceled"):
                    await self.cancel(wish)
                if wish := self.pick(number, "succeeded", "pending", "processing", "reconciling"):
                    with pytest.raises(TaskNotRetryable):
                        async with shop.database.transaction() as session:
                            await service.retry_task(session, shop.settings, self.caller, wish.id)

            shop.run(try_to())

        @given("succeeded")
        @rule(number=PICK, part=st.sampled_from([1, 0.5, 0.2]))
        def refund(self, number: int, part: float) -> None:
            wish = self.one(number, "succeeded")
            if not (left := self.account.refundable(wish.number)):
                return
            amount = max(1, round(left * part))

            async def refund() -> None:
                async with shop.database.transaction() as session:
                    await ledger.refund(session, wish.id, amount, reason="test", reference=str(uuid4()))

            shop.run(refund())
            self.account.refund(wish.number, amount)

        @rule(hours=st.integers(1, 6) | st.just(31 * 24))
        def let_time_pass(self, hours: int) -> None:
            self.account.now += hours
            for statement in PASS:
                plain = statement.replace(":delta", "$1").replace(":workspace", "$2")
                shop.run(shop.database.fetch(plain, hours * HOUR, self.caller.workspace_id))

        @rule()
        def look_at_the_balance(self) -> None:
            shop.run(self.expire())

        # --- what providers do

        @given("pending", "processing")
        @rule(number=PICK, outputs=st.integers(1, 4))
        def deliver(self, number: int, outputs: int) -> None:
            """At once or at last; less than was ordered, or more."""
            wish = self.one(number, "pending", "processing")
            shop.run(self.work(wish, Done([PAINTED] * outputs)))
            self.ends(wish, "succeeded", outputs)

        @given("pending")
        @rule(number=PICK)
        def accept(self, number: int) -> None:
            wish = self.one(number, "pending")
            shop.run(self.work(wish, Accepted(f"job-{wish.id}")))
            wish.status = "processing"

        @given("processing")
        @rule(number=PICK)
        def go_on(self, number: int) -> None:
            wish = self.one(number, "processing")
            shop.run(self.work(wish, Running()))

        @given("pending", "processing")
        @rule(number=PICK)
        def refuse(self, number: int) -> None:
            wish = self.one(number, "pending", "processing")
            shop.run(self.work(wish, REFUSED))
            self.ends(wish, "failed")

        @given("pending")
        @rule(number=PICK)
        def fall_silent(self, number: int) -> None:
            wish = self.one(number, "pending")
            shop.run(self.work(wish, Unknown(ErrorCode.PROVIDER_TIMEOUT, "Silence.")))
            wish.status = "reconciling"

        @given("processing", "reconciling")
        @rule(number=PICK)
        def come_to_the_deadline(self, number: int) -> None:
            wish = self.one(number, "processing", "reconciling")
            shop.run(shop.database.fetch("update tasks set deadline_at = now() where id = $1", wish.id))
            shop.run(self.work(wish))
            self.ends(wish, "failed")

        @given("pending")
        @rule(number=PICK, outputs=st.integers(1, 2))
        def deliver_what_is_canceled_meanwhile(self, number: int, outputs: int) -> None:
            wish = self.one(number, "pending")
            shop.painter.meanwhile = self.cancel(wish)
            shop.run(self.work(wish, Done([PAINTED] * outputs)))
            self.ends(wish, "canceled")

        @invariant()
        def all_is_as_the_model_says(self) -> None:
            rows = shop.run(shop.database.fetch(TASKS, self.caller.workspace_id))
            assert {row["id"]: tuple(row)[1:] for row in rows} == {
                wish.id: (wish.status, wish.charged, wish.outputs, wish.runs, wish.ends) for wish in self.wishes
            }
            books = shop.run(shop.database.fetchrow(BOOKS, self.caller.workspace_id))
            assert (tuple(books) if books else (0, 0, 0, 0)) == self.account.state

    try:
        run_state_machine_as_test(Business, settings=EFFORT)
    finally:
        found = [breach for breach in shop.run(shop.breaches()) if breach not in before]
    assert found == []
