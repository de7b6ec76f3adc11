"""The `backlot` command. What a command needs is imported inside it, so that `--help` is quick."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.core.settings import Settings
    from app.embedded.datadir import Stack
    from app.embedded.lifeline import Lifeline

DEVELOPER = "dev@example.com"
DATABASE_WAIT_SECONDS = 30.0

cli = typer.Typer(
    help="The self-hosted backend behind generative-AI products.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
keys_cli = typer.Typer(help="API keys.", no_args_is_help=True)
ledger_cli = typer.Typer(help="The credit ledger.", no_args_is_help=True)
cli.add_typer(keys_cli, name="keys")
cli.add_typer(ledger_cli, name="ledger")


class CommandFailed(Exception):
    """Ends the command with this one line and exit code 1."""


class Queue(StrEnum):
    generation = "generation"
    maintenance = "maintenance"


LifelineOption = Annotated[int | None, typer.Option(hidden=True, help="set by the supervisor")]


@cli.command()
def dev(
    data: Annotated[Path | None, typer.Option(help="Where everything is kept.  [default: ./.backlot]")] = None,
    port: Annotated[int | None, typer.Option(help="Of the API; 0 takes any free one.  [default: 8000]")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of generation workers.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Once ready, print one line of JSON on stdout.")] = False,
) -> None:
    """Run the whole stack here: PostgreSQL, Valkey, the API and the workers."""
    say: Callable[[Stack], None] = (lambda stack: print(stack.to_json(), flush=True)) if as_json else _welcome
    if not as_json:
        print("Starting Backlot …", flush=True)
    _run_stack(say, data=data, port=port, workers=workers, as_text=not as_json)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.  [default: 8000]")] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="API processes.  [default: 1]")] = None,
    fd: Annotated[int | None, typer.Option(hidden=True, help="a socket that listens already")] = None,
    lifeline: LifelineOption = None,
) -> None:
    """Run the API."""
    tether = _tether(lifeline)
    import socket

    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from app.embedded.ports import listen

    api = _settings_with_database().api
    if tether:
        import_module("app.main")
        tether.wait_to_begin()
    config = uvicorn.Config(
        "app.main:create_app",
        factory=True,
        host=host or api.host,
        port=port or api.port,
        workers=processes or api.processes,
        loop="uvloop",
        http="httptools",
        access_log=False,  # the app logs its requests itself
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=max(1, int(api.shutdown_seconds)),
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if tether and self.started:
                tether.ready()

    listener = listen(config.host, config.port) if fd is None else socket.socket(fileno=fd)
    server = Server(config)
    with suppress(KeyboardInterrupt):  # uvicorn ends in good order, then says so in this way
        if config.workers > 1 and fd is None:
            Multiprocess(config, sockets=[listener]).run()
            return
        server.run(sockets=[listener])
    if not server.started:
        raise CommandFailed("the API did not start; see above")


@cli.command()
def worker(
    queue: Annotated[Queue, typer.Argument(help="Which queue to work on.")] = Queue.generation,
    lifeline: LifelineOption = None,
) -> None:
    """Run one worker process."""
    tether = _tether(lifeline)
    _settings_with_database()
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    workers = import_module("workers.settings")  # by name: `app` does not know its workers
    if tether:
        tether.wait_to_begin()
    process = workers.make(queue.value)
    if tether:
        process.on_startup = _then(process.on_startup, tether.ready)  # after it, arq polls at once
    process.run()


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema. Any number may run at once."""
    _migrate(_settings_with_database())
    print("The database is up to date.", file=sys.stderr)


@cli.command(hidden=True)
def prepare() -> None:
    """Migrate, and print the developer's two keys as JSON; for the supervisor."""
    from app.embedded import datadir

    settings = _settings_with_database()
    _migrate(settings)
    file = settings.data / "keys.json"
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    keys = asyncio.run(_developer_keys(settings, known))
    if keys != known:
        datadir.write_private(file, json.dumps(keys))
    print(json.dumps(keys))


