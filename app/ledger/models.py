"""Accounts, holds and the append-only history of transfers. All amounts are millionths of a credit.

`balance` is what may be spent, `held` what open holds have set aside; together they are the posted balance, the sum of
the history. A hold moves nothing yet, so it is no transfer; a capture is.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class TransferKind(StrEnum):
    GRANT = "grant"
    PURCHASE = "purchase"
    CAPTURE = "capture"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    EXPIRY = "expiry"


class Book(StrEnum):
    """The two sides of a transfer: the customer, or an account of the platform, which has no balance row."""

    CUSTOMER = "customer"
    PROMOTIONS = "promotions"
    SALES = "sales"
    USAGE = "usage"
    EXPIRED = "expired"
    ADJUSTMENTS = "adjustments"


class HoldStatus(StrEnum):
    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"


class CreditAccount(Base):
    """The only materialised balance: one row per workspace and mode, changed by guarded updates alone."""

    __tablename__ = "credit_accounts"
    __table_args__ = (
        CheckConstraint("mode in ('live', 'test')", name="mode"),
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("held >= 0", name="held"),
        CheckConstraint("total_earned >= 0 and total_spent >= 0", name="totals"),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    total_earned: Mapped[int] = mapped_column(BigInteger, default=0)
    total_spent: Mapped[int] = mapped_column(BigInteger, default=0)
    entries: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class CreditTransfer(Base):
    """One movement of credits. The database refuses to change or delete it."""

    __tablename__ = "credit_transfers"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "mode"], ["credit_accounts.workspace_id", "credit_accounts.mode"]),
        UniqueConstraint("workspace_id", "mode", "entry"),
        UniqueConstraint("reference", "kind"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit <> credit and 'customer' in (debit, credit)", name="sides"),
        CheckConstraint(
            "balance_after = balance_before + case when credit = 'customer' then amount else -amount end",
            name="balances",
        ),
        Index("ix_credit_transfers_newest", "workspace_id", "mode", text("created_at desc"), text("id desc")),
        Index("ix_credit_transfers_task_id", "task_id", postgresql_where=text("task_id is not null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    entry: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_before: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    task_id: Mapped[UUID | None]
    reference: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class CreditHold(Base):
    """Credits set aside for one run of a task. It resolves once: the database refuses a second time."""

    __tablename__ = "credit_holds"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "mode"], ["credit_accounts.workspace_id", "credit_accounts.mode"]),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("captured between 0 and amount", name="captured"),
        CheckConstraint("(status = 'open') = (resolved_at is null)", name="resolved"),
        CheckConstraint("status = 'captured' or captured = 0", name="status"),
        Index("uq_credit_holds_open", "task_id", unique=True, postgresql_where=text("status = 'open'")),
        Index(None, "task_id"),
        Index("ix_credit_holds_account_open", "workspace_id", "mode", postgresql_where=text("status = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    task_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[str] = mapped_column(default=HoldStatus.OPEN)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    resolved_at: Mapped[datetime | None]


class Price(Base):
    """What one output costs. No row, no sale. `model` may be `*`: any model of that provider."""

    __tablename__ = "prices"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)

    operation: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
