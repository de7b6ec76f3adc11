from typing import Literal, cast

SessionReadKind = Literal["bearer", "cookie"]


def check_session_read_kind(value: str) -> SessionReadKind:
    return cast(SessionReadKind, value)
