"""The product on the servers of a Linux distribution: nothing needs the embedded ones' newer versions."""

import getpass
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import free_port
from tests.dev_stack import Stack

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
REDIS = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(
    not (POSTGRES and REDIS), reason="no PostgreSQL and Redis of the distribution are installed here"
)


@pytest.fixture
def servers() -> Iterator[dict[str, str]]:
    """A PostgreSQL and a Redis of the distribution, in a folder of their own."""
    user = "nobody" if os.geteuid() == 0 else getpass.getuser()
    database_port, redis_port = free_port(), free_port()
    with TemporaryDirectory() as folder:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        cluster, log = f"{folder}/cluster", subprocess.DEVNULL
        initialise = [POSTGRES[0] / "initdb", "-D", cluster, "-U", "app", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(initialise, check=True, user=user, cwd="/", stdout=log)
        options = ["-p", str(database_port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        started = [
            subprocess.Popen([POSTGRES[0] / "postgres", "-D", cluster, *options], user=user, cwd="/", stderr=log),
            subprocess.Popen(
                [str(REDIS), "--port", str(redis_port), "--bind", "127.0.0.1", "--save", ""], cwd=folder, stdout=log
            ),
        ]
        try:
            ready = [POSTGRES[0] / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(database_port)]
            while subprocess.run(ready).returncode:
                time.sleep(0.05)
            yield {
                "BACKLOT_DATABASE_URL": f"postgresql://app@127.0.0.1:{database_port}/postgres",
                "BACKLOT_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            }
        finally:
            for server in started:
                server.terminate()
            for server in started:
                server.wait(20)


def test_a_task_is_done_and_paid_on_the_distributions_servers(servers: dict[str, str], tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data", **servers)
    try:
        assert stack.ready["pids"]["postgres"] is None
        assert stack.ready["pids"]["valkey"] is None
        assert stack.ready["database_url"] == servers["BACKLOT_DATABASE_URL"]
        task, _ = stack.end_of(stack.order(scale=2))
        assert task["status"] == "succeeded"
        assert stack.charges(task["id"]) == [-1]
        assert stack.verify().returncode == 0
    finally:
        stack.stop()
