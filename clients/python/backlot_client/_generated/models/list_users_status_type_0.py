from typing import Literal, cast

ListUsersStatusType0 = Literal["active", "erased", "suspended"]


def check_list_users_status_type_0(value: str) -> ListUsersStatusType0:
    return cast(ListUsersStatusType0, value)
