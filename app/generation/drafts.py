"""From an order to a draft: everything is checked here, before any money or row."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from pydantic import ValidationError

from app.accounts.keys.limits import check_operation
from app.accounts.schemas import CallerInfo
from app.assets import service as assets
from app.assets.facts import AssetFacts, KnownAssets
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.egress import EgressError
from app.core.ids import decode, encode
from app.core.problems import FieldError, InvalidRequest, NotFound, field_errors
from app.generation import presets, routing
from app.generation.errors import UnknownOperation, UnknownPreset, WebhookUrlNotAllowed
from app.generation.history import Kind, size_class
from app.generation.operations import OPERATIONS, Operation, OperationInput
from app.generation.schemas import TaskCreate
from app.ledger.price_list import Prices
from app.providers.base import REMOTE
from app.providers.catalog import Catalog, Route


@dataclass(slots=True)
class Draft:
    """A checked order. `route` is every way to do it, first choice first; `unit` is the price of one output."""

    operation: Operation
    input: OperationInput
    route: Sequence[Route]
    unit: int
    values: dict[str, Any] = field(default_factory=dict)
    assets: dict[str, UUID] = field(default_factory=dict)
    size_class: int = 0
    imported: list[UUID] = field(default_factory=list)
    is_to_import: bool = False
    """Whether URLs are left in `values`, for the worker to import."""

    @property
    def price(self) -> int:
        return self.unit * self.input.outputs

    @property
    def offer(self) -> Route:
        return self.route[0]

    @property
    def lane(self) -> str:
        """Whose capacity the task waits for; fetching URLs is not the work of our processors."""
        return REMOTE if self.is_to_import else self.offer.lane

    def estimated_seconds(self, means: Mapping[Kind, float]) -> int:
        """By the history of such tasks; by the provider's word where there is none."""
        offer = self.offer.offer
        kind = (self.operation.name, self.offer.provider, offer.model, self.size_class)
        return max(1, round(means.get(kind, offer.seconds) * self.input.outputs))


def _operation(order: TaskCreate) -> Operation:
    operation = OPERATIONS.get(order.operation)
    if operation is None:
        raise UnknownOperation.at(
            "/operation", f"There is no operation {order.operation!r}; {routing.among(list(OPERATIONS))}."
        )
    return operation


def _input(order: TaskCreate, operation: Operation) -> OperationInput:
    try:
        return operation.input.model_validate(order.input)
    except ValidationError as fault:
        errors = field_errors(fault.errors(include_url=False), prefix="/input")
        raise InvalidRequest(f"The input of {operation.name} is not valid.", errors=errors) from fault


def _check_preset(checked: OperationInput) -> None:
    name = getattr(checked, "preset", None)
    if name is not None and presets.find(name) is None:
        known = routing.among([preset.id for preset in presets.PRESETS])
        raise UnknownPreset.at("/input/preset", f"There is no preset {name!r}; {known}.")


def make(catalog: Catalog, prices: Prices, caller: CallerInfo, order: TaskCreate) -> Draft:
    """Check all of the order but its files. Raises the problem that names the first wrong field."""
    operation = _operation(order)
    check_operation(caller, operation.name)
    checked = _input(order, operation)
    _check_preset(checked)
    routes, unit = routing.choose(catalog, prices, order, operation, checked, caller.mode)
    values = checked.model_dump(mode="json")
    if "seed" in values and values["seed"] is None:
        values["seed"] = secrets.randbelow(2**32)
    return Draft(operation, checked, routes, unit, values)


def check_webhook(tools: AssetTools, order: TaskCreate) -> None:
    """Whether the end of the task may be told there. Raises WebhookUrlNotAllowed."""
    if order.webhook_url is not None:
        try:
            tools.egress.check_target(order.webhook_url)
        except EgressError as fault:
            raise WebhookUrlNotAllowed.at("/webhook_url", fault.detail) from fault


async def resolve_files(
    known: KnownAssets, tools: AssetTools, database: Database, caller: CallerInfo, draft: Draft, *, later: bool = False
) -> None:
    """Find the input's assets, or import its URLs; then check what depends on them. Raises with nothing left behind.

    With `later` a URL is only looked at: it stays in the input, for the worker to import (`imports.py`).
    """
    if not draft.operation.input.images:
        draft.size_class = size_class(draft.input.pixels(0, 0))
    sizes: dict[str, tuple[int, int]] = {}
    try:
        for name in draft.operation.input.images:
            if later and "://" in draft.values[name]:
                assets.check_url(tools, draft.values[name], f"/input/{name}")
                draft.is_to_import = True
                continue
            facts = await _file(known, tools, database, caller, draft, name)
            draft.values[name] = encode("asset", facts.id)
            draft.assets[name] = facts.id
            sizes[name] = facts.width, facts.height
            _check(draft.input.fault_with(name, *sizes[name]))
            if name == draft.operation.input.images[0]:
                draft.size_class = size_class(draft.input.pixels(*sizes[name]))
        if len(sizes) == len(draft.operation.input.images):
            _check(draft.input.fault_between(sizes))
    except BaseException:
        await discard_imports(tools, database, draft)
        raise


async def _file(
    known: KnownAssets, tools: AssetTools, database: Database, caller: CallerInfo, draft: Draft, name: str
) -> AssetFacts:
    reference, pointer = cast("str", draft.values[name]), f"/input/{name}"
    if "://" in reference:
        asset = await assets.import_url(
            tools, database, reference, workspace_id=caller.workspace_id, mode=caller.mode, pointer=pointer
        )
        draft.imported.append(asset.id)
        return AssetFacts(asset.id, asset.kind, asset.width or 0, asset.height or 0)
    try:
        asset_id = decode("asset", reference)
    except ValueError:
        raise InvalidRequest.at(pointer, "Give an asset id (asset_…) or an https URL.", code="invalid_id") from None
    try:
        facts = await known.get(asset_id, workspace_id=caller.workspace_id, mode=caller.mode)
    except NotFound as problem:
        problem.errors = (FieldError(pointer, problem.code, problem.detail),)
        raise
    if facts.kind != "image":
        raise InvalidRequest.at(pointer, f"This needs an image; the asset is {facts.kind}.")
    return facts


def _check(fault: tuple[str, str] | None) -> None:
    if fault is not None:
        raise InvalidRequest.at(f"/input/{fault[0]}", fault[1])


async def discard_imports(tools: AssetTools, database: Database, draft: Draft) -> None:
    """Take back what was imported for an order that did not come to be."""
    if draft.imported:
        await assets.discard(tools, database, draft.imported)
        draft.imported.clear()
