"""Where the subject of a photograph is: the u2netp network on 320 x 320 pixels."""

import hashlib
from functools import cache

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.providers.adapters.local import models
from app.providers.adapters.local.pictures import Bytes, Floats, blurred, clipped, from_array, scaled

SIDE = 320
_SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


@cache
def _network() -> onnxruntime.InferenceSession:
    weights = models.u2netp().read_bytes()
    if hashlib.sha256(weights).hexdigest() != _SHA256:
        raise models.MissingModel("u2netp.onnx is not the file it should be")
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # the arena would keep 550 MB for good
    options.intra_op_num_threads = 2
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def _look(pixels: Bytes) -> Floats:
    small = from_array(pixels).thumbnail_image(SIDE, height=SIDE, size="force", linear=False).numpy()
    light = small.astype(np.float32)
    light /= max(float(light.max()), 1.0)
    planes = ((light - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None]
    network = _network()
    found = network.run([network.get_outputs()[0].name], {network.get_inputs()[0].name: planes})[0][0, 0]
    return clipped(found)


def subject(pixels: Bytes, width: int, height: int) -> Floats:
    """How much each point belongs to the subject, 0..1, at the given size.

    One look decides most pictures. A subject cut by the frame confuses the network there, so the picture is continued
    by its mirror image; one that fills little of the frame is looked at from closer, for the sake of its outline.
    """
    whole = _stretched(_look(pixels))
    inside = whole > 0.5
    if not inside.any():
        return _sized(whole, width, height)
    if _touches(whole):
        continued = _stretched(_look_continued(pixels, whole))
        # What only the first look saw counts where the second one does not deny it.
        sure = np.clip((whole - 0.75) / 0.2, 0, 1) * np.clip(4 * blurred(continued, 8) - 0.2, 0, 1)
        return _sized(np.maximum(continued, sure * whole), width, height)
    box = _closer(inside)
    if (box[1] - box[0]) * (box[3] - box[2]) > 0.45:
        return _sized(whole, width, height)
    return _look_closer(pixels, _sized(whole, width, height), box)


def _touches(mask: Floats) -> dict[str, float]:
    """Sides of the frame that cut the subject, and how far the picture should go on there."""
    edges = {"bottom": mask[-3:].mean(0), "left": mask[:, :3].mean(1), "right": mask[:, -3:].mean(1)}
    reach = {"bottom": 0.5, "left": 0.3, "right": 0.3}
    found = {side: reach[side] for side, edge in edges.items() if (edge > 0.4).mean() > 0.08}
    return {"bottom": 0.5} if "bottom" in found else found


def _look_continued(pixels: Bytes, mask: Floats) -> Floats:
    sides = _touches(mask)
    rows, columns = pixels.shape[:2]
    below = int(rows * sides.get("bottom", 0))
    left, right = int(columns * sides.get("left", 0)), int(columns * sides.get("right", 0))
    small = max(1, min(rows, columns) // SIDE)
    thin = pixels[::small, ::small] if small > 1 else pixels
    below, left, right = below // small, left // small, right // small
    wide = np.pad(thin, ((0, below), (left, right), (0, 0)), mode="reflect")
    found = scaled(_look(wide), wide.shape[1], wide.shape[0])
    return scaled(found[: thin.shape[0], left : left + thin.shape[1]], SIDE, SIDE)


def _closer(inside: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Top, bottom, left and right of the subject with some room, as shares of the picture."""
    top, bottom = np.flatnonzero(inside.any(1))[[0, -1]] / SIDE
    left, right = np.flatnonzero(inside.any(0))[[0, -1]] / SIDE
    room = 0.12 * max(bottom - top, right - left) + 0.02
    return max(top - room, 0), min(bottom + room, 1), max(left - room, 0), min(right + room, 1)


def _look_closer(pixels: Bytes, whole: Floats, box: tuple[float, float, float, float]) -> Floats:
    (rows, columns), (height, width) = pixels.shape[:2], whole.shape
    top, bottom, left, right = box
    y, x = slice(int(top * height), int(bottom * height)), slice(int(left * width), int(right * width))
    if min(y.stop - y.start, x.stop - x.start) < 8:
        return whole
    near = _look(pixels[int(top * rows) : int(bottom * rows), int(left * columns) : int(right * columns)])
    closer = np.zeros_like(whole)
    closer[y, x] = scaled(_stretched(near), x.stop - x.start, y.stop - y.start)
    # The second look may miss a part that the first one saw: it sharpens, it does not take away.
    return clipped(np.where(whole > 0.9, np.maximum(closer, 0.6 * whole), closer))


def _sized(mask: Floats, width: int, height: int) -> Floats:
    return clipped(scaled(mask, width, height))


def _stretched(mask: Floats) -> Floats:
    low, high = float(mask.min()), float(mask.max())
    return clipped((mask - low) / max(high - low, 1e-6))
