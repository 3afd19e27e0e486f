"""What watchers tell, by email, and what they do not."""

from __future__ import annotations

from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import TestCase
from django.utils import timezone

from accounts.models import Connection
from common.lru import WeightedCache
from droplets.fleet import cache as fleet_cache
from droplets.models import Action, Delivery, Watcher
from droplets.watchers import evaluation
from tests.droplets import watching as team_readings
from tests.droplets.watchers.watching import TEAM, Watching
from tests.support.at_once import at_once
from tests.support.engine import run_tasks
from tests.support.person import Person


def droplet(watching: Watching, index: int = 0, **fields: Any) -> None:
    """Change a droplet at DigitalOcean."""
    watching.sandbox.droplets(TEAM, patch=[{"index": index, "set": fields}])


def failed_action(watching: Watching, **fields: Any) -> Action:
    connection = watching.person.connection(TEAM)
    given: dict[str, Any] = {
        "droplet_id": 4711,
        "droplet_name": "web-1",
        "kind": "reboot",
        "status": Action.Status.ERRORED,
        "team_uuid": connection.team_uuid,
        "connection_id": connection.pk,
        "ended_at": timezone.now(),
    }
    return Action.objects.create(key=uuid4(), team_name=TEAM, **given | fields)


# Works


def test_a_new_droplet_is_told_once(watching: Watching) -> None:
    watching.add("new")
    watching.read()
    assert watching.told() == []
    watching.sandbox.droplets(TEAM, add=1)

    watching.read()

    [email] = watching.told()
    assert email.splitlines()[0].startswith("[Conveyor] ")
    assert f"({TEAM}) is new" in email
    assert 'your view "Mine": A droplet is new in the view' in email
    watching.evaluate()
    watching.read()
    assert watching.told() == []


def test_fifty_new_droplets_are_one_email(watching: Watching) -> None:
    watching.add("new")
    watching.read()
    watching.sandbox.droplets(TEAM, add=30)
    watching.read()
    watching.sandbox.droplets(TEAM, add=20)
    watching.calendar.move_on(seconds=-30)
    watching.read()

    [email] = watching.told()

    assert "[Conveyor] 50 events: Mine" in email
    assert email.count(" is new\n") == 50


def test_more_events_than_an_email_has_room_for_are_counted(watching: Watching) -> None:
    watching.add("new")
    watching.read()
    watching.sandbox.droplets(TEAM, add=150)
    watching.read()

    [email] = watching.told()

    assert email.count(" is new\n") == 100
    assert "and 50 more." in email


def test_a_droplet_that_is_gone_is_told(watching: Watching) -> None:
    watching.add("gone")
    watching.read()
    watching.sandbox.droplets(TEAM, remove=2)

    watching.read()

    [email] = watching.told()
    assert email.count("does not exist any more\n") == 2


def test_a_droplet_that_leaves_the_view_is_told(alice: Person, watching: Watching) -> None:
    droplet(watching, tags=["web"])
    watching.view.query = "tag=web"
    watching.view.save()
    watching.add("gone")
    watching.read()
    droplet(watching, tags=[])

    watching.read()

    [email] = watching.told()
    assert email.count("does not match the view any more") == 2  # in the subject too


@pytest.mark.parametrize("query", ["", "status=active"])
def test_a_droplet_that_is_switched_off_is_told_once(watching: Watching, query: str) -> None:
    droplet(watching, status="active")
    watching.view.query = query
    watching.view.save()
    watching.add("off")
    watching.read()
    droplet(watching, status="off")

    watching.read()

    [email] = watching.told()
    assert f"({TEAM}) is switched off" in email
    watching.read()
    assert watching.told() == []


def test_a_price_is_told_when_it_passes_the_limit_and_again_after_it_was_below(watching: Watching) -> None:
    watching.read()
    watching.add("price", price="0.50")
    watching.evaluate()
    [email] = watching.told()
    assert "The view Mine costs $" in email
    watching.read()
    assert watching.told() == []

    watching.sandbox.droplets(TEAM, count=0)
    watching.read()
    watching.sandbox.droplets(TEAM, count=5)
    watching.read()

    assert len(watching.told()) == 1


