"""`make chaos`: the whole stack is killed at, and must lose nothing. See docs/reliability.md.

Without arguments a run of ten minutes; `--short` is the form of `make test`; `--crash-points` kills single tasks at
every await instead, twice each. Exits with 1, naming each breach.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.run import Options, run
from tests.chaos.stack import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long customers order, at least")
    parser.add_argument("--tasks", type=int, help="how many tasks they order, at least (default: 500 a minute)")
    parser.add_argument("--seed", type=int, help="of the customers, the vendor and the monkey (default: the time)")
    parser.add_argument("--short", action="store_true", help="a few hundred tasks and a handful of kills")
    parser.add_argument("--crash-points", action="store_true", help="the crash-point test, with every moment there is")
    parser.add_argument("--keep", type=Path, help="an empty folder for the stack's data and log, which are kept")
    given = parser.parse_args()
    if given.crash_points:
        tests = [sys.executable, "-m", "pytest", "-s", "tests/chaos/test_crash_points.py"]
        return subprocess.run(tests, cwd=ROOT, env={**os.environ, "CHAOS_ALL": "1"}).returncode
    seed = int(time.time()) if given.seed is None else given.seed
    if given.short:
        options = Options(seed=seed, tasks=given.tasks or 200, keep=given.keep)
    else:
        options = Options(
            seed=seed,
            tasks=given.tasks or round(500 * given.minutes),
            minutes=given.minutes,
            kills=round(2 * given.minutes),
            workspaces=10,
            shoppers=32,
            keep=given.keep,
        )
    report = asyncio.run(run(options, lambda line: print(line, flush=True)))
    print("\n" + report.text(), flush=True)
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
