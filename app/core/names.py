"""Looking up host names so that one nobody answers for holds up no other."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

Key = tuple[str, int, int]


class Names(AbstractResolver):
    """Each look-up has a thread of its own, shared by all who want the same name meanwhile.

    The usual way has a handful of threads for the whole process: as many dead domains, each of which takes half a
    minute to be given up, and nobody else gets anywhere.
    """

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Future[list[Any]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError."""
        key = (host, port, int(family))
        looking = self._under_way.get(key)
        if looking is None:
            looking = self._under_way[key] = self._begin(key)
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=address[1],
                family=found,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, _, protocol, _, address in await asyncio.shield(looking)
            if found in (socket.AF_INET, socket.AF_INET6)
        ]

    def _begin(self, key: Key) -> asyncio.Future[list[Any]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()

        def end(tell: Callable[[Any], None], what: Any) -> None:
            self._under_way.pop(key, None)
            if not future.done():
                tell(what)
                future.exception()  # asked for, so that nobody is told that it was not: who wanted it may be gone

        def look_up() -> None:
            host, port, family = key
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                try:
                    found = socket.getaddrinfo(
                        host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
                    )
                except (OSError, UnicodeError) as fault:
                    failed = fault if isinstance(fault, OSError) else socket.gaierror(socket.EAI_NONAME, str(fault))
                    loop.call_soon_threadsafe(end, future.set_exception, failed)
                else:
                    loop.call_soon_threadsafe(end, future.set_result, found)

        threading.Thread(target=look_up, name="look up a name", daemon=True).start()
        return future

    async def close(self) -> None:
        """Nothing: threads end by themselves, and hold up no exit."""
