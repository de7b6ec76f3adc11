"""What a front end keeps for its user: any JSON object, within limits.

`notifications` alone means something here: see `mail_of_events` of migration 1010.
"""

import json
from math import isfinite
from typing import Any

from app.core.problems import InvalidRequest
from app.core.wire import UNSTORABLE

MAX_BYTES = 16 * 1024
MAX_DEPTH = 16
MAX_DIGITS = 100


def check(preferences: dict[str, Any]) -> None:
    """Raises InvalidRequest naming what cannot be kept."""
    waiting: list[tuple[str, Any, int]] = [("", preferences, 1)]
    while waiting:
        pointer, value, depth = waiting.pop()
        if depth > MAX_DEPTH and isinstance(value, dict | list):
            raise InvalidRequest.at(_shown(pointer), f"Objects and lists may stand {MAX_DEPTH} deep in one another.")
        if fault := _fault(value):
            raise InvalidRequest.at(_shown(pointer), fault)
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, part in parts:
            if fault := _fault(name):
                raise InvalidRequest.at(_shown(pointer), f"In a name here: {fault}")
            waiting.append((f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}", part, depth + 1))
    size = len(json.dumps(preferences, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_BYTES:
        raise InvalidRequest.at("", f"Preferences may have {MAX_BYTES} bytes of JSON; these have {size}.")


def _fault(value: Any) -> str | None:
    match value:
        case str() if UNSTORABLE.search(value):
            return "NUL and halves of surrogate pairs cannot be kept."
        case float() if not isfinite(value):
            return "This is no number JSON can write."
        case int() if not isinstance(value, bool) and abs(value) >= 10**MAX_DIGITS:
            return f"A number may have {MAX_DIGITS} digits."
    return None


def _shown(pointer: str) -> str:
    return pointer[:300]
