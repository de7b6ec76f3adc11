from .list_provider_health import list_provider_health

__all__ = [
    "list_provider_health",
]