@keys_cli.callback()
def keys() -> None:
    """API keys."""


@keys_cli.command("create")
def create_key(
    email: Annotated[str, typer.Option(help="Whose key; made with a personal workspace if absent.")],
    test: Annotated[bool, typer.Option("--test", help="A test key: sandbox provider, test credits.")] = False,
    scopes: Annotated[str | None, typer.Option(help="Comma-separated.  [default: all]")] = None,
    name: Annotated[str, typer.Option(help="To tell keys apart.")] = "command line",
    admin: Annotated[bool, typer.Option("--admin", help="Make the user an administrator.")] = False,
) -> None:
    """Print a new API key on stdout, once; it cannot be shown again."""
    settings = _settings_with_database()

    secret = asyncio.run(
        _issue_key(
            settings,
            email=email,
            mode="test" if test else "live",
            name=name,
            scopes=[scope.strip() for scope in scopes.split(",")] if scopes else None,
            is_admin=admin,
        )
    )
    print(f"A {'test' if test else 'live'} key for {email}. Keep it: it is not shown again.", file=sys.stderr)
    print(secret)


@ledger_cli.callback()
def ledger() -> None:
    """The credit ledger."""


@ledger_cli.command("verify")
def verify_ledger() -> None:
    """Check the invariants I1 to I8 over the whole database; exit 1 naming each breach."""
    settings = _settings_with_database()

    async def verify() -> bool:
        from app.ledger import verify as ledger_verify

        async with _transaction(settings) as session:
            breaches = await ledger_verify.verify(session)
        for name in (f"I{number}" for number in range(1, 9)):
            found = [breach.detail for breach in breaches if breach.invariant == name]
            print(f"{name} OK" if not found else f"{name} BREACH\n" + "\n".join(f"   {detail}" for detail in found))
        return not breaches

    if not asyncio.run(verify()):
        raise typer.Exit(1)


@cli.command()
def demo(
    photo: Annotated[Path | None, typer.Option(help="A product photo.  [default: the coffee of examples/]")] = None,
    preset: Annotated[str, typer.Option(help="The background; GET /v1/presets lists them.")] = "marble",
    num_images: Annotated[int, typer.Option(min=1, max=4, help="How many variants.")] = 2,
    data: Annotated[Path | None, typer.Option(help="As for `dev`.  [default: ./.backlot]")] = None,
) -> None:
    """Put a product photo on a new background, through the whole stack."""
    from app import demo as client
    from app.embedded import datadir

    directory = data or _settings().data
    order = client.Order(photo=client.find_photo(photo), preset=preset, num_images=num_images)
    if running := datadir.find_running(directory):
        print(f"Using the Backlot that runs at {running.url}.")
        client.run(running.url, _demo_keys(running, directory), order)
        return
    with _borrowed_stack(directory) as stack:
        client.run(stack.url, _demo_keys(stack, directory), order)


def main() -> None:
    try:
        cli()
    except Exception as fault:
        if not _is_expected(fault) or os.environ.get("BACKLOT_LOG_LEVEL") == "debug":
            raise
        print(f"backlot: {_in_one_line(fault)}", file=sys.stderr)
        sys.exit(1)


def _welcome(stack: "Stack") -> None:
    print(
        f"""
Backlot is ready.

  API       {stack.url}
  Docs      {stack.docs_url}
  Live key  {stack.api_key}
  Test key  {stack.test_api_key}

  curl -H 'Authorization: Bearer {stack.test_api_key}' {stack.url}/v1/credits

Ctrl-C stops it; the data is kept.
""",
        flush=True,
    )


def _settings() -> "Settings":
    from app.core.settings import get_settings

    return get_settings()


def _is_given(settings: "Settings", group: str, field: str = "url") -> bool:
    """Whether somebody set it, rather than leaving it to the default."""
    return field in getattr(settings, group).model_fields_set


