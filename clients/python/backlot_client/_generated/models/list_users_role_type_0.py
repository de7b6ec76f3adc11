from typing import Literal, cast

ListUsersRoleType0 = Literal["admin", "user"]


def check_list_users_role_type_0(value: str) -> ListUsersRoleType0:
    return cast(ListUsersRoleType0, value)
