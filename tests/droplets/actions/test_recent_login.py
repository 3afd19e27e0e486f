"""What replaces a disk, a password or the whole droplet asks for a recent log-in."""

from __future__ import annotations

import pytest

from droplets.actions.kinds import KINDS
from tests.droplets.actions.acting import Acting
from tests.support.person import PASSWORD

REAUTHENTICATE = "/accounts/reauthenticate/"
NEED_IT = ("password_reset", "rebuild", "restore", "destroy")


@pytest.fixture
def left_open(acting: Acting) -> Acting:
    """The log-in was longer ago than counts as recent."""
    session = acting.person.client.session
    session["logged_in_at"] -= 1801
    session.save()
    return acting


def test_a_recent_log_in_is_enough(acting: Acting) -> None:
    assert acting.person.client.get(f"{acting.address}actions/destroy/").status_code == 200


@pytest.mark.parametrize("kind", NEED_IT)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_old_one_is_not(left_open: Acting, kind: str, method: str) -> None:
    answer = getattr(left_open.person.client, method)(f"{left_open.address}actions/{kind}/")

    assert answer["Location"].startswith(REAUTHENTICATE)
    assert left_open.done() == []


def test_after_the_password_it_goes_on(left_open: Acting) -> None:
    asked = left_open.person.client.get(f"{left_open.address}actions/destroy/")

    back = left_open.person.client.post(asked["Location"], {"password": PASSWORD})

    assert back["Location"] == f"{left_open.address}actions/destroy/"
    assert left_open.person.client.get(back["Location"]).status_code == 200


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(NEED_IT)))
def test_everything_else_does_not_ask(left_open: Acting, kind: str) -> None:
    answer = left_open.person.client.get(f"{left_open.address}actions/{kind}/")

    assert not answer.headers.get("Location", "").startswith(REAUTHENTICATE)
