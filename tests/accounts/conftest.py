"""People for each test that asks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.people import Person, make_person

People = Callable[..., Awaitable[Person]]


@pytest.fixture
async def people(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[People]:
    """Makes a new user who is signed in."""
    made: list[Person] = []

    async def make(word: str = "person", **fields: Any) -> Person:
        made.append(await make_person(settings, database, word, **fields))
        return made[-1]

    yield make
    for person in made:
        await person.http.aclose()
