"""Cached copies of teams' droplets: what was read, when, and how the latest attempt to renew it went.

A reading is two values in the shared cache: the `Reading` itself, small, asked for with every page, and its rows under
a name of their own, asked for where this process does not hold them decoded. Both are msgpack; neither has a token in
it. Beside them stands the moment from which on it is out of date, where something was done. The cache may lose any of
them at any moment: what this process holds then stands in, else the team is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import msgspec
from django.utils import timezone
from msgspec.structs import replace

from common.cache import shared
from common.lru import WeightedCache
from digitalocean_client import errors
from droplets.fleet.summary import DropletSummary

T = TypeVar("T")

log = logging.getLogger(__name__)

USABLE = timedelta(days=1)
"""How old a reading may be and still be shown, with its age."""

_FORMAT = 2
"""Part of every key: count it up when `Reading` or `Row` changes, so that nobody reads another version's."""

_GONE = timedelta(minutes=5)
"""How long a connection that went is remembered: longer than any renewal of it can still be under way."""

_REPLACED = 60
"""Seconds that rows are kept beyond their reading: a page may have asked for that one just before it was replaced."""


_ABOUT_ACCESS = {errors.NeedsReconnect.code, errors.NotAllowed.code, errors.TokenRejected.code}


class Failure(msgspec.Struct, frozen=True):
    """How an attempt to renew went wrong: what `errors` knows of it, fit for keeping."""

    code: str
    sentence: str
    request_id: str = ""
    retry_at: datetime | None = None

    @classmethod
    def of(cls, error: errors.DigitalOceanError) -> Failure:
        return cls(error.code, error.sentence, error.request_id, error.retry_at)

    @property
    def is_about_access(self) -> bool:
        """Whether another pair of tokens could make it go away."""
        return self.code in _ABOUT_ACCESS


class CachedFleet(msgspec.Struct, frozen=True):
    """What is known of one team's droplets.

    `edition` names the rows and changes whenever they do; empty where there never were any. `taken_at` is when they
    were read, `is_whole` whether every droplet came; one that made no sense did come. `missing` counts droplets that
    did not, `unreadable` those that made no sense. `parts` are those that are still shown as they were, because the
    page that they would be on did not come: how many are of which moment, the latest first, behind all others.
    `replaced` is the edition before this one. `ordinary` and `gpus` are the totals of the two listings, None
    where not even that came; `remembered` are the latest that did.

    `failure` is what is wrong with the latest attempt, `failures` how many went wrong in a row. It began at `began_at`
    and ended at `tried_at`; `renew_at` is when another makes sense, None for now. `generation` is the connection's at
    that attempt: a failure of an older pair says nothing.
    """

    edition: str = ""
    taken_at: datetime | None = None
    is_whole: bool = False
    missing: int = 0
    unreadable: int = 0
    parts: tuple[tuple[int, datetime], ...] = ()
    replaced: str = ""
    ordinary: int | None = None
    gpus: int | None = None
    remembered: tuple[int, int] = (0, 0)
    request_id: str = ""
    began_at: datetime | None = None
    tried_at: datetime | None = None
    renew_at: datetime | None = None
    failure: Failure | None = None
    failures: int = 0
    generation: int = 0

    def is_due(self, now: datetime, generation: int) -> bool:
        """Whether to read the team again: its time has come, or what failed was tried with an older pair."""
        if self.renew_at is None or now >= self.renew_at:
            return True
        return self.failure is not None and generation != self.generation

    @property
    def kept(self) -> int:
        """How many are shown as they were before."""
        return sum(count for count, _ in self.parts)

    @property
    def kept_from(self) -> datetime | None:
        """Of when the oldest of those are."""
        return self.parts[-1][1] if self.parts else None

    @property
    def oldest_at(self) -> datetime | None:
        """Of when the oldest droplets are that it shows."""
        return self.kept_from or self.taken_at


def load(keys: Iterable[UUID]) -> dict[UUID, CachedFleet]:
    """The readings of these connections, by primary key; what there is none of is left out."""
    wanted = list(keys)
    if not wanted:
        return {}
    found = shared().get_many([key for pk in wanted for key in (_key(pk), _expired_key(pk))])
    readings = {}
    for pk in wanted:
        reading = _decoded(found.get(_key(pk)), CachedFleet) or _held_reading(pk)
        if reading:
            if _is_expired(reading, found.get(_expired_key(pk))):
                reading = replace(reading, renew_at=None)
            readings[pk] = reading if _is_usable(reading) else without_rows(reading)
    return readings


