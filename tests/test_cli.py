"""The command line without servers."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.embedded.dev import backlot


def test_help_lists_the_commands(tmp_path: Path) -> None:
    shown = backlot("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for command in ("dev", "serve", "worker", "migrate", "keys", "users", "credits", "ledger", "demo"):
        assert f"\n  {command} " in shown.stdout
    assert "prepare" not in shown.stdout


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    failed = backlot("ledger", "verify", cwd=tmp_path)
    assert failed.returncode == 1
    assert "BACKLOT_DATABASE_URL" in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_a_wrong_setting_is_named_in_one_line(tmp_path: Path) -> None:
    failed = backlot("migrate", cwd=tmp_path, env={"BACKLOT_API_PORT": "many"})
    assert failed.returncode == 1
    assert "api.port" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_keys_of_providers_are_tried_one_by_one(tmp_path: Path) -> None:
    """Two keys of one vendor, of which one works; and a provider that was forgotten."""

    class Vendor(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            is_good = self.headers["authorization"] == "Bearer good"
            body = b'{"data": [{"balance": 12.5}]}' if is_good else b'{"errors": [{"code": "invalidApiKey"}]}'
            self.send_response(200 if is_good else 401)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Vendor) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        given = {
            "BACKLOT_PROVIDERS_ENABLED": "local,stability",
            "BACKLOT_PROVIDERS_KEYS": "runware=good,runware=bad",
            "BACKLOT_PROVIDERS_URLS": f"runware=http://127.0.0.1:{server.server_port}",
        }
        shown = backlot("providers", "check", cwd=tmp_path, env=given)
        server.shutdown()
    assert shown.returncode == 1
    assert [line.split()[:3:2] for line in shown.stdout.splitlines() if line.startswith("runware")] == [
        ["runware", "works"],
        ["runware", "FAILS"],
    ]
    assert "balance 12.5" in shown.stdout
    assert "set BACKLOT_PROVIDERS_KEYS=stability=<key>" in shown.stdout
    assert "good" not in shown.stdout + shown.stderr


def test_a_provider_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    failed = backlot("providers", "check", "nosuch", cwd=tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.startswith("backlot: no provider 'nosuch'; installed: ")
