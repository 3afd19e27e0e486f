"""The time ranges of the graphs: their length, resolution and how often an open page reloads."""

from dataclasses import dataclass

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True)
class Range:
    """`length`, `bucket` and `renew` are in seconds.

    Where there are more than `length / bucket` points, those of each bucket become one. `renew` is when an open page
    reloads: a long range changes slowly.
    """

    slug: str
    title: str
    phrase: str
    length: int
    bucket: int
    renew: int

    @property
    def most_points(self) -> int:
        """The most points that a chart shows."""
        return self.length // self.bucket


RANGES = (
    Range("1h", "1 hour", "the last hour", _HOUR, 20, renew=_MINUTE),
    Range("6h", "6 hours", "the last 6 hours", 6 * _HOUR, 2 * _MINUTE, renew=2 * _MINUTE),
    Range("24h", "24 hours", "the last 24 hours", _DAY, 10 * _MINUTE, renew=5 * _MINUTE),
    Range("7d", "7 days", "the last 7 days", 7 * _DAY, _HOUR, renew=15 * _MINUTE),
    Range("14d", "14 days", "the last 14 days", 14 * _DAY, 2 * _HOUR, renew=30 * _MINUTE),
)
DEFAULT = RANGES[0]


def range_of(slug: str) -> Range | None:
    """The range with this slug, or None."""
    return next((each for each in RANGES if each.slug == slug), None)
