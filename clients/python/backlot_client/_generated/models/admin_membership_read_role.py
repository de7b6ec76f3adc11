from typing import Literal, cast

AdminMembershipReadRole = Literal["admin", "member", "owner", "viewer"]


def check_admin_membership_read_role(value: str) -> AdminMembershipReadRole:
    return cast(AdminMembershipReadRole, value)
