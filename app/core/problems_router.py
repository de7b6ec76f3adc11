"""The catalogue of everything that can go wrong."""

import inspect

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.core.problems import TYPE_BASE, Internal, Problem, problems

router = APIRouter(prefix="/v1/problems", tags=["problems"])


class ProblemKind(BaseModel):
    """One kind of failure."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "idempotency_key_in_flight",
                    "type": TYPE_BASE + "idempotency_key_in_flight",
                    "title": "The first request with this Idempotency-Key is still running",
                    "status": 409,
                    "help": "Repeat it after the seconds in `Retry-After` to receive its answer.",
                }
            ]
        }
    )

    code: str = Field(description="Stable: decide by this.")
    type: str
    title: str
    status: int
    help: str | None = Field(description="What it means and what to do.")


class ProblemKinds(BaseModel):
    data: list[ProblemKind]
    next_cursor: None = None


def _help(kind: type[Problem]) -> str | None:
    _, _, rest = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")
    return " ".join(rest.split()) or None


@router.get("", response_model=ProblemKinds, operation_id="list_problems", responses=problems(Internal))
async def list_problems() -> ProblemKinds:
    """List every error code, its status, and what to do about it."""
    kinds = sorted(Problem.catalogue.values(), key=lambda kind: (kind.status, kind.code))
    return ProblemKinds(
        data=[
            ProblemKind(
                code=kind.code, type=TYPE_BASE + kind.code, title=kind.title(), status=kind.status, help=_help(kind)
            )
            for kind in kinds
        ]
    )
