"""The OpenAPI snapshot: writes docs/openapi.json, or with --check tells where it differs from the routes."""

import difflib
import json
import sys
from pathlib import Path

from openapi_spec_validator import validate

from app.main import create_app

SNAPSHOT = Path(__file__).parents[1] / "docs" / "openapi.json"


def generate() -> str:
    """What the routes say now, once a validator has found nothing wrong with it."""
    document = create_app().openapi()
    validate(document)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def difference() -> str:
    kept = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    lines = difflib.unified_diff(
        kept.splitlines(), generate().splitlines(), "docs/openapi.json", "the routes", n=2, lineterm=""
    )
    return "\n".join(lines)


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        if found := difference():
            print(f"{found}\n\nIf that is meant: make openapi")
        return bool(found)
    SNAPSHOT.write_text(generate())
    print("wrote docs/openapi.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
