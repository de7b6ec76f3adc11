"""The repository as others clone it: nothing of one machine in it, nothing undocumented, no link that leads nowhere."""

import ast
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 400

GENERATED = "clients/python/backlot_client/_generated/"

# Spelt in two parts, so that this file names none of them.
INDEX_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.",
    "npm" + "js.",
    "deb." + "debian",
    "proxy." + "golang",
    "/simple" + "/",
]
# A folder of somebody's machine, as an absolute path.
MACHINE_PATHS = re.compile(r"(?<![\w.~$}/-])/(?:home|root|work|Users)/\w|(?<![\w.~$}/:-])/tmp/\w")


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        try:
            found.append((str(path.relative_to(ROOT)), path.read_text()))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_package_index() -> None:
    assert [(name, host) for name, text in texts() for host in INDEX_HOSTS if host in text] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        (name, line.strip())
        for name, text in texts()
        for line in text.splitlines()
        if MACHINE_PATHS.search(line) and "noqa: S108" not in line  # a temporary folder, and meant
    ]
    assert found == []


def test_each_module_says_what_it_is_about() -> None:
    silent = [
        name
        for name, text in texts()
        if name.endswith(".py")
        and text.strip()
        and not name.startswith(GENERATED)
        and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


def test_no_module_has_outgrown_its_subject() -> None:
    modules = [
        (name, text) for name, text in texts() if name.endswith(".py") and not name.startswith(("tests/", GENERATED))
    ]
    long = {name: lines for name, text in modules if (lines := text.count("\n")) > MOST_LINES}
    assert long == {}, "has a second subject moved in?"


def test_links_in_the_documentation_lead_somewhere() -> None:
    broken = []
    for name, text in texts():
        if not name.endswith(".md"):
            continue
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            path = unquote(target.partition("#")[0])
            if (
                path
                and "://" not in path
                and not path.startswith("mailto:")
                and not (ROOT / name).parent.joinpath(path).exists()
            ):
                broken.append((name, target))
    assert broken == []


def test_each_requirement_is_pinned_by_hash() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text().replace("\\\n", " ")
        pins = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == [], lock.name


def test_make_help_lists_every_command() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    told = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert told == set(phony[1].split()) - {"FORCE"}


def test_no_vendor_is_named_outside_its_own_files() -> None:
    """What a model can do is asked of its row: nothing depends on who serves it."""
    vendors = {path.stem for path in (ROOT / "app/providers/rows").glob("*.toml")}
    assert len(vendors) >= 9
    for folder in ("app", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.is_relative_to(ROOT / "app/providers"):
                continue
            tree = ast.parse(path.read_text())
            words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            assert not words & vendors, f"{path} names {words & vendors}"
