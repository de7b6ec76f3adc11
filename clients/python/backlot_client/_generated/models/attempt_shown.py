from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.attempt_error import AttemptError
    from ..models.attempt_request import AttemptRequest
    from ..models.attempt_response import AttemptResponse


T = TypeVar("T", bound="AttemptShown")


@_attrs_define
class AttemptShown:
    """What was sent, and what came back.

    Attributes:
        number (int):
        started_at (datetime.datetime):
        duration (float): Seconds.
        request (AttemptRequest):
        response (AttemptResponse | None):
        error (AttemptError | None):
    """

    number: int
    started_at: datetime.datetime
    duration: float
    request: AttemptRequest
    response: AttemptResponse | None
    error: AttemptError | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.attempt_error import AttemptError  # noqa: PLC0415
        from ..models.attempt_response import AttemptResponse  # noqa: PLC0415

        number = self.number

        started_at = self.started_at.isoformat()

        duration = self.duration

        request = self.request.to_dict()

        response: dict[str, Any] | None
        if isinstance(self.response, AttemptResponse):
            response = self.response.to_dict()
        else:
            response = self.response

        error: dict[str, Any] | None
        if isinstance(self.error, AttemptError):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "number": number,
                "started_at": started_at,
                "duration": duration,
                "request": request,
                "response": response,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attempt_error import AttemptError  # noqa: PLC0415
        from ..models.attempt_request import AttemptRequest  # noqa: PLC0415
        from ..models.attempt_response import AttemptResponse  # noqa: PLC0415

        d = dict(src_dict)
        number = d.pop("number")

        started_at = datetime.datetime.fromisoformat(d.pop("started_at"))

        duration = d.pop("duration")

        request = AttemptRequest.from_dict(d.pop("request"))

        def _parse_response(data: object) -> AttemptResponse | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_type_0 = AttemptResponse.from_dict(data)

                return response_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AttemptResponse | None, data)

        response = _parse_response(d.pop("response"))

        def _parse_error(data: object) -> AttemptError | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = AttemptError.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AttemptError | None, data)

        error = _parse_error(d.pop("error"))

        attempt_shown = cls(
            number=number,
            started_at=started_at,
            duration=duration,
            request=request,
            response=response,
            error=error,
        )

        attempt_shown.additional_properties = d
        return attempt_shown

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
