"""The vendors' own API descriptions, where BACKLOT_SPECS names a folder with them."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import yaml


@cache
def _document(file: str) -> Any:
    text = Path(os.environ["BACKLOT_SPECS"], file).read_text()
    if file.endswith(".json"):
        return orjson.loads(text)
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _schema(file: str, path: str, media: str) -> dict[str, Any]:
    document = _document(file)
    schema: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"][media]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**schema, "components": document["components"]}


def complaint(file: str, path: str, body: Mapping[str, Any], media: str = "application/json") -> str | None:
    """What the description says against the body of a request; None where it says nothing, or is not there."""
    if not os.environ.get("BACKLOT_SPECS"):
        return None
    schema = _schema(file, path, media)
    names = schema.get("properties")
    if names is not None and (strange := sorted(set(body) - set(names))):
        return f"{path}: it knows no {', '.join(strange)}"
    version = str(_document(file).get("openapi", ""))
    check = jsonschema.Draft4Validator if version.startswith("3.0") else jsonschema.Draft202012Validator
    fault = next(check(schema).iter_errors(dict(body)), None)
    return None if fault is None else f"{path}: {fault.message[:200]}"
