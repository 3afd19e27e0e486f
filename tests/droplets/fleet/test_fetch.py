from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from digitalocean_client import errors
from droplets.fleet import fetch as fleet_fetch
from droplets.fleet.fetch import FetchResult, PageFetch
from tests.support.sandbox import Sandbox

LISTING = "/v2/droplets$"
ENDPOINT = "GET /v2/droplets"


def free(calls: int) -> None:
    """An allowance without an end."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture
def listed(token: str, pool: ThreadPoolExecutor) -> Callable[..., FetchResult]:
    """Read Acme Web's droplets to the end, or for `seconds`."""

    def read(seconds: float = 20, **more: Any) -> FetchResult:
        deadline = monotonic() + seconds
        walk = PageFetch(token, pool=pool, deadline=deadline, **{"reserve": free} | more)
        walk.start()
        with suppress(TimeoutError):
            walk.done.result(timeout=max(deadline - monotonic(), 0))
        return walk.listed()

    return read


Read = Callable[..., FetchResult]


# Works


def test_it_reads_both_listings(digitalocean: Sandbox, listed: Read) -> None:
    team = digitalocean.team("Acme Web")

    found = listed()

    assert len(found.rows) == team.droplets + team.gpus
    assert found.is_whole
    assert (found.missing, found.unreadable, found.error) == (0, 0, None)
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 2


def test_it_reads_every_page(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=1001)
    team = digitalocean.team("Acme Web")

    found = listed()

    assert len(found.rows) == len({row.id for row in found.rows}) == 1001 + team.gpus
    assert found.is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 6 + 1


def test_a_team_without_droplets_takes_two_calls(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=0)

    found = listed()

    assert (found.rows, found.ordinary, found.gpus, found.calls) == ((), 0, 0, 2)
    assert found.is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 2


def test_a_total_of_whole_pages_needs_no_page_more(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=400)

    assert listed().is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 2 + 1


def test_a_remembered_total_lets_all_pages_go_out_at_once(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=650)
    digitalocean.fault("hang", path=LISTING, page=1)

    found = listed(seconds=1, remembered=(650, digitalocean.team("Acme Web").gpus))

    assert len(found.rows) == 450  # page 1, that tells the total, never came


@pytest.mark.parametrize("remembered", [(0, 0), (150, 900), (900, 0), (2000, 2000), (10**9, 10**9)])
def test_whatever_is_remembered_the_list_is_whole(
    digitalocean: Sandbox, listed: Read, remembered: tuple[int, int]
) -> None:
    digitalocean.droplets("Acme Web", count=650)

    found = listed(remembered=remembered)

    assert found.is_whole
    assert len(found.rows) == 650 + digitalocean.team("Acme Web").gpus
    assert found.calls == 4 + 1


def test_it_tells_what_the_token_may_still_call(digitalocean: Sandbox, listed: Read) -> None:
    found = listed()

    assert found.allowance is not None
    assert (found.allowance.limit, found.allowance.remaining) == (5000, 4998)


# Refuses


def test_it_makes_no_more_than_six_calls_at_once(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=4000)
    digitalocean.settings(latency_ms=60)

    assert listed().is_whole
    assert digitalocean.counters().in_flight_max[ENDPOINT] == 6


def test_it_asks_before_it_calls_and_takes_no_for_an_answer(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=8000)
    later = datetime(2030, 1, 1, tzinfo=UTC)
    asked: list[int] = []

    def reserve(calls: int) -> datetime | None:
        asked.append(calls)
        return later if sum(asked) > 30 else None

    found = listed(reserve=reserve)

    assert isinstance(found.error, errors.RateLimited)
    assert found.error.retry_at == later
    assert len(found.rows) + found.missing >= 8000
    assert digitalocean.counters().by_endpoint[ENDPOINT] == sum(asked[:-1]) <= 30


def test_it_believes_no_endless_total(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.fault("patch", path=LISTING, set={"/meta/total": 10**9})
    team = digitalocean.team("Acme Web")

    found = listed()

    assert len(found.rows) == team.droplets + team.gpus
    assert found.missing > 10**9
    assert not found.is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] < 20


def test_a_401_ends_it_at_once(digitalocean: Sandbox, token: str, pool: ThreadPoolExecutor) -> None:
    digitalocean.droplets("Acme Web", count=4000)
    digitalocean.fault("hang", path=LISTING, page=2)
    digitalocean.fault("status", path=LISTING, page=3, status=401)
    walk = PageFetch(token, pool=pool, deadline=monotonic() + 2, reserve=free)

    walk.start()
    walk.done.result(timeout=1.9)  # the hanging page is not waited for

    assert walk.is_rejected
    assert isinstance(walk.listed().error, errors.TokenRejected)
    assert digitalocean.counters().by_endpoint[ENDPOINT] < 21


