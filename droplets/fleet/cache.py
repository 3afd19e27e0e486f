"""Cached copies of teams' droplets: what was read, when, and how the latest attempt went.

The shared cache has two values for each connection, both MessagePack and without a token: the `CachedFleet`, small and
read with every page, and the droplets under a key of their own, read where this process does not hold them decoded. A
third value is the moment of the latest request to reload. The cache may lose any of them at any moment: what this
process holds is used then, or else the team is read again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

import msgspec
from django.utils import timezone
from msgspec.structs import replace

from common.cache import decoded, shared
from common.lru import WeightedCache
from digitalocean_client import errors
from droplets.fleet.summary import DropletSummary

USABLE = timedelta(days=1)
"""How old droplets may be and still be shown, with their age."""

FORMAT = 4
"""Part of every key. Count it up when `CachedFleet` or `DropletSummary` changes, so that older values are not read."""

_DELETED = timedelta(minutes=5)
"""How long a deleted connection is remembered: longer than any reload of it can still run."""

_REPLACED = 60
"""Seconds that droplets are kept after newer ones replaced them: a page may just be about to read them."""

_ABOUT_ACCESS = {errors.NeedsReconnect.code, errors.NotAllowed.code, errors.TokenRejected.code}


class Failure(msgspec.Struct, frozen=True):
    """How an attempt went wrong: what the error knows, in a form for the cache."""

    code: str
    sentence: str
    request_id: str = ""
    retry_at: datetime | None = None

    @classmethod
    def from_error(cls, error: errors.DigitalOceanError) -> Self:
        return cls(error.code, error.sentence, error.request_id, error.retry_at)

    @property
    def is_about_access(self) -> bool:
        """Whether other tokens could make it go away."""
        return self.code in _ABOUT_ACCESS


class CachedFleet(msgspec.Struct, frozen=True):
    """What is known of one connection's droplets.

    The droplets: `version` is the name of their key and changes whenever they do; empty where none were ever stored,
    `replaced` is the version before. They were read at `taken_at`. `is_whole`: every droplet came, even if it could not
    be decoded. `missing` counts droplets that did not come, `unreadable` those that could not be decoded.
    `outdated_parts` are droplets of earlier moments, shown because the page they would be on did not come: (how many,
    when they were read), the latest first; they are the last of the droplets. `ordinary` and `gpus` are the totals of
    the two listings, None where no page came; `remembered` are the latest totals that did come.

    The latest attempt: it began at `began_at` and ended at `tried_at`, `failure` is why it went wrong, `failures` how
    many went wrong in a row. The next one makes sense at `reload_at`, None for now. `generation` is the connection's at
    that time: a failure with older tokens says nothing.
    """

    version: str = ""
    taken_at: datetime | None = None
    is_whole: bool = False
    missing: int = 0
    unreadable: int = 0
    outdated_parts: tuple[tuple[int, datetime], ...] = ()
    replaced: str = ""
    ordinary: int | None = None
    gpus: int | None = None
    remembered: tuple[int, int] = (0, 0)
    request_id: str = ""
    began_at: datetime | None = None
    tried_at: datetime | None = None
    reload_at: datetime | None = None
    failure: Failure | None = None
    failures: int = 0
    generation: int = 0

    def is_due(self, now: datetime, generation: int) -> bool:
        """Whether to read the team again: its time has come, or what failed was tried with older tokens."""
        if self.reload_at is None or now >= self.reload_at:
            return True
        return self.failure is not None and generation != self.generation

    @property
    def outdated(self) -> int:
        """How many droplets are of earlier moments than the others."""
        return sum(count for count, _ in self.outdated_parts)

    @property
    def outdated_since(self) -> datetime | None:
        """When the oldest of those were read."""
        return self.outdated_parts[-1][1] if self.outdated_parts else None

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest of all its droplets were read."""
        return self.outdated_since or self.taken_at


def load(keys: Iterable[UUID]) -> dict[UUID, CachedFleet]:
    """What is cached for these connections, by primary key. A connection without a value is left out."""
    wanted = list(keys)
    if not wanted:
        return {}
    found = shared().get_many([key for pk in wanted for key in (_key(pk), _reload_key(pk))])
    entries = {}
    for pk in wanted:
        entry = _entry(pk, found.get(_key(pk)))
        if entry:
            if _began_before(entry, found.get(_reload_key(pk))):
                entry = replace(entry, reload_at=None)
            entries[pk] = entry if _is_usable(entry) else without_droplets(entry)
    return entries


