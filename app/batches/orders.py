"""From the items of a batch to orders: the good ones become drafts, of the bad ones it is told what is wrong."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.batches.errors import NoValidItems
from app.batches.schemas import BatchCreate, BatchItemCreate
from app.core.db import Database
from app.core.ids import decode
from app.core.problems import FieldError, Problem
from app.generation import drafts
from app.generation.drafts import Draft
from app.generation.intake import Intake
from app.generation.operations import OPERATIONS
from app.generation.schemas import TaskCreate
from app.ledger.price_list import Prices
from app.providers.catalog import Catalog

AT_ONCE = 20
"""Items checked before others get their turn."""
INPUT = "/input"


@dataclass(frozen=True, slots=True)
class Good:
    index: int
    order: TaskCreate
    draft: Draft


@dataclass(frozen=True, slots=True)
class Bad:
    """`errors` point into the body of the batch."""

    index: int
    code: str
    errors: Sequence[FieldError]

    def told(self) -> dict[str, Any]:
        first = self.errors[0]
        return {
            "code": self.code,
            "message": first.detail,
            "retryable": False,
            "provider": None,
            "pointer": first.pointer,
        }


class Sorter:
    """Tells good items from bad. One per API process."""

    def __init__(self, intake: Intake, database: Database, catalog: Catalog, tools: AssetTools) -> None:
        self._intake = intake
        self._database = database
        self._catalog = catalog
        self._tools = tools

    async def sort(self, caller: CallerInfo, batch: BatchCreate, prices: Prices) -> tuple[list[Good], list[Bad]]:
        """Raises the problem that is wrong with the batch as a whole, or NoValidItems.

        URLs are looked at, but not fetched: that is done by the workers.
        """
        await self._intake.assets.learn(_named_assets(batch), workspace_id=caller.workspace_id, mode=caller.mode)
        good: list[Good] = []
        bad: list[Bad] = []
        for index, item in enumerate(batch.items):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            order = _order(batch, item)
            try:
                draft = drafts.make(self._catalog, prices, caller, order)
                await drafts.resolve_files(self._intake.assets, self._tools, self._database, caller, draft, later=True)
            except Problem as problem:
                if not _is_of_item(problem):
                    raise
                errors = [_placed(error, index, item, batch) for error in problem.errors]
                bad.append(Bad(index, problem.code, errors))
            else:
                good.append(Good(index, order, draft))
        if not good:
            raise NoValidItems(errors=list(dict.fromkeys(error for one in bad for error in one.errors)))
        return good, bad


def _order(batch: BatchCreate, item: BatchItemCreate) -> TaskCreate:
    return TaskCreate(
        operation=batch.operation,
        input=batch.defaults | item.input,
        model=batch.model,
        provider=batch.provider,
        routing=batch.routing,
        metadata=item.metadata,
    )


def _named_assets(batch: BatchCreate) -> set[UUID]:
    operation = OPERATIONS.get(batch.operation)
    images = operation.input.images if operation else ()
    return set(
        _decoded(
            values.get(name) for values in (batch.defaults, *(item.input for item in batch.items)) for name in images
        )
    )


def _decoded(references: Iterator[Any]) -> Iterator[UUID]:
    for reference in references:
        if isinstance(reference, str) and "://" not in reference:
            try:
                yield decode("asset", reference)
            except ValueError:
                continue


def _is_of_item(problem: Problem) -> bool:
    """Whether it is about the input, which items have of their own; the rest of an order is that of the batch."""
    return bool(problem.errors) and all(error.pointer.startswith(INPUT) for error in problem.errors)


def _placed(error: FieldError, index: int, item: BatchItemCreate, batch: BatchCreate) -> FieldError:
    """The error where the field was written: among the defaults, unless the item has it."""
    rest = error.pointer.removeprefix(INPUT)
    name = rest.split("/")[1].replace("~1", "/").replace("~0", "~") if rest else ""
    if name in batch.defaults and name not in item.input:
        return replace(error, pointer=f"/defaults{rest}")
    return replace(error, pointer=f"/items/{index}/input{rest}")
