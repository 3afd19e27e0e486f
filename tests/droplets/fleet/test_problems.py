from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from django.utils.html import strip_tags

from accounts.models import Connection
from digitalocean_client import errors
from droplets.fleet import problems
from droplets.fleet.cache import CachedFleet, Failure

CONNECTION = Connection(team_name="Northwind", team_uuid="n")
NOW = datetime(2030, 1, 1, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=4)
WHOLE = {"taken_at": NOW, "tried_at": NOW, "is_whole": True, "ordinary": 200, "gpus": 0}


@pytest.fixture(autouse=True)
def _readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection of these tests is not stored, so it has no token that a key could decrypt."""
    monkeypatch.setattr("accounts.token_store.is_readable", lambda connection: True)


def failed(error: errors.DigitalOceanError) -> dict[str, Any]:
    return {"failure": Failure.from_error(error), "is_whole": False, "reload_at": NOW}


def problem_of(shown: int, *, elsewhere: bool = False, **fields: Any) -> problems.ConnectionProblem:
    found = problems.for_cached_fleet(CONNECTION, CachedFleet(**WHOLE | fields), shown, elsewhere=elsewhere)
    assert found is not None
    return found


# Works


def test_a_whole_list_is_no_problem() -> None:
    assert problems.for_cached_fleet(CONNECTION, CachedFleet(**WHOLE), 200, elsewhere=False) is None


@pytest.mark.parametrize(
    ("shown", "fields", "happened", "sentence", "as_of"),
    [
        (187, {"missing": 13, **failed(errors.TooSlow())}, errors.TooSlow.sentence,
         "187 of 200 droplets are shown.", None),
        (1, {"missing": 1, "is_whole": False}, "Its list changed while it was read.",
         "1 of 2 droplets is shown.", None),
        (1, {"unreadable": 1}, "1 droplet could not be read.", "1 of 2 droplets is shown.", None),
        (1, {"unreadable": 2}, "2 droplets could not be read.", "1 of 3 droplets is shown.", None),
        (0, {"taken_at": None, "ordinary": None, "gpus": None, **failed(errors.Unavailable())},
         errors.Unavailable.sentence, "None of its droplets are shown.", None),
        (3, {"ordinary": None, **failed(errors.UnexpectedAnswer())}, errors.UnexpectedAnswer.sentence,
         "Only its 3 GPU droplets are shown.", None),
        (150, {"gpus": None, **failed(errors.UnexpectedAnswer())}, errors.UnexpectedAnswer.sentence,
         "150 droplets are shown. GPU droplets, if it has any, are missing.", None),
        (1, {"missing": 1_999_999, "is_whole": False}, "Its list changed while it was read.",
         "1 of 2,000,000 droplets is shown.", None),
        (61, {"taken_at": BEFORE, **failed(errors.TooSlow())}, errors.TooSlow.sentence,
         "Its 61 droplets are shown as they were", BEFORE),
        (1, {"taken_at": BEFORE, **failed(errors.TooSlow())}, errors.TooSlow.sentence,
         "Its 1 droplet is shown as it was", BEFORE),
        (0, {"taken_at": BEFORE, **failed(errors.TooSlow())}, errors.TooSlow.sentence,
         "It had no droplets", BEFORE),
        (200, {"outdated_parts": ((13, BEFORE),), **failed(errors.Unavailable())}, errors.Unavailable.sentence,
         "187 of its 200 droplets are up to date, the others as they were", BEFORE),
    ],
)  # fmt: skip
def test_it_tells_what_happened_and_what_is_shown(
    shown: int, fields: dict[str, Any], happened: str, sentence: str, as_of: datetime | None
) -> None:
    found = problem_of(shown, **fields)

    assert (found.happened, found.shown, found.as_of) == (happened, sentence, as_of)


def test_it_carries_what_support_and_the_person_need() -> None:
    found = problem_of(1, missing=1, **failed(errors.RateLimited(retry_at=NOW, request_id="request-1")))

    assert (found.retry_at, found.request_id, found.needs_reconnect) == (NOW, "request-1", False)


def test_a_first_load_that_takes_long_says_how_much_has_come() -> None:
    found = problems.for_loading(CONNECTION, 400, 600)

    assert found.shown == "400 of 600 droplets have come so far."
    assert found.is_loading


@pytest.mark.parametrize(
    ("seconds", "primary", "sentence"),
    [(250, False, "Trying again in 4 minutes"), (-600, False, "Trying again now"),
     (250, True, "Try again in 4 minutes"), (-600, True, "You can try again now")],
)  # fmt: skip
def test_a_page_says_when_the_next_try_is(seconds: int, primary: bool, sentence: str) -> None:
    retry_at = timezone.now() + timedelta(seconds=seconds)
    problem = problems.ConnectionProblem(CONNECTION, "It failed.", retry_at=retry_at)

    page = {"problem": problem, "primary": primary, "request": RequestFactory().get("/")}
    html = render_to_string("droplets/_problem.html", page)

    assert f"{sentence}." in " ".join(strip_tags(html).split())


# Handles


@pytest.mark.parametrize(
    ("error", "owner"),
    [(errors.NeedsReconnect(), True), (errors.NotAllowed(), True), (errors.TokenRejected(), False),
     (errors.Unavailable(), False), (errors.Misconfigured(), False)],
)  # fmt: skip
def test_only_a_new_consent_needs_the_owner(error: errors.DigitalOceanError, owner: bool) -> None:
    assert problem_of(1, **failed(error)).needs_reconnect is owner
    assert problems.for_error(CONNECTION, error).needs_reconnect is owner


def test_a_connection_that_is_known_to_be_lost_says_how_old_its_droplets_are() -> None:
    lost = Connection(team_name="Northwind", team_uuid="n", state=Connection.State.NEEDS_RECONNECT)

    found = problems.for_cached_fleet(lost, CachedFleet(**WHOLE), 61, elsewhere=False)

    assert found is not None
    assert found.needs_reconnect
    assert (found.shown, found.as_of) == ("Its 61 droplets are shown as they were", NOW)


def test_a_failure_with_older_tokens_says_nothing() -> None:
    again = Connection(team_name="Northwind", team_uuid="n", generation=2)
    fields = WHOLE | {"failure": Failure.from_error(errors.NotAllowed()), "generation": 1}

    assert problems.for_cached_fleet(again, CachedFleet(**fields), 61, elsewhere=False) is None


def test_what_another_connection_shows_is_not_called_missing() -> None:
    found = problem_of(0, taken_at=None, elsewhere=True, **failed(errors.NeedsReconnect()))

    assert found.shown == "All of its droplets are shown through your other connection to it."
    assert not found.is_blank


def test_a_team_of_which_nothing_is_shown_is_blank() -> None:
    assert problem_of(0, taken_at=None, **failed(errors.TooSlow())).is_blank
    assert not problem_of(1, missing=1, is_whole=False).is_blank
