"""What is stored after a reload: made from what came now and what was known before."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from msgspec.structs import replace

from digitalocean_client import errors
from droplets.calls import rate_limit
from droplets.fleet import cache as fleet_cache
from droplets.fleet.cache import CachedFleet, Failure
from droplets.fleet.fetch import FetchResult
from droplets.fleet.summary import DropletSummary

_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 300.0
_LIST_CHANGED_PAUSE = 2.0
"""Seconds until a team is tried again: after an error (each further one doubles the pause), at most, and where its list
changed while it was read."""


def store_result(
    pk: UUID, result: FetchResult, *, old: CachedFleet | None, generation: int, began_at: datetime
) -> None:
    """Store what came. If a page failed, droplets that did not come may still exist: they are kept for a day."""
    now = timezone.now()
    before = old or CachedFleet()
    failures = 0 if result.is_whole else before.failures + 1
    attempt: dict[str, Any] = {
        "began_at": began_at,
        "tried_at": now,
        "reload_at": _reload_at(result, failures, now),
        "failure": Failure.from_error(result.error) if result.error else None,
        "failures": failures,
        "generation": generation,
    }
    if result.is_blank:
        _store_failure(pk, replace(before, **attempt), before, now)
        return
    outdated, parts = ((), ()) if result.is_whole else _outdated(pk, old, result.droplets, now)
    entry = CachedFleet(
        version=fleet_cache.new_version(),
        taken_at=now,
        is_whole=result.is_whole,
        missing=max(result.missing - len(outdated), 0),
        unreadable=result.unreadable,
        outdated_parts=parts,
        replaced=before.version,
        ordinary=result.ordinary,
        gpus=result.gpus,
        remembered=(_or(result.ordinary, before.remembered[0]), _or(result.gpus, before.remembered[1])),
        request_id=result.request_id,
        **attempt,
    )
    fleet_cache.save(pk, entry, result.droplets + outdated, old=old)


def _store_failure(pk: UUID, entry: CachedFleet, before: CachedFleet, now: datetime) -> None:
    """Nothing came: the droplets stay as they were, except those that did not come for a day."""
    parts = tuple(part for part in before.outdated_parts if _is_usable(part[1], now))
    droplets = None
    known = fleet_cache.droplets({pk: before}).get(pk, ()) if parts != before.outdated_parts else ()
    if known:  # else there is nothing to leave out, or the cache has lost them all
        too_old = before.outdated - sum(count for count, _ in parts)
        droplets = known[: len(known) - too_old]
        entry = replace(
            entry,
            version=fleet_cache.new_version(),
            replaced=before.version,
            outdated_parts=parts,
            missing=before.missing + too_old,
        )
    fleet_cache.save(pk, entry, droplets, old=before)


def _outdated(
    pk: UUID, old: CachedFleet | None, new: tuple[DropletSummary, ...], now: datetime
) -> tuple[tuple[DropletSummary, ...], tuple[tuple[int, datetime], ...]]:
    """The known droplets that did not come now, and the parts they are of. After a day without coming they are gone."""
    if old is None or old.taken_at is None:
        return (), ()
    came = {droplet.id for droplet in new}
    known = fleet_cache.droplets({pk: old}).get(pk, ())
    found: tuple[DropletSummary, ...] = ()
    parts = []
    start = 0
    for count, at in ((len(known) - old.outdated, old.taken_at), *old.outdated_parts):
        missing = tuple(droplet for droplet in known[start : start + count] if droplet.id not in came)
        start += count
        if missing and _is_usable(at, now):
            found += missing
            parts.append((len(missing), at))
    return found, tuple(parts)


def _is_usable(at: datetime, now: datetime) -> bool:
    return now - at < fleet_cache.USABLE


def _reload_at(result: FetchResult, failures: int, now: datetime) -> datetime:
    """Whole lists are fresh for a while. What went wrong is tried again, less and less often."""
    error = result.error
    if result.is_whole:
        limit = result.allowance.limit if result.allowance else rate_limit.HOURLY
        return now + rate_limit.fresh_for(result.calls, limit)
    if isinstance(error, errors.TokenRejected) and failures == 1:
        return now  # the next page may get another token
    pause = min((_FIRST_PAUSE if error else _LIST_CHANGED_PAUSE) * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
    later = now + timedelta(seconds=pause)
    return max(later, error.retry_at) if error and error.retry_at else later


def _or(total: int | None, before: int) -> int:
    return before if total is None else total
