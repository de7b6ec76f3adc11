"""The socket between the supervisor and a Python child.

The child loads its code, waits for the word to begin, says when it is ready, and notices being alone.
"""

import os
import signal
import socket
import time
from contextlib import suppress
from threading import Thread

GRACE_SECONDS = 2.0


class Lifeline:
    """The child's end. When the supervisor is gone, the child's process group has a moment to end by itself."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)

    def wait_to_begin(self) -> None:
        if not self._socket.recv(1):
            raise SystemExit(1)
        Thread(target=self._watch, name="lifeline", daemon=True).start()

    def ready(self) -> None:
        with suppress(OSError):
            self._socket.send(b"1")

    def _watch(self) -> None:
        with suppress(OSError):
            self._socket.recv(1)
        time.sleep(GRACE_SECONDS)  # SIGTERM came with the parent's death
        os.killpg(0, signal.SIGKILL)
