"""Migrations from what the models say: writes the next one, or with --check tells what none of them does yet."""

import os
import subprocess
import sys
from pathlib import Path

from scripts import throwaway

ROOT = Path(__file__).parents[1]
VERSIONS = Path("migrations", "versions")


def alembic(database_url: str, *arguments: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={**os.environ, "BACKLOT_DATABASE_URL": database_url},
    ).returncode


def main() -> int:
    asked = sys.argv[1]
    with throwaway.postgres() as url:
        if failed := alembic(url, "upgrade", "head"):
            return failed
        if asked == "--check":
            return alembic(url, "check")
        failed = alembic(url, "revision", "--autogenerate", "--message", asked)
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "check", "--fix-only", "--quiet", VERSIONS], cwd=ROOT)
    subprocess.run([ruff, "format", "--quiet", VERSIONS], cwd=ROOT)
    return failed


if __name__ == "__main__":
    sys.exit(main())
