"""Who holds a key, by its row."""

from collections.abc import Mapping
from datetime import datetime
from secrets import compare_digest
from typing import Any

from app.accounts.errors import AccountSuspended, InvalidApiKey
from app.accounts.keys import networks
from app.accounts.keys.secrets import ParsedKey
from app.accounts.models import Role, UserStatus
from app.accounts.permissions import ROLE_SCOPES
from app.accounts.schemas import CallerInfo, KeyLimits
from app.core import clock


def admit(parsed: ParsedKey | None, row: Mapping[str, Any] | None) -> CallerInfo:
    """Who holds the key, by its row with the user's. Raises InvalidApiKey or AccountSuspended."""
    if parsed is None:
        raise InvalidApiKey("This is not an API key: its form or checksum is wrong. Was it copied whole?")
    if row is None or row["mode"] != parsed.mode:
        raise InvalidApiKey("There is no such API key.")
    is_superseded = _is_previous(parsed, row)
    if not is_superseded and not compare_digest(row["secret_hash"], parsed.secret_hash):
        raise InvalidApiKey("There is no such API key.")
    if row["revoked_at"] is not None:
        raise InvalidApiKey("This API key was revoked.")
    if row["expires_at"] is not None and row["expires_at"] <= clock.now():
        raise InvalidApiKey("This API key has expired.")
    if row["is_workspace_gone"]:
        raise InvalidApiKey("The workspace of this API key was deleted.")
    if row["user_status"] != UserStatus.ACTIVE:
        raise AccountSuspended
    scopes = frozenset(row["scopes"])
    if row["member_role"] is not None:
        scopes &= ROLE_SCOPES[row["member_role"]]
    return CallerInfo(
        workspace_id=row["workspace_id"],
        user_id=row["user_id"],
        key_id=row["id"],
        mode=parsed.mode,
        scopes=scopes,
        role=row["member_role"],
        is_admin=row["user_role"] == Role.ADMIN,
        is_verified=row["is_verified"],
        is_leaving=row["is_leaving"],
        ends_at=_soonest(row["expires_at"], row["previous_until"] if is_superseded else None),
        is_superseded=is_superseded,
        limits=_limits(row),
    )


def _is_previous(parsed: ParsedKey, row: Mapping[str, Any]) -> bool:
    """Whether it is the secret before, in the overlap. Raises InvalidApiKey when that is over."""
    previous = row["previous_secret_hash"]
    if previous is None or not compare_digest(previous, parsed.secret_hash):
        return False
    if row["previous_until"] <= clock.now():
        raise InvalidApiKey("This API key was rotated, and its old secret has ended. Use the new one.")
    return True


def _soonest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _limits(row: Mapping[str, Any]) -> KeyLimits | None:
    ips, operations = row["allowed_ips"], row["allowed_operations"]
    limits = KeyLimits(
        networks=None if ips is None else tuple(networks.read(text) for text in ips),
        operations=None if operations is None else frozenset(operations),
        rate_limit=row["rate_limit"],
        budget_key_id=row["budget_key_id"],
    )
    return None if limits == KeyLimits() else limits
