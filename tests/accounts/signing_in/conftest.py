"""Who signs up in these tests."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.signing_in.people import Person


@pytest.fixture
def someone(settings: Settings, database: Database, server: FastAPI) -> Callable[..., Person]:
    def make(**known: Any) -> Person:
        return Person(settings, database, **known)

    return make


@pytest.fixture
def person(someone: Callable[..., Person]) -> Person:
    return someone()


@pytest.fixture
async def member(person: Person) -> Person:
    """Signed up, verified and signed in."""
    assert (await person.sign_up()).status_code == 202
    assert (await person.verify(password=person.password)).status_code == 204
    assert (await person.log_in()).status_code == 200
    return person
