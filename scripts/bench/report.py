"""Figures, and what they are held against."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """Prints each figure as it comes, and remembers whether all were kept."""

    missed: list[str] = field(default_factory=list)

    def head(self, title: str) -> None:
        print(f"\n{title}", flush=True)

    def at_least(self, what: str, value: float, unit: str, least: float | None = None) -> None:
        self._line(what, value, unit, least, "≥", least is None or value >= least)

    def at_most(self, what: str, value: float, unit: str, most: float | None = None) -> None:
        self._line(what, value, unit, most, "≤", most is None or value <= most)

    def ratio(self, what: str, value: float, of: float, least: float | None = None) -> None:
        """The value as a part of its limit."""
        self._line(f"  … of {what}", value / of, "", least, "≥", least is None or value / of >= least)

    def _line(self, what: str, value: float, unit: str, limit: float | None, sign: str, fits: bool) -> None:
        promised = "" if limit is None else f"{sign} {_figure(limit)} {unit}"
        print(f"  {what:62} {_figure(value):>9} {unit:6} {promised:14} {'' if fits else 'MISSED'}".rstrip(), flush=True)
        if not fits:
            self.missed.append(what)


def _figure(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
