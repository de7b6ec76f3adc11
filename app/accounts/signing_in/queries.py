"""SQL of signing in and up."""

import asyncpg

from app.core.db import Database

_BEGIN = "select outcome, wait, is_known from sign_in_begin($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_FORGIVE = """
    insert into sign_in_guards as g (key, failures, known_at, forget_at)
    values ($1, 0, now(), now() + make_interval(secs => $2))
    on conflict (key) do update set failures = 0, failed_at = null, locked_until = null, known_at = now(),
        forget_at = greatest(g.forget_at, excluded.forget_at)
"""
_UNCOUNT = """
    update sign_in_guards set failures = greatest(failures - 1, 0),
        locked_until = case when failures <= $2 then null else locked_until end
    where key = $1
"""
_FORGET_OLD = """
    with gone as (
        select key from sign_in_guards where forget_at < now() order by forget_at limit $1 for update skip locked
    ), deleted as (
        delete from sign_in_guards g using gone where g.key = gone.key returning 1
    )
    select count(*) from deleted
"""


async def begin(database: Database, *arguments: object) -> asyncpg.Record:
    row = await database.fetchrow(_BEGIN, *arguments)
    assert row is not None
    return row


async def forgive(database: Database, pair: bytes, known_seconds: float) -> None:
    await database.fetch(_FORGIVE, pair, known_seconds)


async def uncount(database: Database, pair: bytes, most: int) -> None:
    await database.fetch(_UNCOUNT, pair, most)


async def forget_guards(database: Database, most: int) -> int:
    row = await database.fetchrow(_FORGET_OLD, most)
    return row[0] if row else 0
