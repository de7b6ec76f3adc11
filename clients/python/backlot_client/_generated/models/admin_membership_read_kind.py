from typing import Literal, cast

AdminMembershipReadKind = Literal["personal", "team"]


def check_admin_membership_read_kind(value: str) -> AdminMembershipReadKind:
    return cast(AdminMembershipReadKind, value)
