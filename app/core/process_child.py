"""The inside of a `ProcessPool`: calls arrive on standard input, results leave on what was standard output.

Imported by the child before anything else, so it stays light. A message is two lengths, a JSON document, and
the byte strings the document points into; both sides only ever parse, so a child that was taken over cannot
make its parent run anything.
"""

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

LENGTH = struct.Struct(">QQ")
_BYTES = "$bytes"
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


class WorkRefused(Exception):
    """The function will not do this work, and says why: the one failure that crosses the pipe as itself."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def pack(value: Any) -> list[bytes]:
    """A message as pieces to write one after the other: byte strings are not copied."""
    blobs: list[bytes] = []
    document = json.dumps(_plain(value, blobs)).encode()
    return [LENGTH.pack(len(document), sum(map(len, blobs))), document, *blobs]


def _plain(item: Any, blobs: list[bytes]) -> Any:
    """Its byte strings are put among the blobs. No closure: one that calls itself keeps them until it is collected."""
    if isinstance(item, bytes | bytearray | memoryview):
        blobs.append(bytes(item))
        return {_BYTES: len(blobs[-1])}
    if isinstance(item, dict):
        if _BYTES in item:
            raise ValueError(f"a key may not be {_BYTES!r}")
        return {key: _plain(part, blobs) for key, part in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(part, blobs) for part in item]
    return item


def unpack(document: bytes, blobs: bytes) -> Any:
    """The value of a message. Raises ValueError on anything malformed."""
    offset = 0

    def revive(item: dict[str, Any]) -> Any:
        nonlocal offset
        if _BYTES not in item:
            return item
        length = item[_BYTES]
        if not isinstance(length, int) or not 0 <= length <= len(blobs) - offset:
            raise ValueError("a byte string reaches past its message")
        offset += length
        return blobs[offset - length : offset]

    try:
        return json.loads(document, object_hook=revive)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _read(pipe: BinaryIO) -> Any:
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    document, blobs = LENGTH.unpack(head)
    return unpack(pipe.read(document), pipe.read(blobs))


def _write(pipe: BinaryIO, value: Any) -> None:
    for piece in pack(value):
        pipe.write(piece)
    pipe.flush()


def _call(name: str, args: list[Any]) -> dict[str, Any]:
    try:
        module, _, attribute = name.partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        return {"result": function(*args)}
    except WorkRefused as refusal:
        return {"refused": [refusal.code, refusal.detail]}
    except MemoryError:
        return {"failed": ["memory", "the work needs more memory than it may have"]}
    except Exception as error:
        traceback.print_exc()
        return {"failed": ["error", f"{type(error).__name__}: {error}"[:500]]}


def _confine(parent: int, memory_bytes: int) -> None:
    """Die with the parent, leave no core file, stay within the memory, give way to others."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it went before the line above took hold
        os._exit(1)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    os.nice(5)


def serve(parent: int, memory_bytes: int) -> None:
    """Answer calls until the parent closes the pipe."""
    _confine(parent, memory_bytes)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # a library that prints cannot break the protocol
    while True:
        try:
            name, args = _read(requests)
        except EOFError:
            return
        reply = _call(name, args)
        del args
        try:
            _write(replies, reply)
        except (
            TypeError,
            ValueError,
        ) as error:  # `pack` refused: nothing has gone out
            _write(replies, {"failed": ["error", f"unsendable result: {error}"]})


if __name__ == "__main__":
    # Through the import system, so that `WorkRefused` is the class the called functions raise.
    importlib.import_module("app.core.process_child").serve(int(sys.argv[1]), int(sys.argv[2]))
