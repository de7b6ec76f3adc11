"""The OpenAPI document: each operation says all a client needs, so a route that says less fails here."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from app.accounts.permissions import NEEDS
from app.core.problems import CONTENT_TYPE, Problem
from app.core.settings import Settings
from app.feed.schemas import EVENT_TYPES
from app.main import create_app
from app.openapi import PROMISES

Json = dict[str, Any]
DOCUMENT: Json = create_app(Settings(_env_file=None)).openapi()  # type: ignore[call-arg]
OPERATIONS: dict[str, Json] = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
WEBHOOKS: dict[str, Json] = {name: methods["post"] for name, methods in DOCUMENT["webhooks"].items()}
PUBLIC = {name for name, need in NEEDS.items() if need.is_public}
# What each operation with a caller may answer with: bad credentials, no right, no server, no luck.
ALWAYS = {"400", "401", "403", "422", "500", "503"}

every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


def resolve(part: Json) -> Json:
    while "$ref" in part:
        name = part["$ref"].removeprefix("#/components/")
        section, _, key = name.partition("/")
        part = DOCUMENT["components"][section][key]
    return part


def examples(media: Json) -> list[Any]:
    return [media["example"]] if "example" in media else [one["value"] for one in media.get("examples", {}).values()]


def faults(schema: Json, value: Any) -> list[str]:
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_operation_ids_are_stable_names_of_one_operation_each() -> None:
    names = [operation["operationId"] for operation in (*OPERATIONS.values(), *WEBHOOKS.values())]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


def test_every_tag_in_use_is_described() -> None:
    described = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    used = [*OPERATIONS.values(), *WEBHOOKS.values()]
    assert described == {tag for operation in used for tag in operation["tags"]}


@every_operation
def test_it_is_described_in_its_own_words(operation: Json) -> None:
    made_up = operation["operationId"].replace("_", " ").title()
    assert operation["summary"] not in ("", made_up)
    assert operation["description"].startswith(operation["summary"])
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "path":
            assert parameter.get("description"), parameter["name"]


@every_operation
def test_it_says_who_may_call_and_what_they_hear_otherwise(operation: Json) -> None:
    if operation["operationId"] in PUBLIC:
        assert not operation.get("security")
        return
    ways = [next(iter(way.items())) for way in operation["security"]]
    names, scopes = {name for name, _ in ways}, [asked for _, asked in ways]
    if names == {"Bearer", "Cookie"}:  # of a user who is signed in
        assert not any(scopes)
    else:
        assert names == {"Bearer", "ApiKey", "Cookie"}
        assert all(scopes), "no scope is asked for"
    missing = ALWAYS - operation["responses"].keys()
    assert not missing


@every_operation
def test_a_body_has_an_example_and_all_that_may_be_wrong_with_it(operation: Json) -> None:
    if "requestBody" not in operation:
        return
    assert {"400", "408", "413", "415", "422"} <= operation["responses"].keys()
    for kind, media in operation["requestBody"]["content"].items():
        shown = examples(media)
        assert shown
        for value in shown:
            assert faults(media["schema"], value) == [], kind


@every_operation
def test_its_answers_have_examples_that_are_true_to_their_schema(operation: Json) -> None:
    assert any(status < "4" for status in operation["responses"])
    for status, answer in operation["responses"].items():
        assert answer["description"]
        assert bool(answer.get("content")) == (status not in ("204", "302", "304")), status
        for kind, media in answer.get("content", {}).items():
            if status >= "4" and operation["operationId"] != "get_ready":
                assert kind == CONTENT_TYPE
            shown = examples(media)
            assert shown, status
            for value in shown:
                assert faults(media["schema"], value) == [], status


@every_operation
def test_problems_are_shown_by_codes_of_the_catalogue(operation: Json) -> None:
    for status, answer in operation["responses"].items():
        for code, example in answer.get("content", {}).get(CONTENT_TYPE, {}).get("examples", {}).items():
            assert Problem.catalogue[code].status == int(status)
            assert example["value"]["code"] == code


@every_operation
def test_its_headers_are_documented(operation: Json) -> None:
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    must = {
        "201": {"Location"},
        "202": {"Location"},
        "302": {"Location"},
        "401": {"WWW-Authenticate"},
        "503": {"Retry-After"},
    }
    for status, answer in operation["responses"].items():
        headers = answer["headers"]
        if status == "202" and operation["operationId"] in PROMISES:
            assert "Location" not in headers
        else:
            assert {"X-Request-Id"} | must.get(status, set()) <= headers.keys(), status
        assert all(resolve(header)["description"] for header in headers.values())
        if status[0] == "2":
            assert ("Idempotency-Replayed" in headers) == ("Idempotency-Key" in parameters)
        if status in ("200", "304") and "304" in operation["responses"]:
            assert "ETag" in headers
            assert "If-None-Match" in parameters


def test_every_type_of_events_is_a_webhook() -> None:
    assert list(WEBHOOKS) == list(EVENT_TYPES)


@pytest.mark.parametrize("name", WEBHOOKS)
def test_a_webhook_is_the_event_with_an_example_that_is_true_to_its_schema(name: str) -> None:
    webhook = WEBHOOKS[name]
    (media,) = webhook["requestBody"]["content"].values()
    event = media["example"]
    assert faults(media["schema"], event) == []
    assert (event["type"], event["version"]) == (name, EVENT_TYPES[name].version)
    schema = resolve(media["schema"])
    assert schema["properties"].keys() == event.keys()
    assert resolve(schema["properties"]["data"])["properties"].keys() == event["data"].keys()
    assert faults(media["schema"], event | {"type": "task.unheard_of"}) != []
    assert webhook["description"].startswith(webhook["summary"])


@pytest.mark.parametrize("webhook", WEBHOOKS.values(), ids=WEBHOOKS.keys())
def test_a_webhook_says_how_it_is_signed_and_what_to_answer(webhook: Json) -> None:
    headers = {parameter["name"]: parameter for parameter in webhook["parameters"]}
    assert headers.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert all(header["in"] == "header" and header["required"] and header["description"] for header in headers.values())
    assert all(answer["description"] for answer in webhook["responses"].values())
    assert "2XX" in webhook["responses"]


def test_both_ways_to_upload_are_documented() -> None:
    body = OPERATIONS["POST /v1/assets"]["requestBody"]["content"]
    assert body.keys() == {"multipart/form-data", "application/json"}