def test_a_team_that_cannot_be_read_is_told_once_for_each_outage(watching: Watching) -> None:
    watching.add("unreadable", minutes="10")
    watching.read()
    fault = watching.sandbox.fault("status", path="/v2/droplets", status=503)
    watching.read()
    watching.read(minutes=9)
    assert watching.told() == []

    watching.read(minutes=6)

    [email] = watching.told()
    assert f"{TEAM} cannot be read since " in email
    watching.read(minutes=30)
    assert watching.told() == []
    watching.sandbox.clear_faults(fault)
    watching.read(minutes=6)
    watching.sandbox.fault("status", path="/v2/droplets", status=503)
    watching.read()
    watching.read(minutes=15)
    assert len(watching.told()) == 1


def test_a_team_that_must_be_reconnected_cannot_be_read(watching: Watching) -> None:
    watching.add("unreadable", minutes="10")
    watching.read()
    Connection.objects.update(state=Connection.State.NEEDS_RECONNECT, last_error_at=timezone.now())
    watching.evaluate()
    assert watching.told() == []

    watching.calendar.move_on(minutes=10)
    watching.evaluate()

    assert len(watching.told()) == 1


def test_an_action_that_failed_is_told_once(watching: Watching) -> None:
    watching.add("action")
    watching.read()
    failed_action(watching, words="No reason.")
    failed_action(watching, status=Action.Status.COMPLETED)

    watching.evaluate()

    [email] = watching.told()
    assert f"Reboot: failed for web-1 ({TEAM}). No reason." in email
    watching.evaluate()
    assert watching.told() == []


def test_an_action_on_a_droplet_outside_of_the_view_is_not_told(watching: Watching) -> None:
    watching.view.query = "q=no-such-droplet"
    watching.view.save()
    watching.add("action")
    watching.read()
    failed_action(watching)

    watching.evaluate()

    assert watching.told() == []


