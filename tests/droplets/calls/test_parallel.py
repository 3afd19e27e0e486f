from __future__ import annotations

from datetime import timedelta
from functools import partial
from threading import Barrier
from time import monotonic

import pytest
from allauth.socialaccount.models import SocialToken
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors
from digitalocean_client.lists import ListPage
from digitalocean_client.schema import ListedDroplet
from droplets.calls import rate_limit
from droplets.calls.parallel import Call, fetch, fetch_all
from tests.support.person import Person

LISTING = "/v2/droplets$"
ENDPOINT = "GET /v2/droplets"


def listing(token: str, deadline: float, *, page: int = 1, gpus: bool = False) -> ListPage[ListedDroplet]:
    return droplets_api.droplets_page(token, page=page, gpus=gpus, deadline=deadline)


QUESTIONS: dict[str, Call[ListPage[ListedDroplet]]] = {"ordinary": listing, "gpus": partial(listing, gpus=True)}


def deadline(seconds: float = 20) -> float:
    return monotonic() + seconds


# Works


def test_each_question_has_its_answer(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    team = alice.sandbox.team("Acme Web")

    found = fetch_all(connection, QUESTIONS, deadline=deadline())

    assert {name: page.total for name, page in found.items() if isinstance(page, ListPage)} == {
        "ordinary": team.droplets,
        "gpus": team.gpus,
    }


def test_they_are_asked_side_by_side(alice: Person) -> None:
    """As many as a page of graphs asks."""
    connection = alice.connect("Acme Web")
    all_there = Barrier(13)

    def question(token: str, deadline: float) -> bool:
        all_there.wait(10)
        return True

    found = fetch_all(connection, {str(number): question for number in range(13)}, deadline=deadline())

    assert set(found.values()) == {True}


def test_a_rejected_token_is_renewed_once_for_all(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.expire()

    found = fetch_all(connection, QUESTIONS, deadline=deadline())

    assert all(isinstance(page, ListPage) for page in found.values())
    assert alice.sandbox.counters().refresh_requests == 1


# Refuses


def test_it_asks_no_third_time(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.fault("status", path=LISTING, status=401)

    with pytest.raises(errors.TokenRejected):
        fetch(connection, listing, deadline=deadline())

    assert alice.sandbox.counters().by_endpoint[ENDPOINT] == 2


def test_what_would_go_over_the_limit_is_not_asked(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    later = timezone.now() + timedelta(minutes=3)
    rate_limit.block_until(connection.pk, later)

    with pytest.raises(errors.RateLimited) as caught:
        fetch(connection, listing, deadline=deadline())

    assert caught.value.retry_at is not None
    assert ENDPOINT not in alice.sandbox.counters().by_endpoint


# Handles


def test_one_that_fails_costs_itself_alone(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.fault("status", path=LISTING, type="gpus", status=500)

    found = fetch_all(connection, QUESTIONS, deadline=deadline())

    assert isinstance(found["gpus"], errors.Unavailable)
    assert isinstance(found["ordinary"], ListPage)


def test_one_that_hangs_is_too_slow(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.fault("hang", path=LISTING, type="gpus")

    found = fetch_all(connection, QUESTIONS, deadline=deadline(1))

    assert isinstance(found["gpus"], errors.TooSlow)
    assert isinstance(found["ordinary"], ListPage)


def test_without_a_token_every_question_has_the_same_answer(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.revoke(team="Acme Web")

    found = fetch_all(connection, QUESTIONS, deadline=deadline())

    assert {type(answer) for answer in found.values()} == {errors.NeedsReconnect}


def test_a_mistake_of_ours_is_told_and_contained(alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    connection = alice.connect("Acme Web")

    def broken(token: str, deadline: float) -> ListPage[ListedDroplet]:
        raise RuntimeError("a mistake of ours")

    found = fetch_all(connection, QUESTIONS | {"broken": broken}, deadline=deadline())

    assert isinstance(found["broken"], errors.UnexpectedAnswer)
    assert isinstance(found["ordinary"], ListPage)
    assert "a mistake of ours" in caplog.text


def test_where_digitalocean_asks_to_wait_the_next_one_knows(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    alice.sandbox.fault("status", path=LISTING, status=429, headers={"retry-after": "900"}, times=1)
    fetch_all(connection, QUESTIONS, deadline=deadline())
    alice.sandbox.reset_counters()

    again = fetch_all(connection, QUESTIONS, deadline=deadline())

    assert {type(each) for each in again.values()} == {errors.RateLimited}
    assert ENDPOINT not in alice.sandbox.counters().by_endpoint


@pytest.mark.parametrize("rejected", [0, 1])
def test_who_asks_again_with_what_was_read_before_a_refresh_loses_nothing(alice: Person, rejected: int) -> None:
    """A page asks several times with the connection as it was at first: the pair that it holds may be spent."""
    alice.connect("Acme Web")
    SocialToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    connection = alice.connection("Acme Web")
    if rejected:
        alice.sandbox.fault("status", path=LISTING, status=401, times=rejected)

    for _ in range(2):
        found = fetch_all(connection, QUESTIONS, deadline=deadline())

    assert all(isinstance(page, ListPage) for page in found.values())
    connection.refresh_from_db()
    assert connection.state == Connection.State.HEALTHY
