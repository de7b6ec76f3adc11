from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.routing import Routing


T = TypeVar("T", bound="TaskCreate")


@_attrs_define
class TaskCreate:
    """An order: what is to be done, to what, and how.

    Attributes:
        operation (str): One of `GET /v1/operations`.
        input (Any): As the operation's `input_schema` says.
        model (str | Unset):  Default: 'auto'.
        provider (None | str | Unset):
        routing (Routing | Unset): Which provider is to be preferred.
        webhook_url (None | str | Unset): https, where the end of the task is told: `task.succeeded`, `task.failed` or
            `task.canceled`, signed with the workspace's secret (`POST /v1/webhook-signing-secret/rotate`).
        metadata (Any | Unset): Yours: kept, shown, and searchable.
    """

    operation: str
    input: Any
    model: str | Unset = "auto"
    provider: None | str | Unset = UNSET
    routing: Routing | Unset = UNSET
    webhook_url: None | str | Unset = UNSET
    metadata: Any | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        operation = self.operation

        input = self.input

        model = self.model

        provider: None | str | Unset
        if isinstance(self.provider, Unset):
            provider = UNSET
        else:
            provider = self.provider

        routing: dict[str, Any] | Unset = UNSET
        if not isinstance(self.routing, Unset):
            routing = self.routing.to_dict()

        webhook_url: None | str | Unset
        if isinstance(self.webhook_url, Unset):
            webhook_url = UNSET
        else:
            webhook_url = self.webhook_url

        metadata = self.metadata

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "operation": operation,
                "input": input,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if provider is not UNSET:
            field_dict["provider"] = provider
        if routing is not UNSET:
            field_dict["routing"] = routing
        if webhook_url is not UNSET:
            field_dict["webhook_url"] = webhook_url
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.routing import Routing  # noqa: PLC0415

        d = dict(src_dict)
        operation = d.pop("operation")

        input = d.pop("input")

        model = d.pop("model", UNSET)

        def _parse_provider(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        provider = _parse_provider(d.pop("provider", UNSET))

        _routing = d.pop("routing", UNSET)
        routing: Routing | Unset
        if isinstance(_routing, Unset):
            routing = UNSET
        else:
            routing = Routing.from_dict(_routing)

        def _parse_webhook_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        webhook_url = _parse_webhook_url(d.pop("webhook_url", UNSET))

        metadata = d.pop("metadata", UNSET)

        task_create = cls(
            operation=operation,
            input=input,
            model=model,
            provider=provider,
            routing=routing,
            webhook_url=webhook_url,
            metadata=metadata,
        )

        return task_create
