"""The provider of test-mode keys: free, deterministic, stateless, and able to misbehave in every way a vendor can."""

from app.providers.adapters.sandbox.provider import Sandbox

__all__ = ["Sandbox"]
