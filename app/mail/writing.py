"""From a row of the outbox to a mail: subject, text and HTML, all made of one source.

A source is `<locale>/<kind>.txt`: a line `Subject:`, then blocks with an empty line between them. `[Words]` is the
button with the mail's link, lines that begin with `- ` are a list, everything else a paragraph. Blocks are Jinja
templates for plain text; the layouts put them together, and that of HTML escapes them.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import partial
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import idna
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    Undefined,
    select_autoescape,
)

from app.core import clock, tokens
from app.core.settings import Settings
from app.mail import facts
from app.mail.errors import Rejected

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_SUBJECT = 59
FALLBACK_LOCALE = "en"
PAGES = {
    "verify_email": "verify-email",
    "reset_password": "reset-password",
    "confirm_email_change_old": "confirm-email-change",
    "confirm_email_change_new": "confirm-email-change",
    "confirm_identity": "confirm-identity",
    "confirm": "confirm",
    "invitation": "accept-invitation",
}
"""Where the link of a kind leads: a page of the front end's, or else of ours (`app.accounts.pages`)."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a mail is to say, and to whom."""

    id: UUID
    kind: str
    to_address: str
    locale: str
    facts: dict[str, Any]
    token_id: UUID | None
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to be sent. `message` is the whole of it; the same order always makes the same parts and id."""

    id: UUID
    kind: str
    to: str
    subject: str
    text: str
    html: str
    message: EmailMessage


@dataclass(frozen=True, slots=True)
class Block:
    text: str
    lines: tuple[str, ...] = ()
    is_button: bool = False


Shape = Literal["paragraph", "list", "button"]


class Writer:
    """One per process; what comes of a template is kept, so that a change to one is seen after a restart."""

    def __init__(self, settings: Settings, *, undefined: type[Undefined] = Undefined) -> None:
        self._settings = settings
        folders = [folder for folder in (settings.mail.templates, TEMPLATES) if folder is not None]
        self._loader = ChoiceLoader([FileSystemLoader(folder) for folder in folders])
        # Plain text: it is the layout that makes HTML of it, and escapes.
        self._words = Environment(undefined=undefined, autoescape=False)  # noqa: S701
        self._layouts = Environment(
            loader=self._loader,
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"], default=False),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._sources: dict[tuple[str, str], list[tuple[Shape, Template]] | None] = {}

    def write(self, order: Order) -> Letter:
        """Raises Rejected when the address or the kind is none; whatever else it raises is a fault of a template."""
        to = _on_the_wire(order.to_address)
        locale = order.locale.lower().partition("-")[0]
        if not re.fullmatch("[a-z]{2,3}", locale) or self._source(locale, order.kind) is None:
            locale = FALLBACK_LOCALE
        known = self._known(order, locale)
        subject, *blocks = self._render(locale, order.kind, known)
        link_words, *footer = self._render(locale, "common", known)
        parts = {
            "locale": locale,
            "subject": _cut(subject.text.removeprefix("Subject:").strip()),
            "product": known["product"],
            "blocks": [block for block in blocks if known["link"] or not block.is_button],
            "link": known["link"],
            "link_words": link_words.text,
            "footer": [block.text for block in footer],
        }
        text = self._layouts.get_template("layout.txt").render(parts).strip() + "\n"
        html = self._layouts.get_template("layout.html").render(parts).strip() + "\n"
        message = self._message(order.id, to, str(parts["subject"]), text, html)
        return Letter(order.id, order.kind, to, str(parts["subject"]), text, html, message)

    def _known(self, order: Order, locale: str) -> dict[str, Any]:
        """What the words of a template may name."""
        known: dict[str, Any] = {name: facts.clean(value) for name, value in order.facts.items() if value is not None}
        known |= {
            "to": order.to_address,
            "product": self._settings.mail.product,
            "support": parseaddr(self._settings.mail.reply_to or "")[1] or None,
            "link": self._link(order),
        }
        if order.expires_at is not None:
            known["life"] = facts.life(order.expires_at - order.created_at, locale)
        return known

    def _link(self, order: Order) -> str | None:
        if order.token_id is None or order.kind not in PAGES:
            return None
        base = (self._settings.auth.app_url or self._settings.api.public_url).rstrip("/")
        return f"{base}/account/{PAGES[order.kind]}?token={tokens.make(self._settings, order.token_id)}"

    def _render(self, locale: str, name: str, known: dict[str, Any]) -> list[Block]:
        """Its blocks, without those that nothing is left of."""
        source = self._source(locale, name)
        if source is None:
            raise Rejected(f"there is no template {locale}/{name}.txt")
        blocks = []
        for shape, template in source:
            lines = tuple(stripped for line in template.render(known).splitlines() if (stripped := line.strip()))
            match shape:
                case _ if not lines:
                    continue
                case "button":
                    blocks.append(Block(" ".join(lines)[1:-1], is_button=True))
                case "list":
                    blocks.append(Block("", tuple(line.removeprefix("- ") for line in lines)))
                case _:
                    blocks.append(Block(" ".join(lines)))
        return blocks

    def _source(self, locale: str, name: str) -> list[tuple[Shape, Template]] | None:
        key = locale, name
        if key not in self._sources:
            try:
                source, _, _ = self._loader.get_source(self._words, f"{locale}/{name}.txt")
            except TemplateNotFound:
                self._sources[key] = None
            else:
                words = self._words.overlay()
                words.filters = self._words.filters | {
                    "brand": partial(facts.brand, locale=locale),
                    "role": partial(facts.role, locale=locale),
                    "when": partial(facts.when, locale=locale),
                }
                parts = re.split(r"\n[ \t]*\n", source.strip())
                self._sources[key] = [(_shape(part), words.from_string(part)) for part in parts]
        return self._sources[key]

    def _message(self, mail_id: UUID, to: str, subject: str, text: str, html: str) -> EmailMessage:
        mail = self._settings.mail
        message = EmailMessage(policy=SMTP)
        try:
            message["To"] = to
            addresses = message["To"].addresses
        except (ValueError, IndexError):
            addresses = ()
        if len(addresses) != 1 or addresses[0].addr_spec != to:
            raise Rejected("this is not one address")
        message["From"] = mail.sender
        message["Subject"] = subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{mail_id}@{mail.sender_domain}>"
        message["Auto-Submitted"] = "auto-generated"
        if mail.reply_to:
            message["Reply-To"] = mail.reply_to
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        return message


def _shape(source: str) -> Shape:
    """Told by the source alone: whatever a fact says, it makes no button and no list."""
    lines = [re.sub(r"{%.*?%}", "", line).strip() for line in source.strip().splitlines()]
    if len(lines) == 1 and lines[0].startswith("[") and lines[0].endswith("]"):
        return "button"
    return "list" if all(line.startswith("- ") for line in lines) else "paragraph"


def _cut(subject: str) -> str:
    subject = "".join(letter for letter in subject if letter.isprintable())
    return subject if len(subject) <= LONGEST_SUBJECT else subject[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _on_the_wire(address: str) -> str:
    """With the domain in ASCII, as mail servers take it. Raises Rejected.

    By IDNA 2008, as addresses are validated: the codec of Python is IDNA 2003, to which `faß.de` is `fass.de`, somebody
    else's.
    """
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        raise Rejected("the domain of the address is none") from None
