from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.session_started_token_type import (
    SessionStartedTokenType,
    check_session_started_token_type,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.user_read import UserRead


T = TypeVar("T", bound="SessionStarted")


@_attrs_define
class SessionStarted:
    """A session and its secrets: tokens, or cookies and the token that goes with them.

    Attributes:
        id (str):
        token_type (SessionStartedTokenType):
        access_token (None | str): For `Authorization: Bearer`; null with cookies.
        refresh_token (None | str): Each refresh gives the next one; the one before must not be used again. Null with
            cookies.
        expires_in (int | None): Seconds the access token is good for; null with cookies.
        csrf_token (None | str): With cookies, what to send as `X-CSRF-Token`: the readable cookie's.
        session_expires_at (datetime.datetime):
        user (UserRead): A user, as they see themselves.
        object_ (Literal['session'] | Unset):  Default: 'session'.
    """

    id: str
    token_type: SessionStartedTokenType
    access_token: None | str
    refresh_token: None | str
    expires_in: int | None
    csrf_token: None | str
    session_expires_at: datetime.datetime
    user: UserRead
    object_: Literal["session"] | Unset = "session"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        token_type: str = self.token_type

        access_token: None | str
        access_token = self.access_token

        refresh_token: None | str
        refresh_token = self.refresh_token

        expires_in: int | None
        expires_in = self.expires_in

        csrf_token: None | str
        csrf_token = self.csrf_token

        session_expires_at = self.session_expires_at.isoformat()

        user = self.user.to_dict()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "token_type": token_type,
                "access_token": access_token,
                "refresh_token": refresh_token,
                "expires_in": expires_in,
                "csrf_token": csrf_token,
                "session_expires_at": session_expires_at,
                "user": user,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.user_read import UserRead  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        token_type = check_session_started_token_type(d.pop("token_type"))

        def _parse_access_token(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        access_token = _parse_access_token(d.pop("access_token"))

        def _parse_refresh_token(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        refresh_token = _parse_refresh_token(d.pop("refresh_token"))

        def _parse_expires_in(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        expires_in = _parse_expires_in(d.pop("expires_in"))

        def _parse_csrf_token(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        csrf_token = _parse_csrf_token(d.pop("csrf_token"))

        session_expires_at = datetime.datetime.fromisoformat(d.pop("session_expires_at"))

        user = UserRead.from_dict(d.pop("user"))

        object_ = cast(Literal["session"] | Unset, d.pop("object", UNSET))
        if object_ != "session" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'session', got '{object_}'")

        session_started = cls(
            id=id,
            token_type=token_type,
            access_token=access_token,
            refresh_token=refresh_token,
            expires_in=expires_in,
            csrf_token=csrf_token,
            session_expires_at=session_expires_at,
            user=user,
            object_=object_,
        )

        session_started.additional_properties = d
        return session_started

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
