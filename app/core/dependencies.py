"""What a route may ask of the running application."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.settings import Settings


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(_settings)]
