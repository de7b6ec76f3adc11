"""The vendor of the example plug-in, played on a real socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson

from tests.generation.scripted import png

KEY = "easel-key-1"
JOB = "81f3c2"


class Studio(ThreadingHTTPServer):
    """Paints a picture once it was asked after twice. `orders` and `seen` are what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.orders: list[dict[str, Any]] = []
        self.seen: list[str] = []

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        self.seen.append(f"{method} {path}")
        match method, path:
            case "GET", "/v1/purse":
                return 200, {"cents": 1250}
            case "POST", "/v1/jobs":
                self.orders.append(orjson.loads(body))
                return 202, {"job": JOB, "state": "queued"}
            case "GET", "/v1/jobs/81f3c2" if self.seen.count(f"{method} {path}") > 1:
                pictures = [{"url": f"{self.url}/files/1.png", "seed": 7}]
                return 200, {"job": JOB, "state": "framed", "pictures": pictures, "cents": 4}
            case "GET", "/v1/jobs/81f3c2":
                return 200, {"job": JOB, "state": "painting", "percent": 40}
        return 404, {"trouble": "no_such_job"}


class Visit(BaseHTTPRequestHandler):
    server: Studio

    def do_GET(self) -> None:
        self._reply(b"")

    def do_POST(self) -> None:
        self._reply(self.rfile.read(int(self.headers["content-length"])))

    def _reply(self, body: bytes) -> None:
        if self.path == "/files/1.png":  # a store for anybody: no key is shown to it
            assert "x-easel-key" not in self.headers
            return self._send(200, png(size=(320, 256)), "image/png")
        if self.headers["x-easel-key"] != KEY:
            return self._send(403, b'{"trouble": "who_are_you"}', "application/json")
        status, answer = self.server.answer(self.command, self.path, body)
        return self._send(status, orjson.dumps(answer), "application/json")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def open_studio() -> Iterator[Studio]:
    with Studio() as studio:
        Thread(target=studio.serve_forever, daemon=True).start()
        yield studio
        studio.shutdown()
