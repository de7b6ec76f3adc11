"""The README does what it says: its walk-through runs as pasted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.dev_stack import Stack

ROOT = Path(__file__).parents[1]


def walk_through() -> str:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return "".join(block for block in blocks if "curl" in block)


def test_the_walk_through_works_as_pasted(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    try:
        (tmp_path / "examples").symlink_to(ROOT / "examples")
        (tmp_path / ".venv").mkdir()
        (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
        (tmp_path / ".backlot").symlink_to(tmp_path / "data")
        script = walk_through().replace("http://127.0.0.1:8000", stack.ready["url"])
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=stack.environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert '"quoted":2' in ran.stdout
        assert "event: task.succeeded" in ran.stdout
        assert '"balance":8' in ran.stdout
        assert '"email":"thu@example.org"' in ran.stdout
        with Image.open(tmp_path / "result.png") as picture:
            assert picture.size == (600, 400)
    finally:
        stack.stop()


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"`make ([a-z]+)[` ]|^make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    for pair in named:
        target = pair[0] or pair[1]
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
