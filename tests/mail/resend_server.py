"""A server that behaves as Resend's API does, over real HTTP on a free port of this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

KEY = "re_123456789_secret"
Answer = tuple[int, dict[str, Any], dict[str, str]]


def error(status: int, name: str, message: str = "No.", **headers: str) -> Answer:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return status, {"statusCode": status, "name": name, "message": message}, named


class ResendServer:
    """Answers `script`'s next answer if there is one; else it takes the mail, once for each Idempotency-Key."""

    def __init__(self) -> None:
        self.script: list[Answer | None] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.taken: dict[str, tuple[dict[str, Any], str]] = {}
        self.agents: set[str] = set()
        self.breaks_off = 0
        self._lock = threading.Lock()

    def __enter__(self) -> "ResendServer":
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = server.answer(self.path, dict(self.headers), body)
                if answer is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, content, headers = answer
                data = json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def mails(self) -> list[dict[str, Any]]:
        return [body for body, _ in self.taken.values()]

    def answer(self, path: str, headers: dict[str, str], content: bytes) -> Answer | None:
        with self._lock:
            body = json.loads(content)
            key = headers["Idempotency-Key"]
            self.requests.append((key, body))
            self.agents.add(headers["User-Agent"])
            if path != "/emails":
                return error(404, "not_found")
            if headers.get("Authorization") != f"Bearer {KEY}":
                return error(403, "invalid_api_key", "API key is invalid")
            if self.script and (told := self.script.pop(0)) is not None:
                return told
            if not 1 <= len(key) <= 256:
                return error(400, "invalid_idempotency_key")
            if key in self.taken:
                first, mail_id = self.taken[key]
                if first != body:
                    return error(409, "invalid_idempotent_request")
            else:
                mail_id = str(uuid4())
                self.taken[key] = body, mail_id
            if self.breaks_off > 0:
                self.breaks_off -= 1
                return None
            return 200, {"id": mail_id}, {"ratelimit-remaining": "1", "ratelimit-reset": "1"}
