"""What a subject does to the ground: contact darkness, a soft cast shadow, a reflection."""

import numpy as np

from app.providers.adapters.local.pictures import Floats, blurred, from_array
from app.providers.adapters.local.stance import Outline, Stance

_CONTACT, _CAST = 0.62, 0.34


def shadow(cover: Floats, outline: Outline, side: float) -> Floats:
    """How much light is missing, 0..1. A subject cut by the lower frame stands on nothing that is in view."""
    match outline.stance:
        case Stance.CUT:
            return np.zeros_like(cover)
        case Stance.FROM_ABOVE:
            return _lying(cover, side)
        case Stance.STANDING:
            return _standing(cover, outline, side)


def _lying(cover: Floats, side: float) -> Floats:
    """Seen from above, the outline itself is what rests on the ground."""
    reach = cover.shape[1]
    near = _moved(cover, 0.006 * reach, -side * 0.004 * reach)
    far = _moved(cover, 0.030 * reach, -side * 0.038 * reach)
    contact = 0.55 * _blur(near, 0.006 * reach) + 0.20 * _blur(near, 0.018 * reach)
    result: Floats = np.clip(1 - (1 - contact) * (1 - _CAST * _blur(far, 0.028 * reach)), 0, 0.85)
    return result


def _standing(cover: Floats, outline: Outline, side: float) -> Floats:
    rows, columns = cover.shape
    base = outline.bottom * rows
    high, wide = (outline.bottom - outline.top) * rows, (outline.right - outline.left) * columns
    foot = _foot(cover, base, 0.10 * wide + 0.02 * high)
    contact = 0.9 * _blur(foot, 0.008 * wide, flat=0.5) + 0.75 * _blur(foot, 0.035 * wide, flat=0.4)
    around = 1.6 * _blur(foot, 0.10 * wide, flat=0.34)
    cast = _laid_down(cover, base, side)
    distance = np.clip((base - np.arange(rows, dtype=np.float32)[:, None]) / max(0.3 * high, 1), 0, 1)
    cast = _blur(cast, 0.022 * wide) * (1 - distance) + _blur(cast, 0.06 * wide) * distance
    fade = 1 - 0.75 * distance
    ground = 1 - (1 - _CONTACT * np.clip(contact, 0, 1)) * (1 - 0.30 * np.clip(around, 0, 1))
    result: Floats = np.clip(1 - (1 - ground) * (1 - _CAST * fade * cast), 0, 0.88)
    return result


def _foot(cover: Floats, base: float, reach: float) -> Floats:
    """The lower rim of the subject where it is close enough to its lowest point to touch the ground."""
    rows = cover.shape[0]
    solid = cover > 0.5
    lowest = np.where(solid.any(0), rows - 1 - np.argmax(solid[::-1], axis=0), -1).astype(np.float32)
    down = np.arange(rows, dtype=np.float32)[:, None]
    thickness = max(rows * 0.008, 1.5)
    near = np.clip(1 - (base - lowest) / max(reach, 1), 0, 1) * (lowest >= 0)
    rim = np.clip(1 - np.abs(down - lowest[None, :]) / thickness, 0, 1)
    result: Floats = (rim * near[None, :] * 1.6).astype(np.float32)
    return result


def _laid_down(cover: Floats, base: float, side: float) -> Floats:
    """The outline tipped over onto the ground, away from the light and from the eye."""
    rows, columns = cover.shape
    flat, lean = 0.20, -side * 0.62
    # Forward: y' = base - flat * (base - y), x' = x + lean * (base - y).
    image = from_array(np.ascontiguousarray(cover))
    moved = image.affine(
        [1, -lean, 0, flat],
        oarea=[0, 0, columns, rows],
        odx=lean * base,
        ody=base * (1 - flat),
    )
    result: Floats = moved.numpy()
    return result.astype(np.float32, copy=False)


def reflection(premultiplied: Floats, outline: Outline, strength: float) -> Floats:
    """The subject upside down below its base, fading: colour times opacity, and opacity."""
    rows, columns = premultiplied.shape[:2]
    base = round(outline.bottom * rows)
    result = np.zeros_like(premultiplied)
    room = min(rows - base, base)
    if outline.stance is not Stance.STANDING or room < 2:
        return result
    mirror = premultiplied[base - room : base][::-1]
    depth = np.arange(room, dtype=np.float32)[:, None, None] / (0.22 * rows)
    result[base : base + room] = mirror * (strength * np.exp(-depth))
    return blurred(result, 0.003 * columns)


def _moved(cover: Floats, down: float, across: float) -> Floats:
    rows, columns = cover.shape
    image = from_array(np.ascontiguousarray(cover))
    result: Floats = image.embed(round(across), round(down), columns, rows).numpy()
    return result


def _blur(cover: Floats, sigma: float, flat: float = 1.0) -> Floats:
    """`flat` below 1 blurs less up and down than across: the ground is seen at a slant."""
    rows, columns = cover.shape
    if flat == 1.0:
        return blurred(cover[:, :, None], sigma)[:, :, 0]
    # Taller by 1 / flat, blurred evenly, and back.
    tall = from_array(np.ascontiguousarray(cover)).resize(1, vscale=1 / flat, kernel="linear")
    soft = blurred(tall.numpy()[:, :, None], sigma)[:, :, 0]
    back = from_array(soft).resize(1, vscale=rows / soft.shape[0], kernel="linear").numpy()
    result: Floats = np.zeros((rows, columns), np.float32)
    result[: back.shape[0]] = back[:rows]
    return result
