"""Public ids: TypeIDs (a prefix and a UUIDv7 in Crockford base32), stored as plain `uuid`.

https://github.com/jetify-com/typeid/tree/main/spec
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import uuid_utils.compat
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typeid import base32


def new_id() -> UUID:
    """A UUIDv7: ids sort by the time they were made."""
    return uuid_utils.compat.uuid7()


def encode(prefix: str, value: UUID) -> str:
    return f"{prefix}_{base32.encode(value.bytes)}"


_SUFFIX = re.compile("[0-7][0-9a-hjkmnp-tv-z]{25}")


def decode(prefix: str, text: str) -> UUID:
    """Raises ValueError when `text` is no id of that kind."""
    given, _, suffix = text.rpartition("_")
    if given != prefix or not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"not a valid id; expected {prefix}_ and 26 characters")
    return UUID(bytes=base32.decode(suffix))


@dataclass(frozen=True, slots=True)
class IdFormat:
    """Annotates a UUID that is a TypeID with this prefix on the wire."""

    prefix: str

    def _parse(self, value: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        try:
            return decode(self.prefix, str(value))
        except ValueError as fault:
            raise PydanticCustomError("invalid_id", "{reason}", {"reason": str(fault)}) from fault

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: encode(self.prefix, value), return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": f"^{self.prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$",
            "examples": [f"{self.prefix}_01jcqzm4x8e3v9tk5h2w7d6n0p"],
        }


WorkspaceId = Annotated[UUID, IdFormat("ws")]
UserId = Annotated[UUID, IdFormat("user")]
KeyId = Annotated[UUID, IdFormat("key")]
AssetId = Annotated[UUID, IdFormat("asset")]
TaskId = Annotated[UUID, IdFormat("task")]
BatchId = Annotated[UUID, IdFormat("batch")]
EventId = Annotated[UUID, IdFormat("evt")]
AttemptId = Annotated[UUID, IdFormat("att")]
TransactionId = Annotated[UUID, IdFormat("txn")]
GrantId = Annotated[UUID, IdFormat("grant")]
SessionId = Annotated[UUID, IdFormat("sess")]
IdentityId = Annotated[UUID, IdFormat("ident")]
InvitationId = Annotated[UUID, IdFormat("inv")]
ExportId = Annotated[UUID, IdFormat("export")]
AuditEntryId = Annotated[UUID, IdFormat("audit")]
WebhookEndpointId = Annotated[UUID, IdFormat("whe")]
WebhookDeliveryId = Annotated[UUID, IdFormat("whd")]
