"""From a rough mask to the outline of the object: how opaque each pixel is.

The matting Laplacian of Levin et al. (2008) in the matrix-free form of He et al. (2010): in a small window, colours lie
on a line between object and surroundings.
"""

from dataclasses import dataclass

import numpy as np

from app.providers.adapters.local.pictures import Flags, Floats, clipped

_STEPS = 14
_SMOOTHNESS = 2e-4
_ANCHOR = 30.0


def _windowed(planes: Floats, radius: int, axis: int) -> Floats:
    """Sums over 2 * radius + 1 neighbours, nothing beyond the border, by doubling."""
    length, wanted = planes.shape[axis], 2 * radius + 1
    margin = [(0, 0)] * planes.ndim
    margin[axis] = (radius, radius)
    power = np.pad(planes, margin)
    total = np.zeros_like(planes)
    offset, width = 0, 1
    while True:
        if wanted & width:
            total += power[_cut(planes.ndim, axis, offset, offset + length)]
            offset += width
        width *= 2
        if width > wanted:
            return total
        half, size = width // 2, power.shape[axis]
        power = power[_cut(power.ndim, axis, 0, size - half)] + power[_cut(power.ndim, axis, half, size)]


def _cut(dimensions: int, axis: int, start: int, stop: int) -> tuple[slice, ...]:
    cut = [slice(None)] * dimensions
    cut[axis] = slice(start, stop)
    return tuple(cut)


def box(planes: Floats, radius: int) -> Floats:
    """Sums over square windows of the last two axes."""
    return _windowed(_windowed(planes, radius, planes.ndim - 1), radius, planes.ndim - 2)


class ColourLines:
    """The matting Laplacian of a picture, and its guided filter: both fit a line through each window's colours."""

    def __init__(self, light: Floats, radius: int, smoothness: float = _SMOOTHNESS) -> None:
        self.planes = np.ascontiguousarray((light - light.mean((0, 1))).transpose(2, 0, 1))
        self.radius = radius
        rows, columns = light.shape[:2]
        self.count = box(np.ones((1, rows, columns), np.float32), radius)
        self.mean = box(self.planes, radius) / self.count
        red, green, blue = self.planes
        products = np.stack([red * red, red * green, red * blue, green * green, green * blue, blue * blue])
        moments = box(products, radius) / self.count
        r, g, b = self.mean
        rr, rg, rb, gg, gb, bb = moments - np.stack([r * r, r * g, r * b, g * g, g * b, b * b])
        rr, gg, bb = rr + smoothness, gg + smoothness, bb + smoothness
        determinant = rr * (gg * bb - gb * gb) - rg * (rg * bb - gb * rb) + rb * (rg * gb - gg * rb)
        determinant = np.maximum(determinant, 1e-14)
        self.inverse = np.stack(
            [
                gg * bb - gb * gb,
                rb * gb - rg * bb,
                rg * gb - rb * gg,
                rr * bb - rb * rb,
                rg * rb - rr * gb,
                rr * gg - rg * rg,
            ]
        )
        self.inverse /= determinant

    def fit(self, values: Floats) -> Floats:
        """Four planes per window: three slopes and an offset."""
        sums = box(np.concatenate([values[None], values * self.planes]), self.radius) / self.count
        level, (r, g, b) = sums[0], sums[1:] - self.mean * sums[0]
        i = self.inverse
        lines = np.empty((4, *values.shape), np.float32)
        lines[0] = i[0] * r + i[1] * g + i[2] * b
        lines[1] = i[1] * r + i[3] * g + i[4] * b
        lines[2] = i[2] * r + i[4] * g + i[5] * b
        lines[3] = level - (lines[:3] * self.mean).sum(0)
        return lines

    def smooth(self, values: Floats) -> Floats:
        """The guided filter: values that follow the picture's edges."""
        lines = box(self.fit(values), self.radius) / self.count
        result: Floats = (lines[:3] * self.planes).sum(0) + lines[3]
        return result

    def bend(self, values: Floats) -> Floats:
        """The Laplacian applied: zero where the values follow the colours already."""
        lines = box(self.fit(values), self.radius)
        full = self.count[0].max()
        result: Floats = self.count[0] / full * values - ((lines[:3] * self.planes).sum(0) + lines[3]) / full
        return result


@dataclass(frozen=True)
class Trimap:
    """What is surely object, surely surroundings; the rest is to be found out."""

    inside: Flags
    outside: Flags

    @property
    def unknown(self) -> Flags:
        return np.logical_not(self.inside | self.outside)


def trimap(mask: Floats, *, inside: float, outside: float, erode: int) -> Trimap:
    """Thresholds as in 0..1; both sure parts are eroded by half the given width."""
    radius = max(erode // 2, 1)
    solid, empty = (mask >= inside).astype(np.float32), (mask <= outside).astype(np.float32)
    # Eroded from within the picture only: an object cut by the frame stays sure there.
    reach = box(np.ones_like(solid)[None], radius)[0] - 0.5
    return Trimap(box(solid[None], radius)[0] >= reach, box(empty[None], radius)[0] >= reach)


def solve(light: Floats, mask: Floats, known: Trimap, radius: int = 3) -> Floats:
    """Opacity that agrees with the sure parts and the picture's colours, by conjugate gradients from the mask."""
    lines = ColourLines(light, radius)
    doubt = 1 - np.abs(2 * mask - 1)
    weight = np.where(known.unknown, 0.03 + 0.5 * (1 - doubt) ** 2, _ANCHOR).astype(np.float32)
    target = np.where(known.inside, np.float32(1), np.where(known.outside, np.float32(0), mask))
    inverse = 1 / (1 + weight)
    alpha = target.copy()
    residual = -lines.bend(alpha)
    step = inverse * residual
    strength = float((residual * step).sum())
    for _ in range(_STEPS):
        bent = lines.bend(step) + weight * step
        length = strength / max(float((step * bent).sum()), 1e-12)
        alpha += length * step
        residual -= length * bent
        better = inverse * residual
        stronger = float((residual * better).sum())
        step = better + (stronger / max(strength, 1e-12)) * step
        strength = stronger
        if stronger < 1e-3:
            break
    return clipped((alpha - 0.04) / 0.92)


def applied(lines: Floats, light: Floats, centre: Floats) -> Floats:
    """Opacity of a finer picture by the lines fitted to a coarser one (rows, columns, planes)."""
    result: Floats = ((light - centre) * lines[:, :, :3]).sum(2) + lines[:, :, 3]
    return result


def decided(mask: Floats) -> Floats:
    """The mask with its doubts pushed to one side: half-transparent areas look like ghosts."""
    return clipped((mask - 0.25) / 0.5)
