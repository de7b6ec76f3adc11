from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.signing_secret_shown_mode import (
    SigningSecretShownMode,
    check_signing_secret_shown_mode,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="SigningSecretShown")


@_attrs_define
class SigningSecretShown:
    """The same with the secret, shown this once.

    Attributes:
        mode (SigningSecretShownMode):
        public_key (str): Verifies the `v1a` signatures.
        rotated_at (datetime.datetime | None): Null: nobody was shown a secret yet; rotate to get one.
        previous_secret_until (datetime.datetime | None):
        secret (str): Verifies the `v1` signatures. Keep it now: it cannot be shown again.
        object_ (Literal['webhook_signing_secret'] | Unset):  Default: 'webhook_signing_secret'.
    """

    mode: SigningSecretShownMode
    public_key: str
    rotated_at: datetime.datetime | None
    previous_secret_until: datetime.datetime | None
    secret: str
    object_: Literal["webhook_signing_secret"] | Unset = "webhook_signing_secret"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        mode: str = self.mode

        public_key = self.public_key

        rotated_at: None | str
        if isinstance(self.rotated_at, datetime.datetime):
            rotated_at = self.rotated_at.isoformat()
        else:
            rotated_at = self.rotated_at

        previous_secret_until: None | str
        if isinstance(self.previous_secret_until, datetime.datetime):
            previous_secret_until = self.previous_secret_until.isoformat()
        else:
            previous_secret_until = self.previous_secret_until

        secret = self.secret

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "mode": mode,
                "public_key": public_key,
                "rotated_at": rotated_at,
                "previous_secret_until": previous_secret_until,
                "secret": secret,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        mode = check_signing_secret_shown_mode(d.pop("mode"))

        public_key = d.pop("public_key")

        def _parse_rotated_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                rotated_at_type_0 = datetime.datetime.fromisoformat(data)

                return rotated_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        rotated_at = _parse_rotated_at(d.pop("rotated_at"))

        def _parse_previous_secret_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                previous_secret_until_type_0 = datetime.datetime.fromisoformat(data)

                return previous_secret_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        previous_secret_until = _parse_previous_secret_until(d.pop("previous_secret_until"))

        secret = d.pop("secret")

        object_ = cast(Literal["webhook_signing_secret"] | Unset, d.pop("object", UNSET))
        if object_ != "webhook_signing_secret" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'webhook_signing_secret', got '{object_}'")

        signing_secret_shown = cls(
            mode=mode,
            public_key=public_key,
            rotated_at=rotated_at,
            previous_secret_until=previous_secret_until,
            secret=secret,
            object_=object_,
        )

        signing_secret_shown.additional_properties = d
        return signing_secret_shown

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
