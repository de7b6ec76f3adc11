"""`backlot dev` with real servers, real workers and real signals."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from redis import Redis

from tests import stack
from tests.embedded.dev import ROOT, Dev, backlot, dev, is_alive, wait_until

pytestmark = pytest.mark.db
ORDINARY_USER = "daemon"


async def _fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _balance(ready: dict[str, str], key: str) -> float:
    answer = httpx.get(f"{ready['url']}/v1/credits", headers={"Authorization": f"Bearer {ready[key]}"})
    assert answer.status_code == 200, answer.text
    return float(answer.json()["balance"])


def test_a_stack_lives_is_killed_and_lives_on(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    data = tmp_path / "data"
    with dev(data) as first:
        ready = first.ready
        assert sorted(ready) == [
            "api_key", "database_url", "docs_url", "pids", "redis_url", "test_api_key", "url",
        ]  # fmt: skip
        assert sorted(ready["pids"]) == ["api", "postgres", "valkey", "worker"]
        assert [len(ready["pids"][kind]) for kind in ("api", "worker")] == [1, 2]
        assert httpx.get(ready["docs_url"]).status_code == 200
        assert _balance(ready, "api_key") == 10
        assert _balance(ready, "test_api_key") == 1000
        family = first.family()
        assert {*ready["pids"]["api"], *ready["pids"]["worker"]} < set(family)

        second = backlot("dev", "--data", str(data), cwd=tmp_path)
        assert second.returncode == 1
        assert ready["url"] in second.stderr
        assert second.stderr.count("\n") == 1

        assert first.end(signal.SIGTERM) == "", "more than one line on stdout"
        assert first.process.returncode == 0
        assert not [pid for pid in family if is_alive(pid)]

    with dev(data) as again:
        same = ("api_key", "test_api_key", "database_url", "redis_url")
        assert [again.ready[name] for name in same] == [ready[name] for name in same]
        assert _balance(again.ready, "api_key") == 10
        family = again.family()
        again.end(signal.SIGKILL)
        wait_until(lambda: not [pid for pid in family if is_alive(pid)], seconds=5)
        assert (data / "stack.json").exists(), "the killed one could not clear it"

    with dev(data) as last:
        assert [last.ready[name] for name in same] == [ready[name] for name in same]
        assert last.end(signal.SIGINT) == ""
        assert last.process.returncode == 0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Dev]:
    with dev(tmp_path / "data") as started:
        yield started
        started.end(signal.SIGTERM)


def test_what_crashes_is_started_again_at_the_same_address(running: Dev) -> None:
    for kind in ("postgres", "valkey", "worker", "api"):
        before = running.pids()[kind]
        os.kill(before[0] if isinstance(before, list) else before, signal.SIGKILL)
        wait_until(lambda kind=kind, before=before: running.pids()[kind] != before)
    assert all(is_alive(pid) for pid in running.pids()["worker"])
    assert asyncio.run(_fetch(running.ready["database_url"], "select 1")) == 1
    with Redis.from_url(running.ready["redis_url"]) as redis:
        assert redis.ping()
    wait_until(lambda: httpx.get(f"{running.ready['url']}/health/ready").status_code == 200)
    assert _balance(running.ready, "api_key") == 10


def test_the_command_line_finds_the_running_stack(running: Dev, tmp_path: Path) -> None:
    where = {"BACKLOT_DATA": str(running.data)}
    made = backlot("keys", "create", "--email", "a@example.com", "--scopes", "credits:read", cwd=tmp_path, env=where)
    key = made.stdout.strip()
    assert key.startswith("bk_live_")
    assert made.stdout.count("\n") == 1
    answer = httpx.get(f"{running.ready['url']}/v1/credits", headers={"X-API-Key": key})
    assert answer.status_code == 200
    assert backlot("migrate", cwd=tmp_path, env=where).returncode == 0
    verified = backlot("ledger", "verify", cwd=tmp_path, env=where)
    assert verified.stdout.splitlines() == [f"I{number} OK" for number in range(1, 12)]
    wrong = backlot("keys", "create", "--email", "nobody", cwd=tmp_path, env=where)
    assert wrong.returncode == 1
    assert wrong.stdout == ""
    assert wrong.stderr.startswith("backlot: ")
    assert wrong.stderr.count("\n") == 1


def test_strangers_on_this_machine_are_kept_out(running: Dev) -> None:
    port = urlsplit(running.ready["database_url"]).port
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(_fetch(f"postgresql://backlot:guess@127.0.0.1:{port}/backlot", "select 1"))
    secrets = [running.data / name for name in ("keys.json", "stack.json", "secret", "postgres/password")]
    assert [oct(path.stat().st_mode & 0o777) for path in secrets] == ["0o600"] * len(secrets)
    with Redis.from_url(running.ready["redis_url"]) as redis:
        assert redis.config_get("save")["save"] == ""
        assert redis.config_get("bind")["bind"] == "127.0.0.1"
    for kind in ("postgres", "valkey"):
        command = Path(f"/proc/{running.ready['pids'][kind]}/cmdline").read_text()
        assert urlsplit(running.ready["redis_url"]).password not in command
        assert urlsplit(running.ready["database_url"]).password not in command


def test_given_servers_are_used_and_none_is_started(urls: dict[str, str], tmp_path: Path) -> None:
    database = stack.clone(urls["database"], f"{urlsplit(urls['database']).path[1:]}_given")
    redis = urlsplit(urls["redis"])._replace(path="/15").geturl()
    with dev(tmp_path / "data", env={"BACKLOT_DATABASE_URL": database, "BACKLOT_REDIS_URL": redis}) as started:
        assert (started.ready["pids"]["postgres"], started.ready["pids"]["valkey"]) == (None, None)
        assert (started.ready["database_url"], started.ready["redis_url"]) == (database, redis)
        assert _balance(started.ready, "api_key") == 10
        assert started.end(signal.SIGTERM) == ""


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = backlot("dev", "--data", str(tmp_path / "data"), "--port", str(port), cwd=tmp_path)
    assert refused.returncode == 1
    assert f":{port}" in refused.stderr
    assert "--port" in refused.stderr


def _find_python(packages: str) -> str | None:
    """An interpreter others can run, of the same kind as ours, so that our installed packages fit it."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for candidate in (sys.executable, shutil.which(name, path="/usr/bin:/usr/local/bin")):
        with suppress(PermissionError):
            tried = subprocess.run(
                [candidate or "false", "-c", "import app.cli, redis"],
                env={"PYTHONPATH": packages},
                user=ORDINARY_USER,
                cwd="/",
                capture_output=True,
            )
            if tried.returncode == 0:
                return candidate
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests already run as an ordinary user")
def test_an_ordinary_user_can_run_it_too() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Before 3.11.3 some packages want this one, which is not installed for a newer Python.
        Path(folder, "async_timeout.py").write_text("from asyncio import timeout\n")
        os.chown(folder, pwd.getpwnam(ORDINARY_USER).pw_uid, -1)
        packages = os.pathsep.join([sysconfig.get_path("purelib"), str(ROOT), folder])
        python = _find_python(packages)
        if python is None:
            pytest.skip("an ordinary user cannot run this Python or read this checkout")
        env = {"PYTHONPATH": packages, "HOME": folder}
        with dev(Path(folder, "data"), command=[python, "-P", "-m", "app.cli"], env=env, user=ORDINARY_USER) as started:
            assert _balance(started.ready, "api_key") == 10
            assert Path(folder, "data", "postgres", "cluster").owner() == ORDINARY_USER
            assert started.end(signal.SIGTERM) == ""
