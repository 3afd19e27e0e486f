"""What a renewal comes to: the next reading, made from what was listed now and what was known before."""

from __future__ import annotations

from datetime import datetime, timedelta
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
_LOOK_AGAIN = 2.0


def store_result(
    pk: UUID, listed: FetchResult, *, old: CachedFleet | None, generation: int, began_at: datetime
) -> None:
    """Keep what came. Nothing is taken for gone because a page failed: those droplets stay as they were, for a day."""
    now = timezone.now()
    if listed.is_blank:
        _keep_failure(pk, listed, old or CachedFleet(), now, generation=generation, began_at=began_at)
        return
    is_whole = listed.is_whole
    kept, parts = ((), ()) if is_whole else _not_seen(pk, old, listed.rows, now)
    failures = 0 if is_whole else (old.failures if old else 0) + 1
    before = old or CachedFleet()
    reading = CachedFleet(
        edition=fleet_cache.new_edition(),
        taken_at=now,
        is_whole=is_whole,
        missing=max(listed.missing - len(kept), 0),
        unreadable=listed.unreadable,
        parts=parts,
        replaced=before.edition,
        ordinary=listed.ordinary,
        gpus=listed.gpus,
        remembered=(_or(listed.ordinary, before.remembered[0]), _or(listed.gpus, before.remembered[1])),
        request_id=listed.request_id,
        began_at=began_at,
        tried_at=now,
        renew_at=_renew_at(listed, failures, now),
        failure=_failure(listed),
        failures=failures,
        generation=generation,
    )
    fleet_cache.save(pk, reading, listed.rows + kept, old=old)


def _keep_failure(
    pk: UUID, listed: FetchResult, before: CachedFleet, now: datetime, *, generation: int, began_at: datetime
) -> None:
    """Nothing came: what there was stays, but for what nobody has seen for a day."""
    failures = before.failures + 1
    reading = replace(
        before,
        began_at=began_at,
        tried_at=now,
        renew_at=_renew_at(listed, failures, now),
        failure=_failure(listed),
        failures=failures,
        generation=generation,
    )
    parts = tuple(part for part in before.parts if _is_usable(part[1], now))
    rows = None
    all_ = fleet_cache.rows({pk: before}).get(pk, ()) if parts != before.parts else ()
    if all_:  # else there is nothing to leave out of, or the cache has lost it all
        gone = before.kept - sum(count for count, _ in parts)
        rows = all_[: len(all_) - gone]
        reading = replace(
            reading,
            edition=fleet_cache.new_edition(),
            replaced=before.edition,
            parts=parts,
            missing=before.missing + gone,
        )
    fleet_cache.save(pk, reading, rows, old=before)


def _not_seen(
    pk: UUID, old: CachedFleet | None, rows: tuple[DropletSummary, ...], now: datetime
) -> tuple[tuple[DropletSummary, ...], tuple[tuple[int, datetime], ...]]:
    """What was there and did not come now, and of when it is. What nobody has seen for a day is gone."""
    if old is None or old.taken_at is None:
        return (), ()
    seen = {row.id for row in rows}
    before = fleet_cache.rows({pk: old}).get(pk, ())
    found: tuple[DropletSummary, ...] = ()
    parts = []
    start = 0
    for count, at in ((len(before) - old.kept, old.taken_at), *old.parts):
        missing = tuple(row for row in before[start : start + count] if row.id not in seen)
        start += count
        if missing and _is_usable(at, now):
            found += missing
            parts.append((len(missing), at))
    return found, tuple(parts)


def _is_usable(at: datetime, now: datetime) -> bool:
    return now - at < fleet_cache.USABLE


def _failure(listed: FetchResult) -> Failure | None:
    return Failure.of(listed.error) if listed.error else None


def _renew_at(listed: FetchResult, failures: int, now: datetime) -> datetime:
    """A whole reading is fresh for a while. What went wrong is tried again, less and less often."""
    error = listed.error
    if listed.is_whole:
        limit = listed.allowance.limit if listed.allowance else rate_limit.HOURLY
        return now + rate_limit.fresh_for(listed.calls, limit)
    if isinstance(error, errors.TokenRejected) and failures == 1:
        return now  # whoever looks next may renew its access
    pause = min((_FIRST_PAUSE if error else _LOOK_AGAIN) * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
    later = now + timedelta(seconds=pause)
    return max(later, error.retry_at) if error and error.retry_at else later


def _or(total: int | None, before: int) -> int:
    return before if total is None else total
