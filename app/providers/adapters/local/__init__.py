"""The local provider: see `provider.py` for its door, `work.py` for what runs behind it."""

from app.providers.adapters.local.provider import Local

__all__ = ["Local"]
