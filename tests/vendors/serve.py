"""All vendors' servers for use by hand: `python -m tests.vendors.serve --port 9000`, then `backlot dev` as it says."""

import argparse
import asyncio
from contextlib import suppress

from tests.vendors.peer import HOST
from tests.vendors.roster import VENDORS, environment


async def serve(port: int, seconds: float) -> None:
    """Each on a port of its own, from the given one on, until Ctrl-C."""
    peers = [kind(seconds=seconds) for kind in VENDORS.values()]
    for number, peer in enumerate(peers):
        await peer.start(HOST, port + number)
    print("# Servers that behave as the vendors do. In another shell, set this and run `backlot dev`:")
    for name, value in environment(peers).items():
        print(f'export {name}="{value}"')
    print("export BACKLOT_PROVIDERS_CALLBACK_URL=http://127.0.0.1:8000", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        for peer in peers:
            print(f"{peer.name:12} {len(peer.orders)} orders, {sum(peer.asked.values())} requests")
            await peer.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000, help="of the first; the others follow")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a job takes")
    chosen = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(chosen.port, chosen.seconds))


if __name__ == "__main__":
    main()