def rows(of: Mapping[UUID, CachedFleet]) -> dict[UUID, tuple[DropletSummary, ...]]:
    """The rows of these readings. What the cache has lost in the meantime is left out."""
    found: dict[UUID, tuple[DropletSummary, ...]] = {}
    wanted = {}
    for pk, reading in of.items():
        if not reading.edition:
            continue
        held = _held_rows(pk, reading.edition)
        if held is None:
            wanted[_rows_key(pk, reading.edition)] = pk
        else:
            found[pk] = held
    if wanted:
        for key, blob in shared().get_many(list(wanted)).items():
            decoded = _decoded(blob, tuple[DropletSummary, ...])
            if decoded is not None:
                pk = wanted[key]
                found[pk] = decoded
                _hold(pk, of[pk], decoded)
    return found


def save(
    pk: UUID, reading: CachedFleet, new_rows: tuple[DropletSummary, ...] | None, *, old: CachedFleet | None
) -> None:
    """Keep a reading. `new_rows` where there are others now; its `edition` is then a new one. `old` goes soon after."""
    cache = shared()
    lifetime = _lifetime(reading)
    if new_rows is not None:
        cache.set(_rows_key(pk, reading.edition), msgspec.msgpack.encode(new_rows), lifetime)
        _hold(pk, reading, new_rows)
    elif (held := _held_rows(pk, reading.edition)) is not None:
        _hold(pk, reading, held)
    cache.set(_key(pk), msgspec.msgpack.encode(reading), lifetime)
    if new_rows is not None and old and old.edition:
        cache.touch(_rows_key(pk, old.edition), _REPLACED)
    if cache.get(_gone_key(pk)):
        # Disconnected while it was being read. Looked up after writing, so that one of the two sees the other.
        forget(pk)


def is_there(pk: UUID, reading: CachedFleet) -> bool:
    """Whether its rows, if it has any, are still to be had."""
    return not reading.edition or pk in rows({pk: reading})


def new_edition() -> str:
    return uuid4().hex


def expire(pk: UUID) -> None:
    """Have the team read again at the next occasion: something was done to it, or its owner asks.

    A moment of its own beside the reading: one that is being taken just now began before it, and is due again as well.
    """
    shared().set(_expired_key(pk), timezone.now().timestamp(), USABLE.total_seconds())


def forget(pk: UUID) -> None:
    """Remove what is known of a team that was disconnected; what is being read of it will not be kept."""
    cache = shared()
    cache.set(_gone_key(pk), 1, _GONE.total_seconds())
    reading = _decoded(cache.get(_key(pk)), CachedFleet) or _held_reading(pk)
    _memory.delete(pk)
    editions = (reading.edition, reading.replaced) if reading else ()
    cache.delete_many([_key(pk), _expired_key(pk), *(_rows_key(pk, edition) for edition in editions)])


_memory: WeightedCache[UUID, tuple[CachedFleet, tuple[DropletSummary, ...]]] = WeightedCache()


def _hold(pk: UUID, reading: CachedFleet, of: tuple[DropletSummary, ...]) -> None:
    _memory.set(pk, (reading, of), len(of))


def _held_reading(pk: UUID) -> CachedFleet | None:
    held = _memory.get(pk)
    return held[0] if held else None


def _held_rows(pk: UUID, edition: str) -> tuple[DropletSummary, ...] | None:
    held = _memory.get(pk)
    return held[1] if held and held[0].edition == edition else None


def _decoded(blob: object, kind: type[T]) -> T | None:
    if not isinstance(blob, bytes):
        return None
    try:
        return msgspec.msgpack.decode(blob, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        log.warning("A cached reading cannot be decoded: it is read anew")
        return None


def _is_expired(reading: CachedFleet, at: object) -> bool:
    """Whether the reading began before the moment that `expire` wrote down. The cache may hold something else."""
    return isinstance(at, float) and (reading.began_at is None or reading.began_at.timestamp() <= at)


def _is_usable(reading: CachedFleet) -> bool:
    return reading.taken_at is None or timezone.now() - reading.taken_at < USABLE


def without_rows(reading: CachedFleet) -> CachedFleet:
    """What is left of a reading whose rows are lost, or too old to be shown: how the attempts went.

    It is due at once, unless the latest one went wrong.
    """
    return CachedFleet(
        remembered=reading.remembered,
        began_at=reading.began_at,
        tried_at=reading.tried_at,
        renew_at=reading.renew_at if reading.failure else None,
        failure=reading.failure,
        failures=reading.failures,
        generation=reading.generation,
    )


def _lifetime(reading: CachedFleet) -> float:
    """Seconds in the cache. One without rows is about failed attempts alone, and lasts as long as they matter."""
    if reading.taken_at is None:
        return USABLE.total_seconds()
    return max((reading.taken_at + USABLE - timezone.now()).total_seconds(), 1)


def _key(pk: UUID) -> str:
    return f"reading.{_FORMAT}:{pk}"


def _rows_key(pk: UUID, edition: str) -> str:
    return f"rows.{_FORMAT}:{pk}:{edition}"


def _expired_key(pk: UUID) -> str:
    return f"expired:{pk}"


def _gone_key(pk: UUID) -> str:
    return f"gone:{pk}"
