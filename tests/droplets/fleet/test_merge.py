"""What is kept of a team where not all of it came, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from digitalocean_client import errors
from droplets.fleet import cache as fleet_cache
from droplets.fleet import merge
from droplets.fleet.cache import CachedFleet
from droplets.fleet.fetch import FetchResult
from tests.droplets.factories import item

HOUR = timedelta(hours=1)
ALL = tuple(item(number).droplet for number in (1, 2, 3))


@pytest.fixture
def pk() -> UUID:
    return uuid4()


def keep(pk: UUID, *ids: int, of: int = 3) -> CachedFleet:
    """Store a list of which only these of the three droplets came."""
    rows = tuple(row for row in ALL if row.id in ids)
    error = None if len(rows) == of else errors.Unavailable("server_error")
    listed = FetchResult(
        rows, missing=of - len(rows), ordinary=of if ids else None, gpus=0 if ids else None, error=error
    )
    old = fleet_cache.load([pk]).get(pk)
    merge.store_result(pk, listed, old=old, generation=0, began_at=timezone.now())
    return fleet_cache.load([pk])[pk]


def shown(pk: UUID) -> list[int]:
    return sorted(row.id for row in fleet_cache.droplets(fleet_cache.load([pk])).get(pk, ()))


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_what_did_not_come_stays_as_it_was(pk: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    start = timezone.now()
    keep(pk, 1, 2, 3)
    at(monkeypatch, start + HOUR)

    entry = keep(pk, 1)

    assert shown(pk) == [1, 2, 3]
    assert (entry.outdated, entry.is_whole) == (2, False)
    assert entry.oldest_at
    assert entry.oldest_at < start + HOUR / 2


def test_what_nobody_has_seen_for_a_day_is_not_shown(pk: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    start = timezone.now()
    keep(pk, 1, 2, 3)
    for hour in range(1, 30):
        at(monkeypatch, start + hour * HOUR)
        keep(pk, 1)

    assert shown(pk) == [1]


def test_nor_where_nothing_comes_at_all(pk: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    start = timezone.now()
    keep(pk, 1, 2, 3)
    at(monkeypatch, start + 23 * HOUR)
    keep(pk, 1)
    at(monkeypatch, start + 25 * HOUR)

    entry = keep(pk)

    assert shown(pk) == [1]
    assert (entry.outdated, entry.missing) == (0, 2)


def test_each_is_kept_for_a_day_from_when_it_was_seen(pk: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    start = timezone.now()
    keep(pk, 1, 2, 3)
    for hours, ids in ((20, (1, 2)), (23.5, (1,)), (24.5, (1,))):
        at(monkeypatch, start + hours * HOUR)
        keep(pk, *ids)

    assert shown(pk) == [1, 2]


def test_what_was_seen_since_is_kept_for_a_day_of_its_own(pk: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    start = timezone.now()
    keep(pk, 1, 2, 3)
    at(monkeypatch, start + 20 * HOUR)
    keep(pk, 1, 2)  # 3 stays as it was
    at(monkeypatch, start + 30 * HOUR)

    keep(pk, 1)

    assert shown(pk) == [1, 2]


def test_what_the_cache_has_lost_is_not_taken_for_none(pk: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    start = timezone.now()
    keep(pk, 1, 2, 3)
    at(monkeypatch, start + 23 * HOUR)
    entry = keep(pk, 1)
    monkeypatch.setattr(fleet_cache, "droplets", lambda of: {})
    at(monkeypatch, start + 25 * HOUR)

    assert keep(pk).version == entry.version