def droplets(of: Mapping[UUID, CachedFleet]) -> dict[UUID, tuple[DropletSummary, ...]]:
    """The droplets of these connections. Those that the cache has lost in the meantime are left out."""
    found: dict[UUID, tuple[DropletSummary, ...]] = {}
    wanted = {}
    for pk, entry in of.items():
        if not entry.version:
            continue
        held = _held_droplets(pk, entry.version)
        if held is None:
            wanted[_droplets_key(pk, entry.version)] = pk
        else:
            found[pk] = held
    if wanted:
        for key, blob in shared().get_many(list(wanted)).items():
            read = decoded(blob, tuple[DropletSummary, ...], "A fleet")
            if read is not None:
                pk = wanted[key]
                found[pk] = read
                hold(pk, of[pk], read)
    return found


def save(
    pk: UUID, entry: CachedFleet, new_droplets: tuple[DropletSummary, ...] | None, *, old: CachedFleet | None
) -> None:
    """Store an entry and, where they changed, its droplets, with a new `version`. Those of `old` are removed soon."""
    cache = shared()
    lifetime = _lifetime(entry)
    if new_droplets is not None:
        cache.set(_droplets_key(pk, entry.version), msgspec.msgpack.encode(new_droplets), lifetime)
        hold(pk, entry, new_droplets)
    elif (held := _held_droplets(pk, entry.version)) is not None:
        hold(pk, entry, held)
    cache.set(_key(pk), msgspec.msgpack.encode(entry), lifetime)
    if new_droplets is not None and old and old.version:
        cache.touch(_droplets_key(pk, old.version), _REPLACED)
    if cache.get(_deleted_key(pk)):
        # Deleted while it was read. Looked up after writing, so that one of the two sees the other.
        forget(pk)


def is_there(pk: UUID, entry: CachedFleet) -> bool:
    """Whether its droplets, if it has any, are still in the cache or in this process."""
    return not entry.version or pk in droplets({pk: entry})


def new_version() -> str:
    return uuid4().hex


def request_reload(pk: UUID) -> None:
    """Have the team read again by the next page: something was done to it, or its owner asks.

    The moment is a value of its own: a reload that runs just now began before it, and its result is due again as well.
    """
    shared().set(_reload_key(pk), timezone.now().timestamp(), USABLE.total_seconds())


def forget(pk: UUID) -> None:
    """Remove what is known of a team that was disconnected. The result of a reload that still runs is not stored."""
    cache = shared()
    cache.set(_deleted_key(pk), 1, _DELETED.total_seconds())
    entry = _entry(pk, cache.get(_key(pk)))
    _memory.delete(pk)
    versions = (entry.version, entry.replaced) if entry else ()
    cache.delete_many([_key(pk), _reload_key(pk), *(_droplets_key(pk, version) for version in versions)])


_memory: WeightedCache[UUID, tuple[CachedFleet, tuple[DropletSummary, ...]]] = WeightedCache()


def hold(pk: UUID, entry: CachedFleet, of: tuple[DropletSummary, ...]) -> None:
    """Keep an entry and its droplets in this process, for the time when the cache has lost them."""
    _memory.set(pk, (entry, of), len(of))


def _held_droplets(pk: UUID, version: str) -> tuple[DropletSummary, ...] | None:
    held = _memory.get(pk)
    return held[1] if held and held[0].version == version else None


def _entry(pk: UUID, blob: object) -> CachedFleet | None:
    """What is cached, else what this process holds."""
    held = _memory.get(pk)
    return decoded(blob, CachedFleet, "A fleet") or (held[0] if held else None)


def _began_before(entry: CachedFleet, at: object) -> bool:
    """Whether its attempt began before a reload was requested at `at`. The cache may hold something else there."""
    return isinstance(at, float) and (entry.began_at is None or entry.began_at.timestamp() <= at)


def _is_usable(entry: CachedFleet) -> bool:
    return entry.taken_at is None or timezone.now() - entry.taken_at < USABLE


def without_droplets(entry: CachedFleet) -> CachedFleet:
    """What is left where the droplets are lost, or too old to be shown: how the attempts went.

    It is due at once, unless the latest attempt went wrong.
    """
    return CachedFleet(
        remembered=entry.remembered,
        began_at=entry.began_at,
        tried_at=entry.tried_at,
        reload_at=entry.reload_at if entry.failure else None,
        failure=entry.failure,
        failures=entry.failures,
        generation=entry.generation,
    )


def _lifetime(entry: CachedFleet) -> float:
    """Seconds in the cache. An entry without droplets is about failed attempts alone."""
    if entry.taken_at is None:
        return USABLE.total_seconds()
    return max((entry.taken_at + USABLE - timezone.now()).total_seconds(), 1)


def _key(pk: UUID) -> str:
    return f"fleet.{FORMAT}:{pk}"


def _droplets_key(pk: UUID, version: str) -> str:
    return f"droplets.{FORMAT}:{pk}:{version}"


def _reload_key(pk: UUID) -> str:
    return f"reload:{pk}"


def _deleted_key(pk: UUID) -> str:
    return f"deleted:{pk}"
