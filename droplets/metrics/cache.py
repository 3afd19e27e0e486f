"""Figures that were read a moment ago, kept in the shared cache: no token in them, and gone with the connection.

What a droplet's charts show of one range is one value, msgpack. The cache may lose it at any moment, or hold something
else: then it is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from uuid import UUID

import msgspec

from common.cache import shared
from droplets.metrics.figures import Figures

log = logging.getLogger(__name__)

FRESH = 55
"""Seconds that figures are shown without asking: DigitalOcean has new points every two minutes."""

USABLE = 900
"""Seconds that figures are shown, with their age, where newer ones do not come."""

_FORMAT = 1
"""Part of every key: count it up when `Figures` changes, so that nobody reads another version's."""

_GONE = 300  # seconds: longer than any page that still reads
_MOST_NAMES = 500  # of one connection; those beyond end by themselves


class CachedCharts(msgspec.Struct, frozen=True):
    """`taken_at` in seconds since the epoch."""

    taken_at: int
    figures: Figures

    def is_fresh(self, now: int) -> bool:
        return 0 <= now - self.taken_at < FRESH


def load(pk: UUID, droplet: int, name: str, *, now: int) -> dict[str, CachedCharts]:
    """What there is of a droplet in the range of that name, by chart, if it is usable."""
    blob = shared().get(_key(pk, f"{droplet}:{name}"))
    if not isinstance(blob, bytes):
        return {}
    try:
        found = msgspec.msgpack.decode(blob, type=dict[str, CachedCharts])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        log.warning("Cached figures cannot be decoded: they are read anew")
        return {}
    return {plot: kept for plot, kept in found.items() if abs(now - kept.taken_at) < USABLE}


def save(pk: UUID, droplet: int, name: str, kept: Mapping[str, CachedCharts]) -> None:
    """Keep the charts of a droplet in a range, in place of what is kept of it."""
    cache = shared()
    part = f"{droplet}:{name}"
    names = [each for each in _names(pk) if each != part]
    cache.set(_key(pk, "names"), [*names, part][-_MOST_NAMES:], USABLE)
    cache.set(_key(pk, part), msgspec.msgpack.encode(kept), USABLE)
    if cache.get(_key(pk, "gone")):
        # Disconnected while it was being read. Looked up after writing, so that one of the two sees the other.
        forget(pk)


def forget(pk: UUID) -> None:
    """Remove all figures of a connection; what is being read of it will not be kept."""
    shared().set(_key(pk, "gone"), 1, _GONE)
    shared().delete_many([_key(pk, "names"), *(_key(pk, part) for part in _names(pk))])


def _names(pk: UUID) -> list[str]:
    found = shared().get(_key(pk, "names"))
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _key(pk: UUID, part: str) -> str:
    return f"graphs.{_FORMAT}:{pk}:{part}"
