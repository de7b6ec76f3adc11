"""One running stack for all clients."""

from collections.abc import Iterator

import pytest

from tests.clients.proxy import Proxy, through
from tests.dev_stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("clients") / "data")
    yield stack
    stack.stop()


@pytest.fixture
def proxy(stack: Stack) -> Iterator[Proxy]:
    with through(stack.ready["url"]) as proxy:
        yield proxy
