"""Credits on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.core.amounts import MOST, Credits, from_number
from app.core.ids import GrantId, TaskId, TransactionId
from app.ledger.models import Book, CreditTransfer, GrantKind, TransferKind

CREDITS_EXAMPLE: dict[str, Any] = {"balance": 97, "held": 2, "total_earned": 110, "total_spent": 11, "low_mark": 2}


class CreditsRead(BaseModel):
    """What the workspace has."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [CREDITS_EXAMPLE]})

    balance: Credits = Field(description="What may be spent now.")
    held: Credits = Field(description="Set aside for tasks that have not ended.")
    total_earned: Credits = Field(description="All credits ever granted or bought.")
    total_spent: Credits = Field(description="All credits ever charged, less refunds.")
    low_mark: Credits = Field(
        description="Below it, `balance` and `held` together, the workspace is told `credits.low`; 0: never."
    )


def _micro(value: Any) -> int:
    try:
        return from_number(value)
    except ValueError as fault:
        raise PydanticCustomError("credits", "{reason}", {"reason": str(fault)}) from None


class CreditsUpdate(BaseModel):
    """When the workspace is to be told that its credits run low."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"low_mark": 5}]}
    )

    low_mark: Annotated[
        int,
        BeforeValidator(_micro),
        WithJsonSchema({"type": "number", "minimum": 0, "maximum": MOST}),
    ] = Field(description="`credits.low` is told when `balance` and `held` together fall below it; 0: never.")


class CreditsSettings(BaseModel):
    """When the workspace is told that its credits run low."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [{"low_mark": 5}]})

    low_mark: Credits


class GrantRead(BaseModel):
    """Credits that came in at once, and what is left of them."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "grant_01jcqzn0v2f5wrb7c1m4k9t3sy",
                    "object": "credit_grant",
                    "kind": "grant",
                    "amount": 100,
                    "remaining": 97.5,
                    "priority": 0,
                    "expires_at": "2027-01-31T00:00:00Z",
                    "reason": "Launch month",
                    "created_at": "2026-11-21T09:00:24Z",
                }
            ]
        },
    )

    id: GrantId
    object: Literal["credit_grant"] = "credit_grant"
    kind: GrantKind
    amount: Credits
    remaining: Credits = Field(description="What may still be spent of it.")
    priority: int = Field(description="Lower ones are used up first.")
    expires_at: datetime | None = Field(description="From then on it cannot be spent; null: never.")
    reason: str
    created_at: datetime


_EXAMPLE: dict[str, Any] = {
    "id": "txn_01jcqzn0v2f5wrb7c1m4k9t3sy",
    "object": "credit_transaction",
    "kind": "capture",
    "amount": -2,
    "balance_before": 101,
    "balance_after": 99,
    "reason": "Task: replace_background",
    "task_id": "task_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "created_at": "2026-11-21T09:00:24Z",
}


class TransactionRead(BaseModel):
    """One movement of credits. Holds are not movements: a task shows here when it is charged."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: TransactionId
    object: Literal["credit_transaction"] = "credit_transaction"
    kind: TransferKind
    amount: Credits = Field(description="Signed: what came in is above zero, what went out below.")
    balance_before: Credits = Field(description="Balance and held together, before.")
    balance_after: Credits = Field(description="Balance and held together, after.")
    reason: str
    task_id: TaskId | None
    created_at: datetime

    @classmethod
    def of(cls, row: CreditTransfer) -> "TransactionRead":
        return cls(
            id=row.id,
            kind=TransferKind(row.kind),
            amount=row.amount if row.credit == Book.CUSTOMER else -row.amount,
            balance_before=row.balance_before,
            balance_after=row.balance_after,
            reason=row.reason,
            task_id=row.task_id,
            created_at=row.created_at,
        )


STATEMENT_EXAMPLE = (
    "id,created_at,kind,amount,balance_before,balance_after,reason,task_id\r\n"
    "txn_01jcqzn0v2f5wrb7c1m4k9t3sy,2026-11-21T09:00:24.000000Z,capture,-2,101,99,Task: replace_background,"
    "task_01jcqzm4x8e3v9tk5h2w7d6n0p\r\n"
)