def _plain_url(settings: "Settings") -> str:
    """The database's URL as PostgreSQL's own tools take it."""
    return f"postgresql://{settings.database.url.get_secret_value().partition('://')[2]}"


def _settings_with_database() -> "Settings":
    """The settings; where no database is set, with the addresses of the stack that runs on the data directory."""
    from app.core.settings import get_settings
    from app.embedded import datadir

    settings = get_settings()
    if _is_given(settings, "database"):
        return settings
    stack = datadir.find_running(settings.data)
    if stack is None:
        raise CommandFailed("no database: set BACKLOT_DATABASE_URL, or let `backlot dev` run in this directory")
    os.environ["BACKLOT_DATABASE_URL"] = stack.database_url
    if not _is_given(settings, "redis"):
        os.environ["BACKLOT_REDIS_URL"] = stack.redis_url
    get_settings.cache_clear()
    return get_settings()


def _own_command() -> list[str]:
    """This command line in a new process; -P keeps the working directory from being imported from."""
    return [sys.executable, "-P", "-m", "app.cli"]


def _run_stack(
    on_ready: "Callable[[Stack], None]", *, data: Path | None, port: int | None, workers: int, as_text: bool
) -> None:
    from app.embedded.supervisor import Plan, Supervisor

    log = logging.getLogger("backlot.dev")
    log.addHandler(handler := logging.StreamHandler(sys.stderr))
    handler.setFormatter(logging.Formatter("backlot: %(message)s"))
    settings = _settings()
    environment = dict(os.environ)
    if not _is_given(settings, "api", "shutdown_seconds"):
        environment["BACKLOT_API_SHUTDOWN_SECONDS"] = "3"
    if as_text and not _is_given(settings, "log", "format"):
        environment["BACKLOT_LOG_FORMAT"] = "text"
    plan = Plan(
        data=data or settings.data,
        host=settings.api.host,
        port=settings.api.port if port is None else port,
        command=_own_command(),
        api_processes=settings.api.processes,
        generation_workers=workers,
        database_url=_plain_url(settings) if _is_given(settings, "database") else None,
        redis_url=settings.redis.url.get_secret_value() if _is_given(settings, "redis") else None,
        public_url=settings.api.public_url if _is_given(settings, "api", "public_url") else None,
        has_secret="secret" in settings.model_fields_set,
        environment=environment,
    )
    asyncio.run(Supervisor(plan, on_ready).run())


@contextmanager
def _borrowed_stack(directory: Path) -> "Iterator[Stack]":
    """A stack for as long as the block lasts, its logs in a file of the data directory."""
    from app.embedded import datadir
    from app.embedded.process import dies_with_us

    log_file = datadir.prepare(directory) / "demo.log"
    print(f"Starting Backlot (logs: {log_file}) …", flush=True)
    command = [*_own_command(), "dev", "--json", "--port", "0", "--data", str(directory)]
    with (
        log_file.open("w") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=dies_with_us(signal.SIGTERM)
        ) as stack,
    ):
        try:
            assert stack.stdout is not None
            line = stack.stdout.readline()
            if not line:
                last = (log_file.read_text().strip().splitlines() or ["it said nothing"])[-1]
                raise CommandFailed(f"the stack did not start: {last.removeprefix('backlot: ')}")
            yield datadir.Stack(**json.loads(line))
        finally:
            stack.terminate()


def _demo_keys(stack: "Stack", directory: Path) -> "Iterator[str]":
    """Keys of demo users: the one used last, then that of a new one, with the credits of a new account."""
    from app.core.settings import get_settings
    from app.embedded import datadir

    file = directory / "demo-key"
    if file.exists():
        yield file.read_text().strip()
    os.environ.update(BACKLOT_DATABASE_URL=stack.database_url, BACKLOT_REDIS_URL=stack.redis_url)
    get_settings.cache_clear()
    email = f"demo-{token_hex(4)}@example.com"
    secret = asyncio.run(_issue_key(get_settings(), email=email, mode="live", name="demo"))
    datadir.write_private(file, secret)
    yield secret


