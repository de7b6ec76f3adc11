"""The OpenAPI document: what FastAPI derives, and by rule what it cannot: headers, examples, summaries, the problem."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.core.problems import CONTENT_TYPE, BodyTimedOut, BodyTooLarge, UnsupportedMediaType, problems
from app.feed.schemas import EVENT_MODELS, EVENT_TYPES, EventType, example_event

VERSION = version("backlot")
Json = dict[str, Any]

DESCRIPTION = """\
JSON in `snake_case`, UTC timestamps, ids with a prefix that sort by time, credits as numbers with at most six decimals.

**Errors** are RFC 9457 `application/problem+json`; decide by `code`, all of which `GET /v1/problems` lists.
**Lists** are newest first: give `next_cursor` as `cursor` for the next page.
**`Idempotency-Key`** on a POST makes repeats safe for 24 hours: one effect, one answer.
**`X-Request-Id`** of yours (1 to 128 letters, digits and `._:-`) is used in answers and logs; else you get a new one.
**API keys** match `\\bbk_(?:live|test)_[0-9A-Za-z]{71}\\b`, and end in a checksum. Those with a rate limit are told
where they stand in `RateLimit` and `RateLimit-Policy`.
"""

TAGS = {
    "tasks": "Order work on images, follow it, and get its results.",
    "batches": "Order the same work on many images at once.",
    "signing-in": "Sign up, sign in, and what to do about a forgotten password. Mostly public.",
    "assets": "Your images: uploaded, imported, or made by tasks.",
    "webhooks": "What happened, told to servers of yours.",
    "credits": "What the workspace has, and every movement of it.",
    "api-keys": "Keys that let programs in.",
    "sessions": "Where a user is signed in: going on, and signing out.",
    "oauth": "Signing in with a provider. Public.",
    "identities": "Who you are elsewhere, where that signs you in.",
    "me": "Who you are, and what your front end keeps for you.",
    "workspaces": "What resources, credits and keys belong to: yours alone, or a team's with its members.",
    "audit": "Who did what in the workspace, and from where.",
    "admin": "For administrators of the installation.",
    "privacy": "Take your data with you, or have your account deleted.",
    "catalog": "What can be ordered. Public.",
    "providers": "How those who do the work are doing.",
    "events": "All that happens in the workspace: listed, streamed, and told to webhooks.",
    "inbound": "For providers: told that a job has ended. Public.",
    "problems": "What can go wrong. Public.",
    "health": "For load balancers and orchestrators. Public.",
}

PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details. Some kinds have further members with their facts.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; listed at `GET /v1/problems`."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer into the body, as `/input/width`, or `query:limit`.",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

_SECONDS: Json = {"type": "string", "pattern": "^[0-9]+$"}
HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "Name it when you report a problem.",
        "required": True,
        "schema": {"type": "string", "examples": ["req_01jcqzm4x8e3v9tk5h2w7d6n0p"]},
    },
    "Location": {
        "description": "Where the result is.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "ETag": {
        "description": "Stands for this very content: give it as `If-None-Match`.",
        "required": True,
        "schema": {"type": "string", "examples": ['"6f1ed002ab5595859014ebf0951522d9"']},
    },
    "Idempotency-Replayed": {
        "description": "This is the answer to an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Preference-Applied": {
        "description": "The `Prefer` that was followed.",
        "schema": {"type": "string", "examples": ["wait=30"]},
    },
    "WWW-Authenticate": {
        "description": "How to show who you are.",
        "required": True,
        "schema": {"type": "string", "enum": ["Bearer"]},
    },
    "Retry-After": {"description": "Try again after so many seconds.", "required": True, "schema": _SECONDS},
}
# What says "try again": always with 503, and beside other conflicts only sometimes with 409.
_OPTIONAL_RETRY: Json = {"description": "Set when it is worth trying again.", "schema": _SECONDS}

IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "`ETag`s you have: 304 when the content is still one of them.",
    "schema": {"type": "string", "examples": ['"6f1ed002ab5595859014ebf0951522d9"']},
}
BODY_PROBLEMS = (BodyTimedOut, BodyTooLarge, UnsupportedMediaType)


WEBHOOK_HEADERS: dict[str, Json] = {
    "webhook-id": {
        "description": "The event's id: the same each time it is sent, so that you can know repeats.",
        "schema": {"type": "string", "examples": ["evt_01jcqzn5tbf7w8ad3e0k6m2r9h"]},
    },
    "webhook-timestamp": {
        "description": "When it is sent, in seconds since 1970: refuse what is some minutes off.",
        "schema": {"type": "string", "pattern": "^[0-9]+$", "examples": ["1795251602"]},
    },
    "webhook-signature": {
        "description": "Signatures of `{webhook-id}.{webhook-timestamp}.{body}` (https://www.standardwebhooks.com), "
        "separated by spaces; one that is right is enough. `v1,` and base64: HMAC-SHA256 with your secret. `v1a,` and "
        "base64: Ed25519, for the public key.",
        "schema": {"type": "string", "examples": ["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="]},
    },
}
WEBHOOK_ANSWERS: Json = {
    "2XX": {"description": "Taken: it is not sent again."},
    "410": {"description": "No more, please: the endpoint is disabled."},
    "default": {"description": "Anything else, or nothing for 15 s: it is sent again later."},
}
"""What the customer's server may say."""


