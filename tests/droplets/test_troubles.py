from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.digitalocean import errors
from accounts.models import Connection
from droplets import troubles
from droplets.listing import Listed
from droplets.rows import Row
from droplets.schema import Droplet

CONNECTION = Connection(team_name="Northwind", team_uuid="n")
WHEN = datetime(2030, 1, 1, tzinfo=UTC)


def rows(count: int) -> tuple[Row, ...]:
    return tuple(Row.of(Droplet(id=number)) for number in range(1, count + 1))


def told(*, elsewhere: bool = False, **fields: Any) -> troubles.Trouble:
    listed = Listed(**{"has_ordinary": True, "has_gpus": True} | fields)
    found = troubles.of_listing(CONNECTION, listed, elsewhere=elsewhere)
    assert found is not None
    return found


# Works


def test_a_whole_list_is_no_trouble() -> None:
    listed = Listed(rows=rows(2), has_ordinary=True, has_gpus=True)

    assert troubles.of_listing(CONNECTION, listed, elsewhere=False) is None


@pytest.mark.parametrize(
    ("fields", "happened", "shown"),
    [
        (
            {"rows": rows(187), "missing": 13, "error": errors.TooSlow()},
            errors.TooSlow.sentence,
            "187 of 200 droplets are shown.",
        ),
        ({"rows": rows(1), "missing": 1}, "Its list changed while it was read.", "1 of 2 droplets is shown."),
        ({"rows": rows(1), "unreadable": 1}, "1 droplet could not be read.", "1 of 2 droplets is shown."),
        ({"rows": rows(1), "unreadable": 2}, "2 droplets could not be read.", "1 of 3 droplets is shown."),
        (
            {"has_ordinary": False, "has_gpus": False, "error": errors.Unavailable()},
            errors.Unavailable.sentence,
            "None of its droplets are shown.",
        ),
        (
            {"rows": rows(3), "has_ordinary": False, "error": errors.UnexpectedAnswer()},
            errors.UnexpectedAnswer.sentence,
            "Only 3 GPU droplets of it can be shown.",
        ),
        (
            {"rows": rows(150), "has_gpus": False, "error": errors.UnexpectedAnswer()},
            errors.UnexpectedAnswer.sentence,
            "150 droplets of it can be shown; GPU droplets, if it has any, are missing.",
        ),
        ({"rows": rows(1), "missing": 1_999_999}, "Its list changed while it was read.",
         "1 of 2,000,000 droplets is shown."),
    ],
)  # fmt: skip
def test_it_tells_what_happened_and_what_is_shown(fields: dict[str, Any], happened: str, shown: str) -> None:
    found = told(**fields)

    assert (found.happened, found.shown) == (happened, shown)


def test_it_carries_what_support_and_the_person_need() -> None:
    found = told(missing=1, error=errors.RateLimited(retry_at=WHEN), request_id="request-1")

    assert (found.retry_at, found.request_id, found.needs_reconnect) == (WHEN, "request-1", False)


# Handles


@pytest.mark.parametrize(
    ("error", "owner"),
    [(errors.NeedsReconnect(), True), (errors.NotAllowed(), True), (errors.TokenRejected(), False),
     (errors.Unavailable(), False), (errors.Misconfigured(), False)],
)  # fmt: skip
def test_only_a_new_consent_needs_the_owner(error: errors.DigitalOceanError, owner: bool) -> None:
    assert told(error=error).needs_reconnect is owner
    assert troubles.of_error(CONNECTION, error).needs_reconnect is owner


def test_what_another_connection_shows_is_not_called_missing() -> None:
    found = told(has_ordinary=False, has_gpus=False, error=errors.NeedsReconnect(), elsewhere=True)

    assert found.shown == "All of its droplets are shown through your other connection to it."
    assert not found.is_blank


def test_a_team_of_which_nothing_is_shown_is_blank() -> None:
    assert told(has_ordinary=False, has_gpus=False, error=errors.TooSlow()).is_blank
    assert not told(rows=rows(1), missing=1).is_blank
