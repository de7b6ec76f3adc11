"""Somebody who is signed in."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.signed_in import sign_in
from tests.conftest import Account


@pytest.fixture
async def person(account: Account, settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The account's user, who signed in just now."""
    async with await sign_in(settings, database, account) as signed_in:
        yield signed_in


@pytest.fixture
def tools(server: FastAPI) -> AssetTools:
    """Those of the application."""
    tools: AssetTools = server.state.asset_tools
    return tools
