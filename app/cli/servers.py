"""Commands that run processes: the whole stack, the API, a worker."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import CommandFailed, is_given, own_command, plain_url, read_settings, settings_with_database

if TYPE_CHECKING:
    from app.embedded.datadir import Stack
    from app.embedded.lifeline import Lifeline


class Queue(StrEnum):
    generation = "generation"
    maintenance = "maintenance"


LifelineOption = Annotated[int | None, typer.Option(hidden=True, help="set by the supervisor")]


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

    from app.core import open_files
    from app.core.http import Http
    from app.embedded.ports import listen

    api = settings_with_database().api
    open_files.allow_many()
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
        http=Http,
        access_log=False,  # the app logs its requests itself
        log_config=None,
        server_header=False,
        proxy_headers=False,  # the app reads them itself, of proxies it was told of (core/visitor.py)
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


def worker(
    queue: Annotated[Queue, typer.Argument(help="Which queue to work on.")] = Queue.generation,
    lifeline: LifelineOption = None,
) -> None:
    """Run one worker process."""
    tether = _tether(lifeline)
    settings_with_database()
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    workers = import_module("workers.settings")  # by name: `app` does not know its workers
    if tether:
        tether.wait_to_begin()
    process = workers.make(queue.value)
    if tether:
        process.on_startup = _then(process.on_startup, tether.ready)  # after it, arq polls at once
    process.run()


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


def _run_stack(
    on_ready: "Callable[[Stack], None]", *, data: Path | None, port: int | None, workers: int, as_text: bool
) -> None:
    from app.embedded.supervisor import Plan, Supervisor

    log = logging.getLogger("backlot.dev")
    log.addHandler(handler := logging.StreamHandler(sys.stderr))
    handler.setFormatter(logging.Formatter("backlot: %(message)s"))
    settings = read_settings()
    environment = dict(os.environ)
    if not is_given(settings, "api", "shutdown_seconds"):
        environment["BACKLOT_API_SHUTDOWN_SECONDS"] = "3"
    if as_text and not is_given(settings, "log", "format"):
        environment["BACKLOT_LOG_FORMAT"] = "text"
    plan = Plan(
        data=data or settings.data,
        host=settings.api.host,
        port=settings.api.port if port is None else port,
        command=own_command(),
        api_processes=settings.api.processes,
        generation_workers=workers,
        database_url=plain_url(settings) if is_given(settings, "database") else None,
        redis_url=settings.redis.url.get_secret_value() if is_given(settings, "redis") else None,
        public_url=settings.api.public_url if is_given(settings, "api", "public_url") else None,
        has_secret="secret" in settings.model_fields_set,
        environment=environment,
    )
    asyncio.run(Supervisor(plan, on_ready).run())


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
