"""What the child process is called with: an operation by name. Each loads its own libraries, once."""

from importlib import import_module
from typing import Any

_OPERATIONS = {
    "remove_background": "cutout",
    "background": "background",
    "composite": "composite",
    "transform_image": "transform",
    "upscale": "upscale",
}


def perform(operation: str, params: dict[str, Any], files: dict[str, bytes]) -> list[dict[str, Any]]:
    """The outputs, each with `content`, `content_type` and, where there is one, `seed`."""
    module = import_module(f"app.providers.adapters.local.{_OPERATIONS[operation]}")
    outputs: list[dict[str, Any]] = getattr(module, operation)(params, files)
    return outputs
