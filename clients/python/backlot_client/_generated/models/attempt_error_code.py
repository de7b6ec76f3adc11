from typing import Literal, cast

AttemptErrorCode = Literal[
    "address", "connection", "dns", "expired", "internal", "interrupted", "scheme", "status", "timeout", "tls"
]


def check_attempt_error_code(value: str) -> AttemptErrorCode:
    return cast(AttemptErrorCode, value)
