from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from accounts.models import Connection
from droplets.metrics import cache as metrics_cache
from droplets.metrics.cache import FRESH, USABLE, CachedChart
from droplets.metrics.chart_data import ChartData, RawLine, downsample
from tests.droplets.metrics.charts import KEYS, charts
from tests.droplets.metrics.conftest import Visit
from tests.support.person import Person
from tests.support.redis_server import RedisServer
from tests.support.stored import secrets_in

NOW = 472_222 * 3_600
PK = uuid4()


def drawn() -> ChartData:
    return downsample([RawLine("Used", {NOW - 120: 12.5, NOW: 13})], end=NOW, bucket=3_600, most=10)


# Works


def test_saved_charts_are_loaded_again() -> None:
    held = {"cpu": CachedChart(NOW, drawn()), "load": CachedChart(NOW - 100, ChartData())}
    metrics_cache.save(PK, 4711, "1h", held)

    assert metrics_cache.load(PK, 4711, "1h", now=NOW) == held
    assert metrics_cache.load(PK, 4711, "6h", now=NOW) == metrics_cache.load(PK, 4712, "1h", now=NOW) == {}
    assert metrics_cache.load(uuid4(), 4711, "1h", now=NOW) == {}


def test_it_is_fresh_for_a_minute_and_usable_for_longer() -> None:
    one = CachedChart(NOW, drawn())
    metrics_cache.save(PK, 4711, "1h", {"cpu": one})

    assert one.is_fresh(NOW)
    assert one.is_fresh(NOW + FRESH - 1)
    assert not one.is_fresh(NOW + FRESH)
    assert not one.is_fresh(NOW - 1)  # a clock that was put back
    assert metrics_cache.load(PK, 4711, "1h", now=NOW + USABLE - 1) == {"cpu": one}
    assert metrics_cache.load(PK, 4711, "1h", now=NOW + USABLE) == {}


def test_two_weeks_of_everything_are_small(
    alice: Person, visit: Visit, acme: Connection, droplet: int, settings: Any
) -> None:
    settings.PAGE_DEADLINE = 60
    visit("?range=14d")

    blob = cache.get(metrics_cache._key(acme.pk, f"{droplet}:14d"))

    assert 1_000 < len(blob) < 50_000
    assert not secrets_in([blob.decode("latin-1")])


def test_a_connection_that_went_leaves_nothing(
    alice: Person, visit: Visit, acme: Connection, droplet: int, django_capture_on_commit_callbacks: Any
) -> None:
    visit()
    visit("?range=6h")
    keys = [metrics_cache._key(acme.pk, part) for part in (f"{droplet}:1h", f"{droplet}:6h", "names")]
    assert len(cache.get_many(keys)) == 3

    with django_capture_on_commit_callbacks(execute=True):
        alice.client.post(f"/accounts/connections/{acme.pk}/disconnect/")

    assert not Connection.objects.filter(pk=acme.pk).exists()
    assert cache.get_many(keys) == {}


def test_charts_read_during_a_disconnect_are_not_stored() -> None:
    metrics_cache.forget(PK)

    metrics_cache.save(PK, 4711, "1h", {"cpu": CachedChart(NOW, drawn())})

    assert metrics_cache.load(PK, 4711, "1h", now=NOW) == {}


# Handles


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"\x00", b"\xc1", b"\xff" * 100, b"nothing", "text", 7, None, [], {}, b"\x81\xa3cpu\xc0", b"\xa2\xff\xff"],
)
def test_garbage_in_the_cache_is_ignored(
    alice: Person, visit: Visit, acme: Connection, droplet: int, nonsense: object
) -> None:
    for part in (f"{droplet}:1h", "names", "gone"):
        cache.set(metrics_cache._key(acme.pk, part), nonsense)

    assert tuple(charts(visit())) == KEYS
    metrics_cache.forget(acme.pk)


def test_a_redis_that_vanishes_costs_nobody_a_page(
    redis: RedisServer, alice: Person, visit: Visit, acme: Connection
) -> None:
    assert tuple(charts(visit())) == KEYS
    redis.stop()

    assert tuple(charts(visit())) == KEYS
    assert tuple(charts(visit("?range=6h"))) == KEYS