PROMISES = frozenset({"sign_up", "resend_verification", "forgot_password", "change_email"})
"""Operations whose 202 has no place to look at: what comes of it is a mail, or nothing."""


def operations(document: Json) -> Iterator[Json]:
    for methods in document["paths"].values():
        yield from methods.values()


def _header_names(operation: Json, status: str) -> Iterator[str]:
    """Which headers an answer carries, told by its status and by what else the operation documents."""
    takes = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    yield "X-Request-Id"
    match status:
        case "201" | "202" | "302" if operation["operationId"] not in PROMISES:
            yield "Location"
        case "401":
            yield "WWW-Authenticate"
        case "503":
            yield "Retry-After"
    if status in ("200", "304") and "304" in operation["responses"]:
        yield "ETag"
        if "prefer" in takes:
            yield "Preference-Applied"
    if status.startswith("2") and "idempotency-key" in takes:
        yield "Idempotency-Replayed"


def _resolved(schema: Json, schemas: Json) -> Json:
    found: Json = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _chosen(schema: Json, value: Any) -> Json:
    """Of several kinds that of the value, of "this, or null" the first."""
    kinds = schema.get("discriminator")
    if kinds is not None and value is not None:
        return {"$ref": kinds["mapping"][value[kinds["propertyName"]]]}
    first: Json = (schema.get("anyOf") or schema.get("oneOf") or [schema])[0]
    return first


def _example(schema: Json, schemas: Json) -> Any:
    """The example of a schema, put together from those of its parts where it has none of its own."""
    schema = _resolved(_chosen(schema, None), schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    match schema.get("type"):
        case "object":
            return {name: _example(part, schemas) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_example(schema["items"], schemas)]
    return None


def _with_nulls(value: Any, schema: Json, schemas: Json) -> Any:
    """FastAPI drops nulls from all of the document: a required field that an example lacks was one."""
    schema = _resolved(_chosen(schema, value), schemas)
    match value:
        case dict():
            parts = schema.get("properties", {})
            names = [name for name in parts if name in value or name in schema.get("required", ())]
            names += [name for name in value if name not in parts]
            return {name: _with_nulls(value.get(name), parts.get(name, {}), schemas) for name in names}
        case list():
            return [_with_nulls(item, schema.get("items", {}), schemas) for item in value]
    return value


def _complete(operation: Json, schemas: Json) -> None:
    operation["summary"] = operation.get("description", "").partition(". ")[0].partition("\n")[0].rstrip(".")
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    if bodies:
        for status, answer in problems(*BODY_PROBLEMS).items():
            known = operation["responses"].setdefault(str(status), answer)
            known["content"][CONTENT_TYPE]["examples"] |= answer["content"][CONTENT_TYPE]["examples"]
    for status, answer in operation["responses"].items():
        bodies.append(answer)
        if answer["description"] == "Successful Response":
            answer["description"] = "Done."
        headers = answer.setdefault("headers", {})
        for name in _header_names(operation, status):
            headers.setdefault(name, {"$ref": f"#/components/headers/{name}"})
        if "too_many_attempts" in str(answer):
            headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
        if "idempotency_key_in_flight" in str(answer):
            headers["Retry-After"] = _OPTIONAL_RETRY
    for body in bodies:
        for media in body.get("content", {}).values():
            if "example" in media:
                media["example"] = _with_nulls(media["example"], media["schema"], schemas)
            elif "examples" not in media:
                media["example"] = _example(media["schema"], schemas)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _webhook(event_type: EventType) -> Json:
    headers = [{"in": "header", "required": True, "name": name, **rest} for name, rest in WEBHOOK_HEADERS.items()]
    body = {
        "schema": {"$ref": f"#/components/schemas/{event_type.title}"},
        "example": example_event(event_type.name),
    }
    return {
        "post": {
            "tags": ["webhooks"],
            "operationId": f"receive_{event_type.name.replace('.', '_')}",
            "summary": event_type.description.partition(". ")[0].rstrip("."),
            "description": event_type.description,
            "parameters": headers,
            "requestBody": {"required": True, "content": {"application/json": body}},
            "responses": WEBHOOK_ANSWERS,
        }
    }


def _add_webhooks(made: Json) -> None:
    """What is sent to the customers' own servers: of each type of events one request."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in EVENT_MODELS.values()]
    _, found = models_json_schema(models, ref_template="#/components/schemas/{model}")
    for name, schema in found["$defs"].items():
        made["components"]["schemas"].setdefault(name, schema)
    made["webhooks"] = {name: _webhook(event_type) for name, event_type in EVENT_TYPES.items()}


def document(app: FastAPI) -> Json:
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = made["components"]
    components["headers"] = HEADERS
    components["schemas"]["Problem"] = PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    for schema in components["schemas"].values():
        if "examples" in schema:
            schema["examples"] = [_with_nulls(value, schema, components["schemas"]) for value in schema["examples"]]
    for operation in operations(made):
        _complete(operation, components["schemas"])
    _add_webhooks(made)
    return made


def install(app: FastAPI) -> None:
    def cached() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = cached  # type: ignore[method-assign]
