"""What others wrote, made fit to stand in a mail of ours: a name is no place for a message, a link or a line break."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

LONGEST = 80
_KEPT_FORMATS = "\u200c\u200d"
"""Joiners: some scripts, and emoji, are not written without them."""
_AS_IT_IS = re.compile(
    r"[\w.+%'-]{1,64}@[\w.-]{1,255}"  # an address
    r"|\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)"  # a moment
)
_ISOLATED = "\u2068{}\u2069"
_JOINER = "\u2060"


def clean(value: Any) -> str:
    """One short line, which turns no text around it, and which mail programs make no link of."""
    text = unicodedata.normalize("NFC", str(value))
    text = " ".join("".join(_kept(letter) for letter in text).split())
    if _AS_IT_IS.fullmatch(text) or _is_ip(text):
        return text
    if len(text) > LONGEST:
        text = text[: LONGEST - 1].rstrip() + "…"
    text = re.sub(r"(?<=\w)([.@])(?=[^\W\d])|(?<=:)(?=//)", lambda found: (found[1] or "") + _JOINER, text)
    return _ISOLATED.format(text) if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text) else text


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _kept(letter: str) -> str:
    match unicodedata.category(letter):
        case "Cc" | "Zl" | "Zp" | "Zs":
            return " "
        case "Cf":
            return letter if letter in _KEPT_FORMATS else ""
        case "Cs" | "Co" | "Cn":
            return ""
    return letter


_BRANDS = {"google": "Google", "github": "GitHub"}
_PLAIN = re.compile(r"[\w -]{1,30}")


def brand(name: str, locale: str) -> str:
    """How a provider of sign-ins writes itself; it stands in subjects and on buttons, so that only plain names do."""
    found = _BRANDS.get(name, str(name))
    return found if _PLAIN.fullmatch(found) else "nhà cung cấp khác" if locale == "vi" else "another provider"


_ROLES = {"vi": {"owner": "chủ sở hữu", "admin": "quản trị viên", "member": "thành viên", "viewer": "người xem"}}


def role(name: str, locale: str) -> str:
    return _ROLES.get(locale, {}).get(name, name)


def when(text: str, locale: str) -> str:
    """A moment as `datetime.isoformat` writes it, in words; whatever else, as it is."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError):
        return text
    return moment.strftime("%H:%M ngày %d/%m/%Y (UTC)" if locale == "vi" else "%d %B %Y, %H:%M UTC")


_UNITS = {"en": ("minute", "hour", "day"), "vi": ("phút", "giờ", "ngày")}


def life(span: timedelta, locale: str) -> str:
    """How long, in the largest unit that says it exactly to the minute; one day is 24 hours."""
    locale = locale if locale in _UNITS else "en"
    minutes = max(1, round(span.total_seconds() / 60))
    count, unit = minutes, 0
    if minutes % 60 == 0:
        count, unit = minutes // 60, 1
    if minutes % 1440 == 0 and minutes > 1440:
        count, unit = minutes // 1440, 2
    plural = "s" if locale == "en" and count != 1 else ""
    return f"{count} {_UNITS[locale][unit]}{plural}"
