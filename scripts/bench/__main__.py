"""`make bench`. ARGS="submits reads" measures only those.

Machines are noisy: run it when little else runs, and read the figures of one run together.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from scripts import throwaway
from scripts.bench import auth, flights, pictures, reads, sign_ins, streams, submits, volume, waiting, webhooks, works
from scripts.bench.report import Report
from scripts.bench.stand import Stand

PARTS: dict[str, Callable[[Stand, Report], Awaitable[None]]] = {
    "submits": submits.measure,
    "reads": reads.measure,
    "auth": auth.measure,
    "waiting": waiting.measure,
    "streams": streams.measure,
    "works": works.measure,
    "flights": flights.measure,
    "pictures": pictures.measure,
    "sign_ins": sign_ins.measure,
    "webhooks": webhooks.measure,
    "volume": volume.measure,
}


def main(names: list[str]) -> int:
    """0 when all that is promised was kept."""
    if unknown := [name for name in names if name not in PARTS]:
        print(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    report = Report()
    for name in names or PARTS:
        with throwaway.stack() as (database_url, redis_url), TemporaryDirectory() as folder:
            stand = Stand(database_url, redis_url, Path(folder))
            stand.migrate()
            uvloop.run(PARTS[name](stand, report))
    print(f"\n{'all kept' if not report.missed else 'MISSED: ' + '; '.join(report.missed)}")
    return int(bool(report.missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
