"""Accounts, grants, holds and the append-only history of transfers. All amounts are millionths of a credit.

`balance` is what may be spent: the sum of what remains of the grants. `held` is what open holds have set aside.
Together they are the posted balance, the sum of the history. A hold moves nothing yet, so it is no transfer.
All of it is written by the functions of the database alone (migration 1305).
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class TransferKind(StrEnum):
    GRANT = "grant"
    PURCHASE = "purchase"
    CAPTURE = "capture"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    EXPIRY = "expiry"


class GrantKind(StrEnum):
    """How credits came in; the kind of the transfer too."""

    GRANT = "grant"
    PURCHASE = "purchase"


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
        CheckConstraint("low_mark >= 0", name="low_mark"),
        CheckConstraint("total_earned >= 0 and total_spent >= 0", name="totals"),
        Index(None, "next_expiry_at", postgresql_where=text("next_expiry_at is not null")),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    total_earned: Mapped[int] = mapped_column(BigInteger)
    total_spent: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    awaits_welcome: Mapped[bool] = mapped_column(server_default="false")
    """Its first grant is given, or not, when the owner's address is verified and the account is looked at again."""
    low_mark: Mapped[int] = mapped_column(BigInteger, server_default="2000000")
    """The owners are told when balance and held together fall below it; 0: never."""
    next_expiry_at: Mapped[datetime | None]
    """No credits expire before; a hold that burned them may leave it too early, never too late."""


class CreditGrant(Base):
    """Where credits came from. Burned by priority (the lowest first), then the soonest to expire, then the oldest."""

    __tablename__ = "credit_grants"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "mode"], ["credit_accounts.workspace_id", "credit_accounts.mode"]),
        UniqueConstraint("reference", "kind"),
        CheckConstraint("kind in ('grant', 'purchase')", name="kind"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("remaining >= 0 and expired >= 0 and remaining + expired <= amount", name="remaining"),
        Index(
            "ix_credit_grants_burn_order",
            *("workspace_id", "mode", "priority", "expires_at", "created_at", "id"),
            postgresql_where=text("live"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    expired: Mapped[int] = mapped_column(BigInteger)
    live: Mapped[bool] = mapped_column(Computed("remaining > 0", persisted=True))
    priority: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime | None]
    reason: Mapped[str]
    reference: Mapped[str]
    created_at: Mapped[datetime]


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

    id: Mapped[UUID] = mapped_column(primary_key=True)
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
    created_at: Mapped[datetime]


class CreditHold(Base):
    """Credits set aside for one run of a task. It resolves once: the database refuses a second time."""

    __tablename__ = "credit_holds"
    __table_args__ = (
        ForeignKeyConstraint(["workspace_id", "mode"], ["credit_accounts.workspace_id", "credit_accounts.mode"]),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("captured between 0 and amount", name="captured"),
        CheckConstraint("(status = 'open') = (resolved_at is null)", name="resolved"),
        CheckConstraint("status = 'captured' or captured = 0", name="status"),
        CheckConstraint("refunded between 0 and captured", name="refunded"),
        CheckConstraint(
            "cardinality(grant_ids) = cardinality(grant_amounts) and amount = case cardinality(grant_ids) "
            "when 0 then 0 when 1 then grant_amounts[1] else sum_of(grant_amounts) end",
            name="parts",
        ),
        CheckConstraint("(budget_key_id is null) = (budget_round is null)", name="budget"),
        Index("uq_credit_holds_open", "task_id", unique=True, postgresql_where=text("status = 'open'")),
        Index(None, "task_id"),
        Index("ix_credit_holds_account_open", "workspace_id", "mode", postgresql_where=text("status = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    task_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    refunded: Mapped[int] = mapped_column(BigInteger, server_default="0")
    grant_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    grant_amounts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    """What it took of each grant, in the order they are burned."""
    budget_key_id: Mapped[UUID | None]
    """The API key in whose budget it counts (`key_budgets`), and in which round of it."""
    budget_round: Mapped[int | None]


class Price(Base):
    """What one output costs. No row, no sale. `model` may be `*`: any model of that provider."""

    __tablename__ = "prices"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)

    operation: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