def test_a_401_is_told_before_any_other_error(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=450)
    digitalocean.fault("status", path=LISTING, type="gpus", status=500)
    digitalocean.fault("status", path=LISTING, type="droplets", page=2, status=401)

    assert isinstance(listed().error, errors.TokenRejected)


# Handles


def test_a_failed_page_takes_nothing_else_along(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=450)
    gpus = digitalocean.team("Acme Web").gpus
    digitalocean.fault("status", path=LISTING, page=2, status=500)

    found = listed()

    assert len(found.rows) == 250 + gpus
    assert found.missing == 200
    assert not found.is_whole
    assert isinstance(found.error, errors.Unavailable)
    assert found.request_id == found.error.request_id != ""


@pytest.mark.parametrize("kind", ["droplets", "gpus"])
def test_a_listing_that_fails_whole_leaves_the_other(digitalocean: Sandbox, listed: Read, kind: str) -> None:
    digitalocean.fault("status", path=LISTING, type=kind, status=403)
    team = digitalocean.team("Acme Web")

    found = listed()

    assert len(found.rows) == (team.droplets if kind == "gpus" else team.gpus)
    assert (found.ordinary is None, found.gpus is None) == (kind == "droplets", kind == "gpus")
    assert isinstance(found.error, errors.NotAllowed)
    assert not found.is_whole


def test_a_limit_reached_ends_the_asking_and_keeps_what_came(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=4000)
    digitalocean.settings(burst_limit=8)

    found = listed()

    assert isinstance(found.error, errors.RateLimited)
    assert found.error.retry_at is not None
    assert 200 <= len(found.rows) < 8 * 200
    assert len(found.rows) + found.missing >= 4000
    assert digitalocean.counters().by_endpoint[ENDPOINT] < 20


def test_at_the_deadline_it_tells_what_came_so_far(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=600)
    gpus = digitalocean.team("Acme Web").gpus
    digitalocean.fault("hang", path=LISTING, page=3)

    found = listed(seconds=1)

    assert len(found.rows) == 400 + gpus
    assert found.missing == 200
    assert isinstance(found.error, errors.TooSlow)


def test_an_odd_row_is_counted_and_costs_no_other(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", patch=[{"index": 3, "set": {"memory": "lots"}}])
    team = digitalocean.team("Acme Web")

    found = listed()

    assert (found.unreadable, found.missing) == (1, 0)
    assert len(found.rows) == team.droplets + team.gpus - 1
    assert found.request_id
    assert found.is_whole


def test_a_list_that_shrinks_while_it_is_read_is_not_called_whole(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=201)
    digitalocean.fault("patch", path=LISTING, page=2, set={"/meta/total": 200, "/droplets": []})

    found = listed()

    assert found.missing == 1
    assert not found.is_whole
    assert found.error is None


def test_a_list_that_grows_while_it_is_read_is_read_to_its_end(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=450)
    digitalocean.fault("patch", path=LISTING, type="droplets", page=1, set={"/meta/total": 400})

    assert listed().is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 3 + 1


def test_the_largest_total_counts(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=201)
    digitalocean.fault("patch", path=LISTING, type="droplets", page=2, set={"/meta/total": 250})

    assert listed().missing == 49


def test_a_total_that_is_too_low_hides_nothing(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=450)
    gpus = digitalocean.team("Acme Web").gpus
    digitalocean.fault("patch", path=LISTING, type="droplets", set={"/meta/total": 10})

    assert len(listed().rows) == 450 + gpus


def test_what_failed_beyond_a_total_that_is_too_low_is_still_told(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.droplets("Acme Web", count=450)
    digitalocean.fault("patch", path=LISTING, type="droplets", page=1, set={"/meta/total": 10})
    digitalocean.fault("status", path=LISTING, type="droplets", page=2, status=500)

    found = listed()

    assert isinstance(found.error, errors.Unavailable)
    assert not found.is_whole


def test_a_droplet_in_both_listings_counts_once(digitalocean: Sandbox, listed: Read) -> None:
    digitalocean.fault("patch", path=LISTING, type="gpus", set={"/droplets/0/id": _an_id(digitalocean)})
    team = digitalocean.team("Acme Web")

    found = listed()

    assert len(found.rows) == team.droplets + team.gpus - 1
    assert found.is_whole


def test_what_nobody_foresaw_ends_the_reading_too(
    listed: Read, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(fleet_fetch.DropletSummary, "of", broken)

    found = listed()

    assert isinstance(found.error, errors.UnexpectedAnswer)
    assert "a mistake of ours" in caplog.text


def _an_id(sandbox: Sandbox) -> int:
    token = str(sandbox.connect(team="Acme Web")["access_token"])
    return int(sandbox.get("/v2/droplets", token).json()["droplets"][0]["id"])
