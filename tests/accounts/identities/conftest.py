"""A fake provider, and who signs in there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from uuid import uuid4

import pytest
import uvicorn

from app.core.db import Database
from app.core.egress import Egress
from app.core.http import Http
from app.core.settings import Egress as EgressSettings
from app.core.settings import Settings
from app.main import create_app
from tests.accounts.identities.browser import FRONT, Behind, Browser, an_address
from tests.accounts.identities.idp import HOST, Idp, Person
from tests.conftest import free_port


@pytest.fixture(scope="session")
async def running_idp() -> AsyncIterator[Idp]:
    idp = Idp()
    await idp.start()
    yield idp
    await idp.stop()


@pytest.fixture
def idp(running_idp: Idp) -> Idp:
    """It is well, and knows of nothing."""
    running_idp.mend()
    return running_idp


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """A way out that is guarded, and patient for a second."""
    allow = EgressSettings(allow=(ip_network(f"{HOST}/32"),), total_seconds=1)
    it = Egress(Settings(_env_file=None, egress=allow))  # type: ignore[call-arg]
    yield it
    await it.aclose()


@pytest.fixture(scope="session")
async def api(settings: Settings, running_idp: Idp) -> AsyncIterator[Settings]:
    """An API of its own, which lets people sign in with the fake provider."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    running_idp.register(url)
    auth = settings.auth.model_dump() | running_idp.settings()
    auth |= {"cookie_secure": False, "pace_seconds": 0, "oauth_per_network": 100_000, "links_per_network": 100_000}
    values = {
        "api": settings.api.model_copy(update={"port": port, "public_url": url, "cors_origins": (FRONT,)}),
        "auth": type(settings.auth)(**auth),
    }
    own = settings.model_copy(update=values)
    server = uvicorn.Server(uvicorn.Config(create_app(own), port=port, http=Http, log_config=None, lifespan="on"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), serving.exception()
        await asyncio.sleep(0.01)
    yield own
    server.should_exit = True
    await serving


@pytest.fixture
async def browsers(api: Settings, idp: Idp) -> AsyncIterator[Callable[[], Browser]]:
    """As many as a test needs, each with its own cookies."""
    made: list[Browser] = []

    def make() -> Browser:
        made.append(Browser(api.api.public_url, idp.origin))
        return made[-1]

    yield make
    for browser in made:
        await browser.close()


@pytest.fixture
def browser(browsers: Callable[[], Browser]) -> Browser:
    return browsers()


@pytest.fixture
def behind(api: Settings, database: Database) -> Behind:
    return Behind(database, api)


@pytest.fixture
def person(idp: Idp) -> Person:
    """Somebody new, with a mailbox of Google's, who is signed in at the provider."""
    idp.person = Person(str(uuid4().int)[:20], an_address())
    return idp.person
