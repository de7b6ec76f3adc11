"""Users of another system: their addresses, their password hashes, and whether their addresses were verified there."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.hashes import why_not
from app.accounts.users import queries, service
from app.core import clock
from app.core.problems import Problem
from app.core.wire import Text


class ImportedUser(BaseModel):
    """A line of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: Text
    password_hash: Text | None = None
    email_verified: bool = False
    name: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    locale: Literal["en", "vi"] = "en"

    @field_validator("email")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            return service.normal_address(value)
        except Problem as fault:
            raise ValueError(fault.detail) from None

    @field_validator("password_hash")
    @classmethod
    def _can_be_verified(cls, value: str | None) -> str | None:
        if value is not None and (reason := why_not(value)):
            raise ValueError(reason)
        return value


class BadLine(Exception):
    """A line that cannot be read; the message names it."""


def read(lines: Iterable[str], *, is_csv: bool) -> Iterator[ImportedUser]:
    """JSON objects, one a line, or CSV with a first line of names; of CSV an empty field is none. Raises BadLine."""
    for number, values in _csv(lines) if is_csv else _json_lines(lines):
        try:
            yield ImportedUser.model_validate(values)
        except ValidationError as fault:
            error = fault.errors()[0]
            place = ".".join(str(part) for part in error["loc"]) or "the line"
            raise BadLine(f"line {number}: {place}: {error['msg']}") from None


def _json_lines(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as fault:
            raise BadLine(f"line {number}: not JSON: {fault}") from None


def _csv(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(lines, restkey="(too many fields)")
    try:
        for row in reader:
            yield reader.line_num, {name: value for name, value in row.items() if value != ""}
    except csv.Error as fault:
        raise BadLine(f"line {reader.line_num}: not CSV: {fault}") from None


async def add(session: AsyncSession, users: Sequence[ImportedUser]) -> int:
    """How many were added. The operator vouches for what was verified elsewhere, address and password.

    Who has an account here keeps it as it is, unless nobody ever showed that its address is theirs, and the line says
    whose it is: then what was set up is dropped.
    """
    added = 0
    for one in sorted(users, key=lambda user: user.email.lower()):  # one order for all who import at once
        user, is_new = await service.add_user(session, one.email, name=one.name, locale=one.locale)
        if not is_new:
            if user.email_verified_at is not None or not one.email_verified:
                continue
            await service.drop_before(session, user, reason="imported")
            changes.tell(session, user.id)
        now = clock.now()
        user.password_hash = one.password_hash
        user.password_changed_at = now if one.password_hash else None
        if one.email_verified:
            user.email_verified_at = user.settled_at = now
        workspace = await queries.get_personal_workspace(session, user.id)
        audit.record(session, audit.OPERATOR, "user.imported", workspace_id=workspace.id, target=("user", user.id))
        added += 1
    return added
