"""The demo command: it borrows a stack where none runs, and sees to a key with credits."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.context import CommandFailed, issue_key, own_command, read_settings

if TYPE_CHECKING:
    from app.embedded.datadir import Stack


def demo(
    photo: Annotated[Path | None, typer.Option(help="A product photo.  [default: the coffee of examples/]")] = None,
    preset: Annotated[str, typer.Option(help="The background; GET /v1/presets lists them.")] = "marble",
    num_images: Annotated[int, typer.Option(min=1, max=4, help="How many variants.")] = 2,
    data: Annotated[Path | None, typer.Option(help="As for `dev`.  [default: ./.backlot]")] = None,
) -> None:
    """Put a product photo on a new background, through the whole stack."""
    from app import demo as client
    from app.embedded import datadir

    directory = data or read_settings().data
    order = client.Order(photo=client.find_photo(photo), preset=preset, num_images=num_images)
    if running := datadir.find_running(directory):
        print(f"Using the Backlot that runs at {running.url}.")
        client.run(running.url, _demo_keys(running, directory), order)
        return
    with _borrowed_stack(directory) as stack:
        client.run(stack.url, _demo_keys(stack, directory), order)


@contextmanager
def _borrowed_stack(directory: Path) -> "Iterator[Stack]":
    """A stack for as long as the block lasts, its logs in a file of the data directory."""
    from app.embedded import datadir
    from app.embedded.process import dies_with_us

    log_file = datadir.prepare(directory) / "demo.log"
    print(f"Starting Backlot (logs: {log_file}) …", flush=True)
    command = [*own_command(), "dev", "--json", "--port", "0", "--data", str(directory)]
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
    secret = asyncio.run(issue_key(get_settings(), email=email, mode="live", name="demo"))
    datadir.write_private(file, secret)
    yield secret
