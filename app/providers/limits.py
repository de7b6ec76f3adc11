"""What a model can be asked for in size: by multiples, by a list of sizes, or by a list of shapes; and how often."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log, sqrt

Size = tuple[int, int]
"""Width and height: pixels, or the terms of a ratio."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """How much a provider may be asked for; None: as much as one likes."""

    requests_per_minute: int | None = None
    jobs_at_once: int | None = None

    @property
    def is_free(self) -> bool:
        return self.requests_per_minute is None and self.jobs_at_once is None


@dataclass(frozen=True, slots=True)
class Limits:
    """In pixels. `sizes` and `ratios` are all there are, where they are given."""

    least: int = 1
    most: int = 4096
    multiple: int = 1
    most_pixels: int | None = None
    sizes: tuple[Size, ...] = ()
    ratios: tuple[Size, ...] = ()

    def fit(self, width: int, height: int) -> Size:
        """The size to ask for: the nearest in shape that there is, then the nearest in pixels."""
        if self.sizes:
            return nearest(self.sizes, width, height)
        width, height = self._within(width, height)
        if self.most_pixels is not None and width * height > self.most_pixels:
            shrink = sqrt(self.most_pixels / (width * height))
            width, height = int(width * shrink), int(height * shrink)
            return self._whole(width, down=True), self._whole(height, down=True)
        return self._whole(width), self._whole(height)

    def _within(self, width: int, height: int) -> Size:
        """Larger or smaller as a whole, so that the shape stays: a picture is not to be stretched."""
        scale = max(self.least / min(width, height), 1)
        scale = min(scale, self.most / max(width, height))
        return round(width * scale), round(height * scale)

    def ratio(self, width: int, height: int) -> Size:
        """The nearest shape there is."""
        return nearest(self.ratios, width, height)

    def _whole(self, side: int, *, down: bool = False) -> int:
        steps = side // self.multiple if down else round(side / self.multiple)
        return min(max(steps * self.multiple, self.least), self.most)


def nearest(among: Iterable[Size], width: int, height: int) -> Size:
    """The nearest in shape, and of several of one shape the nearest in pixels."""

    def distance(size: Size) -> tuple[float, float]:
        shape = abs(log(size[0] / size[1]) - log(width / height))
        return round(shape, 3), abs(log(size[0] * size[1]) - log(width * height))

    return min(among, key=distance)
