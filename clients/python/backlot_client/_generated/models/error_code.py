from typing import Literal, cast

ErrorCode = Literal[
    "content_rejected",
    "deadline_exceeded",
    "internal",
    "invalid_image",
    "no_route",
    "provider_busy",
    "provider_quota",
    "provider_rejected",
    "provider_timeout",
    "provider_unavailable",
    "url_not_allowed",
    "url_unreachable",
]


def check_error_code(value: str) -> ErrorCode:
    return cast(ErrorCode, value)
