"""Public ids: TypeIDs (a prefix and a UUIDv7 in Crockford base32), stored as plain `uuid`.

https://github.com/jetify-com/typeid/tree/main/spec
"""

from typing import Annotated, Any
from uuid import UUID

import uuid_utils.compat
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError
from typeid import TypeID
from typeid.errors import TypeIDException


def new_id() -> UUID:
    """A UUIDv7: ids sort by the time they were made."""
    return uuid_utils.compat.uuid7()


def encode(prefix: str, value: UUID) -> str:
    return str(TypeID.from_uuid(value, prefix))


def decode(prefix: str, text: str) -> UUID:
    """Raises ValueError when `text` is no id of that kind."""
    try:
        parsed = TypeID.from_string(text)
    except (TypeIDException, ValueError) as fault:
        raise ValueError(f"not a valid id; expected {prefix}_ and 26 characters") from fault
    if parsed.prefix != prefix or str(parsed) != text:
        raise ValueError(f"not a valid id; expected {prefix}_ and 26 characters")
    return UUID(bytes=parsed.uuid.bytes)


def _example(prefix: str) -> str:
    return f"{prefix}_01jcqzm4x8e3v9tk5h2w7d6n0p"


def typed_id(prefix: str) -> Any:
    """The Pydantic type of ids with this prefix: a UUID inside, a TypeID on the wire."""

    def parse(value: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        try:
            return decode(prefix, str(value))
        except ValueError as fault:
            raise PydanticCustomError("invalid_id", str(fault)) from fault  # type: ignore[arg-type]

    schema = {
        "type": "string",
        "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$",
        "examples": [_example(prefix)],
    }
    return Annotated[
        UUID,
        BeforeValidator(parse),
        PlainSerializer(lambda value: encode(prefix, value), return_type=str),
        WithJsonSchema(schema),
    ]


WorkspaceId = typed_id("ws")
UserId = typed_id("user")
KeyId = typed_id("key")
AssetId = typed_id("asset")
TaskId = typed_id("task")
EventId = typed_id("evt")
AttemptId = typed_id("att")
TransactionId = typed_id("txn")
