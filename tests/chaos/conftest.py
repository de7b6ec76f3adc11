"""The stage of the crash points."""

import os
from collections.abc import AsyncIterator

import pytest

from tests import stack
from tests.chaos.scene import Scene, setting


@pytest.fixture(scope="module")
def crash_database(urls: dict[str, str]) -> str:
    return stack.clone(urls["database"], f"backlot_crash_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")


@pytest.fixture(scope="module")
async def scene(
    urls: dict[str, str], crash_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    async with setting(tmp_path_factory.mktemp("crash"), crash_database, urls["redis"]) as scene:
        yield scene
