"""`/dev/mail`: the mails of development, for people, tests and scripts. Does not exist in production.

Whoever reads them can use their links. So it answers browsers for pages of the same site alone, under no name that
somebody else's DNS could lead here by, and nobody who comes from the public internet.
"""

import re
from email import policy
from email.parser import BytesParser
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader

from app.core.db import DbSession
from app.core.dependencies import SettingsDep
from app.core.ids import IdFormat, encode
from app.core.problems import NotFound
from app.core.visitor import client_ip
from app.core.wire import Text, moment
from app.mail import queries
from app.mail.models import CaughtMail
from app.mail.writing import TEMPLATES

MailId = Annotated[UUID, IdFormat("mail")]
To = Annotated[Text | None, Query(description="Only those to this address.")]
_LINK = re.compile(r"https?://\S+")
_PAGES = Environment(
    loader=FileSystemLoader(TEMPLATES.parent / "web"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_COMMON = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
_OF_PAGES = _COMMON | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
# What a mail would run or fetch it may not; its links open outside.
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_OF_MAILS = _COMMON | {
    "Content-Security-Policy": f"sandbox {_SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}


def _only_from_here(request: Request, settings: SettingsDep) -> None:
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    is_ours = host == "localhost" or host.endswith(".localhost") or host == urlsplit(settings.api.public_url).hostname
    came_by = [client_ip(request, settings), *request.headers.get("x-forwarded-for", "").split(",")]
    if (
        not (is_ours or _address(host))
        or request.headers.get("sec-fetch-site") == "cross-site"
        or any(found.is_global for hop in came_by if (found := _address(hop.strip())))
    ):
        raise NotFound


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


router = APIRouter(prefix="/dev/mail", include_in_schema=False, dependencies=[Depends(_only_from_here)])


def _read(mail: CaughtMail) -> dict[str, Any]:
    return {
        "id": encode("mail", mail.id),
        "kind": mail.kind,
        "to": mail.to_address,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "links": _LINK.findall(mail.text),
        "created_at": moment(mail.created_at),
    }


async def _get(session: DbSession, mail_id: MailId) -> CaughtMail:
    mail = await queries.find_caught(session, mail_id)
    if mail is None:
        raise NotFound
    return mail


Caught = Annotated[CaughtMail, Depends(_get)]


@router.get("")
async def show_all(session: DbSession, to: To = None) -> Response:
    """The newest first, as a page."""
    mails = [_read(mail) for mail in await queries.list_caught(session, to=to)]
    return HTMLResponse(_PAGES.get_template("list.html").render(mails=mails, to=to), headers=_OF_PAGES)


@router.get(".json")
async def list_all(session: DbSession, to: To = None) -> Response:
    """The newest first."""
    return JSONResponse({"data": [_read(mail) for mail in await queries.list_caught(session, to=to)]}, headers=_COMMON)


@router.delete("")
async def forget_all(session: DbSession) -> Response:
    await queries.forget_caught(session)
    return Response(status_code=204)


@router.get("/{mail_id}")
async def show(mail: Caught) -> Response:
    """One mail as a page: its links, its text, and its HTML in a frame that can do nothing."""
    head = BytesParser(policy=policy.default).parsebytes(mail.raw, headersonly=True)
    page = _PAGES.get_template("mail.html").render(mail=_read(mail), headers=list(head.items()), sandbox=_SANDBOX)
    return HTMLResponse(page, headers=_OF_PAGES)


@router.get("/{mail_id}/html")
async def show_html(mail: Caught) -> Response:
    return HTMLResponse(mail.html, headers=_OF_MAILS)


@router.get("/{mail_id}/raw")
async def show_raw(mail: Caught) -> Response:
    return Response(mail.raw, media_type="text/plain; charset=utf-8", headers=_OF_MAILS)
