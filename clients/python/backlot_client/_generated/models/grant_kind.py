from typing import Literal, cast

GrantKind = Literal["grant", "purchase"]


def check_grant_kind(value: str) -> GrantKind:
    return cast(GrantKind, value)
