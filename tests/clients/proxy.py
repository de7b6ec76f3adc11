"""A proxy that misbehaves as told, between a client and the server."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "host"}


@dataclass
class Fault:
    """What happens to a request: `lose` its answer, `answer` in the server's place, `cut` a stream after so many
    messages, or `hush` it: nothing of it comes through."""

    lose: bool = False
    answer: tuple[int, dict[str, str], bytes] | None = None
    cut: int | None = None
    hush: float | None = None


PROBLEM = "application/problem+json"
CONTROL = "/control"


def fault_of(told: dict[str, Any]) -> Fault:
    answer = told.pop("answer", None)
    return Fault(**told, answer=answer and (answer[0], answer[1], answer[2].encode()))


class Proxy(ThreadingHTTPServer):
    """`plan` says what happens to the next requests whose line it matches; then it is a good proxy."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.target = urlsplit(target)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self._plan: list[tuple[str, Fault]] = []
        self._lock = Lock()

    def plan(self, line: str, *faults: Fault) -> None:
        """For requests as `POST /v1/tasks`, in this order."""
        self._plan += [(line, fault) for fault in faults]

    def visit(self, line: str, headers: dict[str, str]) -> Fault:
        with self._lock:
            self.seen.append((line, headers))
            for index, (pattern, fault) in enumerate(self._plan):
                if re.match(pattern, line):
                    del self._plan[index]
                    return fault
        return Fault()

    def of(self, line: str) -> list[dict[str, str]]:
        """The headers of the requests that were seen."""
        return [headers for seen, headers in self.seen if re.match(line, seen)]


class Visit(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        self.close_connection = True
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if self.path == CONTROL:
            self._control(body)
            return
        fault = self.server.visit(f"{self.command} {self.path}", headers)
        if fault.answer is not None:
            self._send(*fault.answer)
            return
        upstream = HTTPConnection(str(self.server.target.hostname), int(self.server.target.port or 80), timeout=60)
        try:
            passed = {name: value for name, value in headers.items() if name not in HOP_BY_HOP}
            try:
                upstream.request(self.command, self.path, body or None, passed)
                answer = upstream.getresponse()
            except OSError:
                return  # the server is away: so are we
            if fault.lose:
                answer.read()
                return
            self._pass_on(answer, fault)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            upstream.close()

    def _control(self, body: bytes) -> None:
        """For tests in another language: what is to happen to which requests; answers with what was seen."""
        if body:
            wanted = json.loads(body)
            self.server.plan(wanted["line"], *[fault_of(one) for one in wanted["faults"]])
        seen = [{"line": line, "headers": headers} for line, headers in self.server.seen]
        self._send(200, {"content-type": "application/json"}, json.dumps(seen).encode())

    def _pass_on(self, answer: HTTPResponse, fault: Fault) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()
        if fault.hush is not None:
            self.wfile.flush()
            self.connection.settimeout(fault.hush)
            self.connection.recv(1)  # until the client goes
            return
        told = b""
        while chunk := answer.read1(65536):
            told += chunk
            ends = [found.end() for found in re.finditer(rb"(?:id|event|data):[^\n]*\n\n", told)]
            if fault.cut is not None and len(ends) >= fault.cut:
                surplus = len(told) - ends[fault.cut - 1]
                self.wfile.write(chunk[: len(chunk) - surplus] if surplus < len(chunk) else b"")
                return
            self.wfile.write(chunk)
            self.wfile.flush()

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _serve

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def through(target: str) -> Iterator[Proxy]:
    with Proxy(target) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


class Teller(ThreadingHTTPServer):
    """A server whose every stream is written by the test: `tell(headers, path)` gives the chunks, or an answer."""

    daemon_threads = True

    def __init__(self, tell: Callable[[dict[str, str], str], Iterator[bytes] | int]) -> None:
        super().__init__(("127.0.0.1", 0), Telling)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.tell = tell
        self.asked: list[tuple[str, dict[str, str]]] = []


class Telling(BaseHTTPRequestHandler):
    server: Teller

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers))
        told = self.server.tell(headers, self.path)
        if isinstance(told, int):
            self.send_response(told)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.end_headers()
        try:
            for chunk in told:
                self.wfile.write(chunk)
                self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def telling(tell: Callable[[dict[str, str], str], Iterator[bytes] | int]) -> Iterator[Teller]:
    with Teller(tell) as teller:
        Thread(target=teller.serve_forever, daemon=True).start()
        yield teller
        teller.shutdown()
