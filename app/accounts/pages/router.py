"""`/account/<page>`: where the links of mails lead as long as no front end of the operator's has pages for them.

Each shows a button; the token goes to the API when it is pressed. The page itself neither reads nor keeps it.
"""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from app.accounts.pages import words
from app.accounts.pages.words import Language
from app.core.dependencies import SettingsDep
from app.core.problems import NotFound

router = APIRouter(prefix="/account", include_in_schema=False)

_FOLDER = Path(__file__).parent
_FILES = {"page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8"}
_TEMPLATES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@router.get("/{page}")
async def show(page: str, request: Request, settings: SettingsDep) -> Response:
    """The page of that name, in the language the browser prefers."""
    language = choose(request.headers.get("accept-language", ""))
    if settings.auth.app_url is not None or page not in words.PAGES[language]:
        raise NotFound
    headers = _HEADERS | {"Content-Language": language, "Vary": "Accept-Language"}
    return HTMLResponse(_render(page, language, settings.mail.product), headers=headers)


@router.get("/files/{name}")
async def get_file(name: str, settings: SettingsDep) -> Response:
    """What the pages load."""
    if settings.auth.app_url is not None or name not in _FILES:
        raise NotFound
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(_read(name), headers=headers, media_type=_FILES[name])


def choose(accepted: str) -> Language:
    """Of an `Accept-Language` the language we speak that is liked best; else English."""
    liked: dict[Language, float] = {}
    for part in accepted[:500].split(","):
        name, _, options = part.partition(";")
        try:
            weight = float(options.strip().removeprefix("q=")) if options.strip() else 1.0
        except ValueError:
            continue
        for language in words.LANGUAGES:
            if name.strip().lower().partition("-")[0] == language:
                liked[language] = max(weight, liked.get(language, 0.0))
    best = max(liked, key=lambda language: liked[language], default=None)
    return best if best is not None and liked[best] > 0 else "en"


@cache
def _render(page: str, language: Language, product: str) -> str:
    common, own = words.COMMON[language], words.PAGES[language][page]
    texts = asdict(common) | {"done": own.done, "waiting": own.waiting, "problems": words.PROBLEMS[language]}
    return _TEMPLATES.get_template("page.html").render(
        page=page, language=language, product=product, words=own, common=common, texts=json.dumps(texts)
    )


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
