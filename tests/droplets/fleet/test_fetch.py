from __future__ import annotations

from collections.abc import Callable
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
    """A rate limit that is never reached."""


@pytest.fixture
def fetched(token: str) -> Callable[..., FetchResult]:
    """Fetch Acme Web's droplets to the end, or for `seconds`."""

    def run(seconds: float = 20, **more: Any) -> FetchResult:
        fetch = PageFetch(token, deadline=monotonic() + seconds, **{"reserve": free} | more)
        fetch.run()
        return fetch.result()

    return run


Fetched = Callable[..., FetchResult]


# Works


def test_it_fetches_both_listings(digitalocean: Sandbox, fetched: Fetched) -> None:
    team = digitalocean.team("Acme Web")

    found = fetched()

    assert len(found.droplets) == team.droplets + team.gpus
    assert found.is_whole
    assert (found.missing, found.unreadable, found.error) == (0, 0, None)
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 2


def test_it_fetches_every_page(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=1001)
    team = digitalocean.team("Acme Web")

    found = fetched()

    assert len(found.droplets) == len({row.id for row in found.droplets}) == 1001 + team.gpus
    assert found.is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 6 + 1


def test_a_team_without_droplets_takes_two_calls(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=0)

    found = fetched()

    assert (found.droplets, found.ordinary, found.gpus, found.calls) == ((), 0, 0, 2)
    assert found.is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 2


def test_a_total_of_whole_pages_needs_no_page_more(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=400)

    assert fetched().is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 2 + 1


def test_with_a_remembered_total_all_pages_are_requested_at_once(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=650)
    digitalocean.fault("hang", path=LISTING, page=1)

    found = fetched(seconds=1, remembered=(650, digitalocean.team("Acme Web").gpus))

    assert len(found.droplets) == 450  # page 1, that tells the total, never came


@pytest.mark.parametrize("remembered", [(0, 0), (150, 900), (900, 0), (2000, 2000), (10**9, 10**9)])
def test_whatever_is_remembered_the_list_is_whole(
    digitalocean: Sandbox, fetched: Fetched, remembered: tuple[int, int]
) -> None:
    digitalocean.droplets("Acme Web", count=650)

    found = fetched(remembered=remembered)

    assert found.is_whole
    assert len(found.droplets) == 650 + digitalocean.team("Acme Web").gpus
    assert found.calls == 4 + 1


def test_it_returns_the_allowance_of_the_token(digitalocean: Sandbox, fetched: Fetched) -> None:
    found = fetched()

    assert found.allowance is not None
    assert (found.allowance.limit, found.allowance.remaining) == (5000, 4998)


# Refuses


def test_it_makes_no_more_than_six_calls_at_once(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=4000)
    digitalocean.settings(latency_ms=60)

    assert fetched().is_whole
    assert digitalocean.counters().in_flight_max[ENDPOINT] == 6


def test_it_reserves_calls_first_and_makes_none_that_are_refused(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=8000)
    later = datetime(2030, 1, 1, tzinfo=UTC)
    asked: list[int] = []

    def reserve(calls: int) -> datetime | None:
        asked.append(calls)
        return later if sum(asked) > 30 else None

    found = fetched(reserve=reserve)

    assert isinstance(found.error, errors.RateLimited)
    assert found.error.retry_at == later
    assert len(found.droplets) + found.missing >= 8000
    assert digitalocean.counters().by_endpoint[ENDPOINT] == sum(asked[:-1]) <= 30


def test_an_absurd_total_does_not_cause_endless_calls(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.fault("patch", path=LISTING, set={"/meta/total": 10**9})
    team = digitalocean.team("Acme Web")

    found = fetched()

    assert len(found.droplets) == team.droplets + team.gpus
    assert found.missing > 10**9
    assert not found.is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] < 20


def test_a_401_ends_it_at_once(digitalocean: Sandbox, token: str) -> None:
    digitalocean.droplets("Acme Web", count=4000)
    digitalocean.fault("hang", path=LISTING, page=2)
    digitalocean.fault("status", path=LISTING, page=3, status=401)
    deadline = monotonic() + 2
    fetch = PageFetch(token, deadline=deadline, reserve=free)

    fetch.run()

    assert monotonic() < deadline - 0.1  # the hanging page is not waited for
    assert fetch.is_rejected
    assert isinstance(fetch.result().error, errors.TokenRejected)
    assert digitalocean.counters().by_endpoint[ENDPOINT] < 21


def test_a_401_comes_before_any_other_error(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=450)
    digitalocean.fault("status", path=LISTING, type="gpus", status=500)
    digitalocean.fault("status", path=LISTING, type="droplets", page=2, status=401)

    assert isinstance(fetched().error, errors.TokenRejected)


# Handles