def read_by_a_worker(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the team and evaluate, in two processes that share no cache."""
    watching.calendar.move_on(minutes=6)
    with TestCase.captureOnCommitCallbacks(execute=True):
        team_readings.read(watching.person.connection(TEAM))
    cache.clear()
    monkeypatch.setattr(fleet_cache, "_memory", WeightedCache())
    run_tasks()


def test_what_only_workers_have_read_is_told(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.add("new")
    read_by_a_worker(watching, monkeypatch)
    watching.sandbox.droplets(TEAM, add=1)

    read_by_a_worker(watching, monkeypatch)

    assert len(watching.told()) == 1


def test_a_team_that_workers_cannot_read_is_told(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.add("unreadable", minutes="10")
    watching.sandbox.fault("status", path="/v2/droplets", status=503)
    for _ in range(3):
        read_by_a_worker(watching, monkeypatch)

    [email] = watching.told()
    assert "The error was: unavailable." in email


# Refuses to invent


def test_a_partial_reading_changes_nothing(watching: Watching) -> None:
    watching.sandbox.droplets(TEAM, count=450)
    for condition in ("gone", "new"):
        watching.add(condition)
    watching.read()
    fault = watching.sandbox.fault("status", path="/v2/droplets", page=2, status=503)
    watching.read(minutes=2)
    assert watching.told() == []
    watching.sandbox.clear_faults(fault)

    watching.read(minutes=10)

    assert watching.told() == []


def test_a_droplet_that_cannot_be_decoded_is_not_gone(watching: Watching) -> None:
    watching.add("gone")
    watching.read()
    droplet(watching, id="seven")

    watching.read()

    assert watching.told() == []


def test_an_older_reading_of_another_process_changes_nothing(watching: Watching, monkeypatch: Any) -> None:
    for condition in ("gone", "new"):
        watching.add(condition)
    watching.read()
    older = evaluation.teams_of(watching.person.user)
    watching.sandbox.droplets(TEAM, add=1)
    watching.read()
    assert len(watching.told()) == 1

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "teams_of", lambda user: older)
        watching.evaluate()

    watching.read()
    assert watching.told() == []


def test_a_view_or_a_team_that_changes_is_no_event(watching: Watching) -> None:
    for condition in ("gone", "new"):
        watching.add(condition)
    watching.read()
    watching.view.query = "q=web"
    watching.view.save()
    watching.read()
    watching.view.query = ""
    watching.view.save()
    watching.read()
    watching.person.connect("Acme Web")
    watching.read()
    watching.person.connection(TEAM).account.delete()
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    watching.person.connect(TEAM)
    watching.read()

    assert watching.told() == []


def test_what_happens_during_a_pause_is_not_told(watching: Watching) -> None:
    watcher = watching.add("new")
    watching.read()
    watching.person.client.post(f"/watchers/{watcher.pk}/pause/", {"on": "0"})
    watching.sandbox.droplets(TEAM, add=1)
    watching.read()
    watching.person.client.post(f"/watchers/{watcher.pk}/pause/", {"on": "1"})
    watching.read()
    assert watching.told() == []
    watching.sandbox.droplets(TEAM, add=1)

    watching.read()

    assert len(watching.told()) == 1


@pytest.mark.parametrize("when", ["before", "between"])
@pytest.mark.parametrize("what", ["deactivated", "unconfirmed"])
def test_nobody_is_told_while_deactivated_or_unconfirmed(watching: Watching, when: str, what: str) -> None:
    watching.add("new")
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    if when == "between":
        watching.read()
    else:
        watching.calendar.move_on(minutes=1)
        watching.person.client.get("/droplets/?edition=none")
    user = watching.person.user
    if what == "deactivated":
        user.is_active = False
        user.save()
    else:
        EmailAddress.objects.update(verified=False)
    watching.evaluate()

    assert watching.told() == []
    assert not Delivery.objects.exclude(status="cancelled").exists()


def test_nothing_is_left_of_what_is_deleted(watching: Watching) -> None:
    watching.add("new")
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    watching.read()

    answer = watching.person.client.post(f"/droplets/views/{watching.view.pk}/delete/", follow=True)

    assert "Deleted the view “Mine” and its 1 watcher." in answer.content.decode()
    assert watching.told() == []
    assert not Watcher.objects.exists()
    assert not Delivery.objects.exists()


# Handles


@pytest.mark.django_db(transaction=True)
def test_four_evaluators_at_once_tell_once(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.add("new")
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    watching.calendar.move_on(minutes=1)
    watching.person.client.get("/droplets/?edition=none")

    barrier, real = Barrier(4), evaluation.teams_of

    def together(user: Any) -> Any:
        known = real(user)
        barrier.wait(10)
        return known

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "teams_of", together)
        at_once(*[partial(evaluation.evaluate, watching.person.user)] * 4)
    assert [message.count for message in watching.messages()] == [1]

    assert len(watching.told()) == 1


def test_a_clock_that_was_set_back_does_not_stop_a_watcher(watching: Watching) -> None:
    watcher = watching.add("new")
    watching.read()
    watcher.refresh_from_db()
    for team in watcher.state["teams"].values():
        team["read_at"] = "2199-01-01T00:00:00Z"
    watcher.save()
    watching.sandbox.droplets(TEAM, add=1)

    watching.read()

    assert len(watching.told()) == 1


def test_a_state_of_another_version_is_forgotten(watching: Watching) -> None:
    watcher = watching.add("new")
    watching.read()
    Watcher.objects.update(state={"teams": 7})
    watching.sandbox.droplets(TEAM, add=1)

    watching.read()

    watcher.refresh_from_db()
    assert watching.told() == []
    assert watcher.state["query"] == ""


def test_what_a_droplet_is_called_cannot_end_a_line(watching: Watching) -> None:
    watching.add("new")
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    droplet(watching, 10, name="web\nBcc: x@example.com")

    watching.read()

    assert watching.told()[0].splitlines()[0] == f"[Conveyor] web Bcc: x@example.com ({TEAM}) is new"
    assert mail.outbox == []
