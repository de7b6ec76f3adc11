"""What a route may ask of the running application. Coroutines all: FastAPI calls plain functions in another thread."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.sealing import Sealer
from app.core.settings import Settings


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _sealer(request: Request) -> Sealer:
    sealer: Sealer = request.app.state.sealer
    return sealer


SealerDep = Annotated[Sealer, Depends(_sealer)]
SettingsDep = Annotated[Settings, Depends(_settings)]
