"""What is written from the routes: docs/openapi.json and docs/permissions.md; with --check tells where they differ."""

import difflib
import json
import sys
from pathlib import Path

from openapi_spec_validator import validate

from app.main import create_app
from scripts import permissions

DOCS = Path(__file__).parents[1] / "docs"


def generate() -> dict[str, str]:
    """What the routes say now, once a validator has found nothing wrong with it, by the name of the file."""
    document = create_app().openapi()
    validate(document)
    return {
        "openapi.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "permissions.md": permissions.page(document),
    }


def difference() -> str:
    lines: list[str] = []
    for name, made in generate().items():
        kept = (DOCS / name).read_text() if (DOCS / name).exists() else ""
        lines += difflib.unified_diff(
            kept.splitlines(), made.splitlines(), f"docs/{name}", "the routes", n=2, lineterm=""
        )
    return "\n".join(lines)


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        if found := difference():
            print(f"{found}\n\nIf that is meant: make openapi")
        return bool(found)
    for name, made in generate().items():
        (DOCS / name).write_text(made)
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
