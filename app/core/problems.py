"""Failures as classes, rendered as RFC 9457 problem+json.

A failure is a class: its docstring is the title, its name in snake_case the code, `status` its HTTP status.
Facts given as keyword arguments become members of the body. Every class is listed at `GET /v1/problems`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

TYPE_BASE = "https://backlot.dev/problems/"
CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: a JSON pointer into the body, or `query:name` / `header:name` / `path:name`."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    catalogue: ClassVar[dict[str, type["Problem"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        if cls.code in Problem.catalogue:
            raise TypeError(f"{cls.code} is the code of another problem")
        Problem.catalogue[cls.code] = cls

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.facts = facts

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0].rstrip(".")

    @classmethod
    def at(cls, pointer: str, detail: str, *, code: str | None = None, **facts: Any) -> "Problem":
        """The problem with one field error: what is wrong at `pointer`."""
        return cls(detail, errors=[FieldError(pointer, code or cls.code, detail)], **facts)

    def body(self, request_id: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": TYPE_BASE + self.code,
            "title": self.title(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = [
                {"pointer": error.pointer, "code": error.code, "detail": error.detail} for error in self.errors
            ]
        return body | self.facts


class Internal(Problem):
    """Something went wrong on our side.

    Nothing was charged. Try again; if it stays, report the request_id.
    """

    status = 500


class MalformedRequest(Problem):
    """The request could not be read.

    The body is not valid JSON or multipart, or a header has a wrong form.
    """

    status = 400


class InvalidRequest(Problem):
    """One or more fields are not valid.

    `errors` names each field by JSON pointer and says what is wrong. Unknown fields are refused too.
    """

    status = 422


class InvalidCursor(Problem):
    """The cursor is not one of this list's.

    Use the `next_cursor` of the previous answer unchanged, or leave it out to start at the newest.
    """

    status = 422


class NotFound(Problem):
    """There is nothing here, or it is not yours."""

    status = 404


class MethodNotAllowed(Problem):
    """This path does not answer to that method."""

    status = 405


class BodyTooLarge(Problem):
    """The request body is larger than is accepted."""

    status = 413


class BodyTimedOut(Problem):
    """The rest of the request body did not come in time."""

    status = 408


class HeadTooLarge(Problem):
    """The URL and the headers together are larger than is accepted."""

    status = 431


class UnsupportedMediaType(Problem):
    """The content type is not one this route reads."""

    status = 415


class DependencyDown(Problem):
    """A service Backlot needs is not reachable just now.

    Nothing was lost. Try again after the seconds in `Retry-After`.
    """

    status = 503


class IdempotencyKeyReused(Problem):
    """This Idempotency-Key was used with another request.

    A key stands for one request for 24 hours. Use a new key for a new request.
    """

    status = 422


class IdempotencyKeyInFlight(Problem):
    """The first request with this Idempotency-Key is still running.

    Repeat it after the seconds in `Retry-After` to receive its answer.
    """

    status = 409


def field_errors(errors: Sequence[Any], prefix: str = "") -> list[FieldError]:
    """Pydantic's findings as field errors: `/input/width`, or `query:limit` for what is not in the body."""
    return [FieldError(_pointer(error["loc"], prefix), error["type"], error["msg"]) for error in errors]


def _pointer(location: Sequence[str | int], prefix: str) -> str:
    # What is in angle brackets is the tag of one of several models, and no field.
    fields = [str(part) for part in location if not re.fullmatch("<[a-z]+>", str(part))]
    parts = [field.replace("~", "~0").replace("/", "~1") for field in fields]
    if prefix or not parts:
        return prefix + "".join(f"/{part}" for part in parts)
    place, *rest = parts
    if place == "body":
        return "".join(f"/{part}" for part in rest)
    return f"{place}:{'.'.join(rest)}"


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: each status it may answer with, and which codes."""
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": " / ".join(kind.title() for kind in group),
            "content": {
                CONTENT_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.code: {"value": kind().body("req_01jcqzm4x8e3v9tk5h2w7d6n0p")} for kind in group},
                }
            },
        }
        for status, group in sorted(by_status.items())
    }
