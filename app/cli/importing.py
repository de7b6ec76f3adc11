"""The command that brings users of another system."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from app.cli.context import CommandFailed, opened, settings_with_database

if TYPE_CHECKING:
    from app.accounts.users.importing import ImportedUser

AT_ONCE = 200


def import_users(
    file: Annotated[Path, typer.Argument(help="JSON lines, or CSV if it ends in .csv; - is standard input (JSON).")],
    check: Annotated[bool, typer.Option("--check", help="Read the file, and add nobody.")] = False,
) -> None:
    """Add users with their password hashes. Whoever has an account here keeps it, so it may be done again.

    Only what was set up with an address that nobody verified gives way to who verified it elsewhere.

    Each has `email`, and may have `password_hash` (bcrypt or Argon2), `email_verified`, `name` and `locale`. The hashes
    are made anew when their owners sign in. Nothing is added unless every line can be read.
    """
    from app.accounts.users import importing

    try:
        with _opened(file) as lines:
            users = list(importing.read(lines, is_csv=file.suffix.lower() == ".csv"))
    except (OSError, UnicodeDecodeError, importing.BadLine) as fault:
        raise CommandFailed(str(fault)) from fault
    if check:
        print(f"{len(users)} users can be imported.")
        return
    added = asyncio.run(_add(users))
    print(f"Added {added} users. {len(users) - added} were there already.")


async def _add(users: "list[ImportedUser]") -> int:
    from app.accounts.users import importing

    added, rest = 0, iter(users)
    async with opened(settings_with_database()) as database:
        while some := list(islice(rest, AT_ONCE)):
            async with database.transaction() as session:
                added += await importing.add(session, some)
    return added


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    if str(file) == "-":
        yield sys.stdin
        return
    with file.open(encoding="utf-8-sig", newline="") as lines:
        yield lines
