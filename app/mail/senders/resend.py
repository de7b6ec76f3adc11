"""Mails by Resend's API (https://resend.com/docs/api-reference/emails/send-email)."""

from email.utils import parsedate_to_datetime
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import httpx
import orjson

from app.core import clock
from app.core.account_settings import Mail
from app.mail.errors import NotSent, Paused, Rejected, Transient
from app.mail.senders.base import Receipt
from app.mail.writing import Letter

UNREACHABLE_SECONDS = 10.0
REFUSED_SECONDS = 60.0
QUOTA_SECONDS = 3600.0
LONGEST_REST_SECONDS = 86400.0
# What is wrong with these is not the mail.
_OF_OUR_SETTINGS = frozenset(
    {"missing_api_key", "restricted_api_key", "invalid_api_key", "invalid_from_address", "invalid_region", "not_found"}
    | {"method_not_allowed", "security_error", "invalid_access"}
)


class Resend:
    name = "resend"

    def __init__(self, settings: Mail) -> None:
        assert settings.resend_key is not None
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.resend_url.rstrip("/"),
            headers={
                "Authorization": f"Bearer {settings.resend_key.get_secret_value()}",
                "User-Agent": f"backlot/{version('backlot')}",
                "Content-Type": "application/json",
            },
            timeout=httpx.Timeout(20, connect=5),
        )

    async def send(self, letter: Letter) -> Receipt:
        """By the letter's own Idempotency-Key: sent again, it is one mail."""
        body: dict[str, Any] = {
            "from": self._settings.sender,
            "to": [letter.to],
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "headers": {"Auto-Submitted": "auto-generated"},
            "tags": [{"name": "kind", "value": letter.kind}],
        }
        if self._settings.reply_to:
            body["reply_to"] = self._settings.reply_to
        content = orjson.dumps(body)
        key = f"{letter.kind}:{letter.id}"
        answer = await self._post(content, key)
        if _name(answer) == "invalid_idempotent_request":
            # A template or a setting was changed between two tries; a second mail is better than none.
            answer = await self._post(content, f"{key}:{sha256(content).hexdigest()[:16]}")
        if not answer.is_success:
            raise _refused(answer)
        provider_id = _json(answer).get("id")
        if not isinstance(provider_id, str):
            raise Transient(f"the answer, {answer.status_code}, is none of Resend's")
        is_last = answer.headers.get("ratelimit-remaining") == "0"
        return Receipt(provider_id[:200], _seconds(answer.headers.get("ratelimit-reset"), 1) if is_last else 0)

    async def rest(self) -> None:
        pass

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, content: bytes, key: str) -> httpx.Response:
        try:
            return await self._client.post("/emails", content=content, headers={"Idempotency-Key": key})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as fault:
            raise Paused(f"Resend cannot be reached: {fault!r}", UNREACHABLE_SECONDS) from fault
        except httpx.HTTPError as fault:
            raise Transient(f"no answer of Resend: {fault!r}") from fault


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _name(answer: httpx.Response) -> str:
    return "" if answer.is_success else str(_json(answer).get("name") or "")


def _refused(answer: httpx.Response) -> NotSent:
    """What its error means for the mail; the name before the status, which has changed."""
    name, status = _name(answer), answer.status_code
    reason = f"{status} {name} {_json(answer).get('message') or ''}"
    if "quota_exceeded" in name:
        seconds = _seconds(answer.headers.get("retry-after"), QUOTA_SECONDS)
        return Paused(reason, seconds, is_refusal=True)
    if status == 429 or name == "rate_limit_exceeded":
        headers = answer.headers
        return Paused(reason, _seconds(headers.get("retry-after") or headers.get("ratelimit-reset"), 1))
    if status in (401, 403, 404, 405, 451) or name in _OF_OUR_SETTINGS:
        return Paused(reason, REFUSED_SECONDS, is_refusal=True)
    if status in (408, 409, 425) or status >= 500 or status < 400:
        return Transient(reason)
    return Rejected(reason)


def _seconds(told: str | None, default: float) -> float:
    """Of `Retry-After`, which is a number of seconds or a date."""
    seconds = default
    if told is not None:
        try:
            seconds = float(told)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(told) - clock.now()).total_seconds()
            except (TypeError, ValueError):
                seconds = default
    return min(max(seconds, 0.5), LONGEST_REST_SECONDS) if seconds == seconds else default