def _tether(fd: int | None) -> "Lifeline | None":
    if fd is None:
        return None
    from app.embedded.lifeline import Lifeline

    return Lifeline(fd)


def _then(
    hook: Callable[[dict[str, Any]], Coroutine[Any, Any, None]], after: Callable[[], None]
) -> Callable[[dict[str, Any]], Coroutine[Any, Any, None]]:
    async def both(context: dict[str, Any]) -> None:
        await hook(context)
        after()

    return both


def _migrate(settings: "Settings") -> None:
    from alembic import command
    from alembic.config import Config

    asyncio.run(_wait_for_database(settings))
    config = Config()
    migrations = Path(__file__).parents[1] / "migrations"
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


async def _wait_for_database(settings: "Settings") -> None:
    """Until it answers. Raises what the driver raises when it refuses us, or stays silent for too long."""
    import asyncpg

    url = _plain_url(settings)
    until = monotonic() + DATABASE_WAIT_SECONDS
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except PermissionError:  # of a file in ~/.postgresql
            raise
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError):
            if monotonic() > until:
                raise
            await asyncio.sleep(0.2)
        else:
            await connection.close()
            return


@asynccontextmanager
async def _transaction(settings: "Settings") -> "AsyncIterator[AsyncSession]":
    from app.core import queue
    from app.core.db import Database

    redis = queue.connect(settings)
    database = Database(settings, redis)
    try:
        async with database.transaction() as session:
            yield session
    finally:
        await database.close()
        await redis.aclose(close_connection_pool=True)


async def _issue_key(
    settings: "Settings",
    *,
    email: str,
    mode: Literal["live", "test"],
    name: str,
    scopes: list[str] | None = None,
    is_admin: bool = False,
) -> str:
    from app.accounts import service

    async with _transaction(settings) as session:
        _, secret = await service.issue_key(
            session, email=email, mode=mode, name=name, scopes=scopes, is_admin=is_admin
        )
    return secret


async def _developer_keys(settings: "Settings", known: dict[str, str]) -> dict[str, str]:
    """The known keys where they still open something, else new ones."""
    from app.accounts import service
    from app.core.problems import Problem

    modes: dict[str, Literal["live", "test"]] = {"api_key": "live", "test_api_key": "test"}
    keys = {}
    for field, mode in modes.items():
        async with _transaction(settings) as session:
            try:
                await service.authenticate(session, known.get(field, ""))
                keys[field] = known[field]
            except Problem:
                _, keys[field] = await service.issue_key(session, email=DEVELOPER, mode=mode, name="backlot dev")
    return keys


def _is_expected(fault: Exception) -> bool:
    """Whether it is the world's fault (or the caller's), not ours."""
    from app.embedded.errors import StackFailed

    if isinstance(fault, (CommandFailed, StackFailed, OSError)):
        return True
    from alembic.util import CommandError
    from asyncpg import PostgresError
    from httpx import HTTPError
    from pydantic import ValidationError
    from redis.exceptions import RedisError
    from sqlalchemy.exc import DBAPIError

    from app.core.problems import Problem
    from app.demo import DemoFailed

    expected = (DemoFailed, Problem, CommandError, PostgresError, HTTPError, ValidationError, RedisError, DBAPIError)
    return isinstance(fault, expected)


def _in_one_line(fault: Exception) -> str:
    from pydantic import ValidationError

    if isinstance(fault, ValidationError):
        return "; ".join(
            ": ".join(filter(None, [".".join(map(str, one["loc"])), one["msg"]])) for one in fault.errors()
        )
    return " ".join(str(fault).split()) or type(fault).__name__


if __name__ == "__main__":
    main()