def test_a_failed_page_costs_no_other_page(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=450)
    gpus = digitalocean.team("Acme Web").gpus
    digitalocean.fault("status", path=LISTING, page=2, status=500)

    found = fetched()

    assert len(found.droplets) == 250 + gpus
    assert found.missing == 200
    assert not found.is_whole
    assert isinstance(found.error, errors.Unavailable)
    assert found.request_id == found.error.request_id != ""


@pytest.mark.parametrize("kind", ["droplets", "gpus"])
def test_a_listing_that_fails_completely_leaves_the_other(digitalocean: Sandbox, fetched: Fetched, kind: str) -> None:
    digitalocean.fault("status", path=LISTING, type=kind, status=403)
    team = digitalocean.team("Acme Web")

    found = fetched()

    assert len(found.droplets) == (team.droplets if kind == "gpus" else team.gpus)
    assert (found.ordinary is None, found.gpus is None) == (kind == "droplets", kind == "gpus")
    assert isinstance(found.error, errors.NotAllowed)
    assert not found.is_whole


def test_a_reached_rate_limit_ends_the_calls_and_keeps_what_came(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=4000)
    digitalocean.settings(burst_limit=8)

    found = fetched()

    assert isinstance(found.error, errors.RateLimited)
    assert found.error.retry_at is not None
    assert 200 <= len(found.droplets) < 8 * 200
    assert len(found.droplets) + found.missing >= 4000
    assert digitalocean.counters().by_endpoint[ENDPOINT] < 20


def test_at_the_deadline_it_returns_what_came_so_far(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=600)
    gpus = digitalocean.team("Acme Web").gpus
    digitalocean.fault("hang", path=LISTING, page=3)

    found = fetched(seconds=1)

    assert len(found.droplets) == 400 + gpus
    assert found.missing == 200
    assert isinstance(found.error, errors.TooSlow)


def test_a_row_that_cannot_be_decoded_is_counted_and_costs_no_other(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", patch=[{"index": 3, "set": {"id": "lots"}}])
    team = digitalocean.team("Acme Web")

    found = fetched()

    assert (found.unreadable, found.missing) == (1, 0)
    assert len(found.droplets) == team.droplets + team.gpus - 1
    assert found.request_id
    assert found.is_whole


def test_a_list_that_shrinks_while_it_is_fetched_is_not_complete(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=201)
    digitalocean.fault("patch", path=LISTING, page=2, set={"/meta/total": 200, "/droplets": []})

    found = fetched()

    assert found.missing == 1
    assert not found.is_whole
    assert found.error is None


def test_a_list_that_grows_while_it_is_fetched_is_fetched_to_its_end(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=450)
    digitalocean.fault("patch", path=LISTING, type="droplets", page=1, set={"/meta/total": 400})

    assert fetched().is_whole
    assert digitalocean.counters().by_endpoint[ENDPOINT] == 3 + 1


def test_the_largest_total_counts(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=201)
    digitalocean.fault("patch", path=LISTING, type="droplets", page=2, set={"/meta/total": 250})

    assert fetched().missing == 49


def test_a_total_that_is_too_low_hides_nothing(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=450)
    gpus = digitalocean.team("Acme Web").gpus
    digitalocean.fault("patch", path=LISTING, type="droplets", set={"/meta/total": 10})

    assert len(fetched().droplets) == 450 + gpus


def test_a_failure_beyond_a_total_that_is_too_low_is_still_reported(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.droplets("Acme Web", count=450)
    digitalocean.fault("patch", path=LISTING, type="droplets", page=1, set={"/meta/total": 10})
    digitalocean.fault("status", path=LISTING, type="droplets", page=2, status=500)

    found = fetched()

    assert isinstance(found.error, errors.Unavailable)
    assert not found.is_whole


def test_a_droplet_in_both_listings_counts_once(digitalocean: Sandbox, fetched: Fetched) -> None:
    digitalocean.fault("patch", path=LISTING, type="gpus", set={"/droplets/0/id": _an_id(digitalocean)})
    team = digitalocean.team("Acme Web")

    found = fetched()

    assert len(found.droplets) == team.droplets + team.gpus - 1
    assert found.is_whole


def test_an_unexpected_exception_ends_the_fetch_too(
    fetched: Fetched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a bug in Conveyor")

    monkeypatch.setattr(fleet_fetch.DropletSummary, "from_droplet", broken)

    found = fetched()

    assert isinstance(found.error, errors.UnexpectedAnswer)
    assert "a bug in Conveyor" in caplog.text


def _an_id(sandbox: Sandbox) -> int:
    token = str(sandbox.connect(team="Acme Web")["access_token"])
    return int(sandbox.get("/v2/droplets", token).json()["droplets"][0]["id"])
