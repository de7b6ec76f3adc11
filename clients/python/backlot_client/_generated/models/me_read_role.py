from typing import Literal, cast

MeReadRole = Literal["admin", "user"]


def check_me_read_role(value: str) -> MeReadRole:
    return cast(MeReadRole, value)
