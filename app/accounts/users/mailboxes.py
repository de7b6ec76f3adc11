"""Which mailbox is behind an address, as far as its provider's rules are known, and which are thrown away soon."""

from functools import lru_cache
from pathlib import Path

from app.core.settings import Settings

_GMAIL = frozenset({"gmail.com", "googlemail.com"})
# Providers whose addresses reach the mailbox of what stands before a `+`.
_PLUS = frozenset(
    {
        *("outlook.com", "hotmail.com", "live.com", "msn.com", "icloud.com", "me.com", "mac.com"),
        *("fastmail.com", "fastmail.fm", "proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        *("zoho.com", "mailbox.org", "posteo.de", "posteo.net", "hey.com", "tutanota.com", "tuta.io", "runbox.com"),
        *("yandex.com", "yandex.ru", "ya.ru", "mail.ru", "gmx.com", "gmx.net", "gmx.de"),
    }
)
_SAME = {
    "googlemail.com": "gmail.com",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "pm.me": "proton.me",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "ya.ru": "yandex.com",
    "yandex.ru": "yandex.com",
}
_DISPOSABLE = frozenset(
    {
        *("10minutemail.com", "10minutemail.net", "20minutemail.com", "33mail.com", "discard.email", "dispostable.com"),
        *(
            "emailondeck.com",
            "fakeinbox.com",
            "fakemail.net",
            "getairmail.com",
            "getnada.com",
            "grr.la",
            "guerrillamail.com",
        ),
        *("guerrillamail.net", "guerrillamail.org", "guerrillamail.biz", "guerrillamail.de", "guerrillamailblock.com"),
        *("inboxkitten.com", "mailcatch.com", "maildrop.cc", "mailinator.com", "mailinator.net", "mailnesia.com"),
        *(
            "mailnull.com",
            "mailsac.com",
            "mintemail.com",
            "mohmal.com",
            "mytemp.email",
            "nada.email",
            "sharklasers.com",
        ),
        *(
            "spam4.me",
            "spamgourmet.com",
            "temp-mail.io",
            "temp-mail.org",
            "tempail.com",
            "tempmail.com",
            "tempmail.dev",
        ),
        *("tempmail.net", "tempmailo.com", "tempr.email", "throwawaymail.com", "trashmail.com", "trashmail.de"),
        *("trashmail.net", "tmpmail.org", "tmpmail.net", "yopmail.com", "yopmail.fr", "yopmail.net", "moakt.com"),
        *("burnermail.io", "mail-temp.com", "minutemail.com", "emailtemp.org", "crazymailing.com", "spambox.us"),
    }
)


def masked(address: str) -> str:
    """As its owner recognises it, and others do not learn it."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}•••@{domain}"


def canonical(address: str) -> str:
    """One name for all addresses of a mailbox: in small letters, without tags and, at Gmail, without dots."""
    local, _, domain = address.lower().rpartition("@")
    if domain in _GMAIL or domain in _PLUS:
        local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local = local.replace(".", "") or local
    return f"{local}@{_SAME.get(domain, domain)}"


def is_disposable(settings: Settings, address: str) -> bool:
    """Whether the address is of a provider of addresses for a few minutes, or of one the operator lists."""
    if settings.auth.disposable == "allow":
        return False
    listed = _DISPOSABLE | _listed(settings.auth.disposable_domains)
    labels = address.lower().rpartition("@")[2].split(".")
    return any(".".join(labels[place:]) in listed for place in range(len(labels)))


@lru_cache(maxsize=4)
def _listed(path: Path | None) -> frozenset[str]:
    """A domain a line; what follows a # is for the reader. Raises OSError."""
    if path is None:
        return frozenset()
    lines = (line.partition("#")[0].strip().lower() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line.removeprefix("@") for line in lines if line)
