"""Which failures are the world's or the caller's, and how each is said in one line."""

from app.cli.context import CommandFailed


def is_expected(fault: Exception) -> bool:
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


def in_one_line(fault: Exception) -> str:
    from pydantic import ValidationError

    if isinstance(fault, ValidationError):
        return "; ".join(
            ": ".join(filter(None, [".".join(map(str, one["loc"])), one["msg"]])) for one in fault.errors()
        )
    return " ".join(str(fault).split()) or type(fault).__name__
