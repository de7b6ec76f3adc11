"""Credits on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import TaskId, TransactionId
from app.ledger.amounts import Credits
from app.ledger.models import Book, CreditTransfer, TransferKind


class CreditsRead(BaseModel):
    """What the workspace has."""

    model_config = ConfigDict(from_attributes=True)

    balance: Credits = Field(description="What may be spent now.")
    held: Credits = Field(description="Set aside for tasks that have not ended.")
    total_earned: Credits = Field(description="All credits ever granted or bought.")
    total_spent: Credits = Field(description="All credits ever charged, less refunds.")


class TransactionRead(BaseModel):
    """One movement of credits. Holds are not movements: a task shows here when it is charged."""

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
