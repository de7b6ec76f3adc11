"""Migrations from what the models say: writes the next one, or with --check tells what none of them does yet."""

import os
import re
import subprocess
import sys
from pathlib import Path

from scripts import throwaway

ROOT = Path(__file__).parents[1]
VERSIONS = Path("migrations", "versions")


def alembic(database_url: str, *arguments: str) -> str | None:
    """What it said if it failed."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={**os.environ, "BACKLOT_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout.strip() if done.returncode else None


def check(database_url: str) -> str | None:
    found = alembic(database_url, "check")
    if not found:
        return None
    # It answers in one line, with all that is known of each table.
    changes = re.split(r", (?=\[?\('(?:add|remove|modify)_)", found)
    return "\n".join(change[:140] for change in changes) + '\n\nNo migration does this yet: make migration m="..."'


def write(database_url: str, message: str) -> str | None:
    if failure := alembic(database_url, "revision", "--autogenerate", "--message", message):
        return failure
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "check", "--fix-only", "--quiet", VERSIONS], cwd=ROOT)
    subprocess.run([ruff, "format", "--quiet", VERSIONS], cwd=ROOT)
    print(f"Read and correct {max((ROOT / VERSIONS).glob('*.py')).relative_to(ROOT)}")
    return None


def main() -> int:
    asked = sys.argv[1]
    with throwaway.postgres() as url:
        failure = alembic(url, "upgrade", "head") or (check(url) if asked == "--check" else write(url, asked))
    if failure:
        print(failure)
    return bool(failure)


if __name__ == "__main__":
    sys.exit(main())
