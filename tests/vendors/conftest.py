"""The vendors' servers, once for all tests of the folder, and an API that is set up to use them."""

from collections.abc import AsyncIterator

import pytest

from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.settings import Settings
from app.generation import files
from app.providers.catalog import Catalog
from tests.vendors.peer import Peer
from tests.vendors.roster import VENDORS
from tests.vendors.studio import Studio, api, studio


@pytest.fixture(scope="package")
async def peers() -> AsyncIterator[dict[str, Peer]]:
    made = {name: kind() for name, kind in VENDORS.items()}
    for peer in made.values():
        await peer.start()
    yield made
    for peer in made.values():
        await peer.stop()


@pytest.fixture(scope="package")
async def vendor_tools(settings: Settings) -> AsyncIterator[AssetTools]:
    tools = await AssetTools.open(settings)
    yield tools
    await tools.close()


@pytest.fixture(scope="package")
async def vendor_api(settings: Settings, peers: dict[str, Peer]) -> AsyncIterator[Settings]:
    """All vendors, and nobody is left alone for failing: each fault is one test's own."""
    async with api(peers.values(), PROVIDERS_BREAKER_SECONDS="0") as found:
        yield found


@pytest.fixture(scope="package")
async def vendor_catalog(vendor_api: Settings) -> AsyncIterator[Catalog]:
    """The worker's: making all adapters takes a while."""
    catalog = Catalog.load(vendor_api)
    yield catalog
    await catalog.close()


@pytest.fixture
async def backlot(
    vendor_api: Settings,
    database: Database,
    vendor_tools: AssetTools,
    vendor_catalog: Catalog,
    peers: dict[str, Peer],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Studio]:
    monkeypatch.setattr(files, "PAUSE_SECONDS", 0.01)
    async with studio(vendor_api, database, vendor_tools, vendor_catalog, peers) as made:
        yield made
