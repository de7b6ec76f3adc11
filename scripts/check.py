"""Everything a change has to pass besides the tests: runs all steps, tells each, fails when one failed.

`make check` runs all; `make check ARGS="types imports"` some.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

STEPS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    # Without its cache, which looks at seconds only and misses a second change within one.
    "imports": ["lint-imports", "--no-cache", "--no-logo"],
    "migrations": ["scripts.migration", "--check"],
    "openapi": ["scripts.openapi", "--check"],
    "clients": ["scripts.clients", "--check"],
}


def run(name: str) -> bool:
    command = STEPS[name]
    tool = Path(sys.executable).with_name(command[0])
    start = [sys.executable, "-m", command[0]] if command[0].startswith("scripts.") else [str(tool)]
    print(f"{name:12}", end="", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        start + command[1:],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(f"{'FAILED' if done.returncode else 'ok':8}{time.monotonic() - began:5.1f} s", flush=True)
    if done.returncode:
        print(done.stdout.rstrip(), end="\n\n", flush=True)
    return done.returncode == 0


def main() -> int:
    wanted = sys.argv[1:] or list(STEPS)
    if unknown := [name for name in wanted if name not in STEPS]:
        print(f"no step {', '.join(unknown)}; there are {', '.join(STEPS)}")
        return 2
    failed = [name for name in wanted if not run(name)]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
