"""Charts in the shared cache, deleted with their connection. They hold no token.

The charts of one droplet and range are one value, in MessagePack. A value that is missing or cannot be decoded is read
again from DigitalOcean.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from common.cache import decoded, shared
from droplets.metrics.chart_data import ChartData

FRESH = 55
"""Seconds that a chart is shown without asking again: DigitalOcean has new points every two minutes."""

USABLE = 900
"""Seconds that a chart is shown, with its age, while newer figures cannot be read."""

_FORMAT = 2
"""Part of every key. Increase it when `CachedChart` changes, so that no version reads another's values."""

_GONE = 300  # seconds: longer than any page that is still being read
_MOST_NAMES = 500  # of one connection; others expire after USABLE seconds


class CachedChart(msgspec.Struct, frozen=True):
    """`taken_at` in seconds since the epoch."""

    taken_at: int
    data: ChartData

    def is_fresh(self, now: int) -> bool:
        return 0 <= now - self.taken_at < FRESH


def load(pk: UUID, droplet: int, name: str, *, now: int) -> dict[str, CachedChart]:
    """A droplet's usable charts by key. `name` is the range's slug, `now` in seconds since the epoch."""
    found = decoded(shared().get(_key(pk, f"{droplet}:{name}")), dict[str, CachedChart], "A chart")
    return {key: chart for key, chart in (found or {}).items() if abs(now - chart.taken_at) < USABLE}


def save(pk: UUID, droplet: int, name: str, charts: Mapping[str, CachedChart]) -> None:
    """Store a droplet's charts by key, in place of those stored for the same range."""
    cache = shared()
    part = f"{droplet}:{name}"
    names = [each for each in _names(pk) if each != part]
    cache.set(_key(pk, "names"), [*names, part][-_MOST_NAMES:], USABLE)
    cache.set(_key(pk, part), msgspec.msgpack.encode(charts), USABLE)
    if cache.get(_key(pk, "gone")):
        # Disconnected meanwhile. This is checked after writing, so that either this or `forget` deletes the value.
        forget(pk)


def forget(pk: UUID) -> None:
    """Delete all charts of a connection. Those that are being read now will not stay either."""
    shared().set(_key(pk, "gone"), 1, _GONE)
    shared().delete_many([_key(pk, "names"), *(_key(pk, part) for part in _names(pk))])


def _names(pk: UUID) -> list[str]:
    found = shared().get(_key(pk, "names"))
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _key(pk: UUID, part: str) -> str:
    return f"graphs.{_FORMAT}:{pk}:{part}"
