"""An action's one request, and what is stored of its answer."""

from __future__ import annotations

from datetime import timedelta
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import pytest
from allauth.socialaccount.models import SocialToken
from django.db import connection
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import errors
from droplets.actions import sending, transitions
from droplets.actions.kinds import KINDS
from droplets.actions.sending import NotAvailable
from droplets.calls import droplet as droplet_calls
from droplets.calls import rate_limit
from droplets.models import Action
from tests.droplets.actions.acting import DROPLET, Acting
from tests.support.at_once import at_once
from tests.support.person import Person

ACTIONS = "/v2/droplets/[0-9]+/actions$"
ONE = "/v2/droplets/[0-9]+$"
ORDERS = "POST /v2/droplets/{droplet_id}/actions"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 1.0)


def begin(acting: Acting, kind: str = "reboot", *, key: UUID | None = None, **parameters: Any) -> Action:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    return sending.begin(acting.connection, droplet, KINDS[kind], parameters, key=key or uuid4())


# Works


def test_an_action_is_sent_and_written_down(acting: Acting) -> None:
    row = begin(acting, "snapshot", name="before-upgrade")

    [acted] = acting.done()
    assert acted.body == {"type": "snapshot", "name": "before-upgrade"}
    assert (row.status, row.digitalocean_id) == ("in_progress", acted.id)
    assert (row.user, row.droplet_name, row.team_name) == (acting.person.user, "db-primary", "Acme Web")
    assert row.request_id in [request["request_id"] for request in acting.sandbox.recent_requests()]
    assert row.ask_at is not None


def test_destroying_is_done_at_once(acting: Acting) -> None:
    row = begin(acting, "destroy")

    assert [acted.type for acted in acting.done()] == ["destroy"]
    assert (row.status, row.ask_at) == ("completed", None)
    assert row.ended_at is not None


def test_one_key_is_one_action(acting: Acting) -> None:
    key = uuid4()

    first, second = begin(acting, key=key), begin(acting, key=key)

    assert first == second
    assert len(acting.done()) == 1


def test_somebody_elses_key_is_another_key(acting: Acting, bob: Person) -> None:
    key = uuid4()
    elsewhere = {"connection_id": uuid4(), "team_name": "Elsewhere", "droplet_id": 1, "kind": "reboot"}
    Action.objects.create(user=bob.user, key=key, **elsewhere)

    begin(acting, key=key)

    assert len(acting.done()) == 1


def test_a_token_that_was_not_let_in_is_renewed_and_the_same_is_sent_again(acting: Acting) -> None:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    acting.sandbox.expire()

    row = sending.begin(acting.connection, droplet, KINDS["reboot"], {}, key=uuid4())

    assert row.status == "in_progress"
    assert len(acting.done()) == 1


# Refuses


@pytest.mark.parametrize(("status", "kind"), [("off", "reboot"), ("active", "power_on"), ("active", "resize")])
def test_what_the_status_does_not_allow_is_not_sent(acting: Acting, status: str, kind: str) -> None:
    acting.change(status=status)

    with pytest.raises(NotAvailable):
        begin(acting, kind)

    assert not acting.done()
    assert not Action.objects.exists()


def test_what_the_access_does_not_reach_is_not_sent(reader: Acting) -> None:
    with pytest.raises(NotAvailable) as caught:
        begin(reader)

    assert caught.value.availability.missing == ("droplet:update",)
    assert ORDERS not in reader.sandbox.counters().by_endpoint


def test_nothing_is_sent_over_the_limit(acting: Acting) -> None:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    rate_limit.block_until(acting.connection.pk, timezone.now() + timedelta(minutes=3))

    with pytest.raises(errors.RateLimited):
        sending.begin(acting.connection, droplet, KINDS["reboot"], {}, key=uuid4())

    assert not Action.objects.exists()


def test_nothing_is_sent_without_a_token(acting: Acting) -> None:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    acting.sandbox.revoke()
    SocialToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    acting.connection.refresh_from_db()

    with pytest.raises(errors.NeedsReconnect):
        sending.begin(acting.connection, droplet, KINDS["reboot"], {}, key=uuid4())

    assert not Action.objects.exists()


def test_while_an_answer_is_missing_nothing_else_is_sent(acting: Acting) -> None:
    acting.sandbox.fault("hang", path=ACTIONS, method="POST", times=1)
    begin(acting)

    with pytest.raises(NotAvailable):
        begin(acting)

    assert not acting.done()


# Handles


REFUSALS = [
    ({"status": 422, "json": {"id": "unprocessable_entity", "message": "No room left."}}, "No room left."),
    ({"status": 404}, "Not found at DigitalOcean"),
    ({"status": 403}, "This action needs droplet:update"),
    ({"status": 429, "headers": {"retry-after": "30"}}, "rate limit for this team is reached"),
    ({"status": 401}, "did not accept Conveyor's access token"),
]


@pytest.mark.parametrize(("more", "words"), REFUSALS)
def test_a_refusal_is_over_and_keeps_digitaloceans_words(acting: Acting, more: dict[str, Any], words: str) -> None:
    acting.sandbox.fault("status", path=ACTIONS, method="POST", **more)

    row = begin(acting)

    assert (row.status, row.ask_at) == ("refused", None)
    assert words in row.words
    assert row.request_id
    assert not acting.done()


def test_a_refusal_with_characters_that_no_database_takes_is_stored_without_them(acting: Acting) -> None:
    odd = {"id": "x", "message": "No\u0000 \u202eroom", "request_id": "r\u0000"}
    acting.sandbox.fault("status", path=ACTIONS, method="POST", status=422, json=odd)

    row = begin(acting)

    assert row.status == "refused"
    assert "No room" in row.words


LOST_ANSWERS = [
    ("reset", {}),
    ("truncate", {"at": 20}),
    ("hang", {"seconds": 30}),
    ("status", {"status": 500}),
    ("status", {"status": 503}),
    ("html", {"status": 200}),
    ("empty", {"status": 201}),
    ("json", {"json": {"action": {"id": "many"}}}),
    ("redirect", {"location": "http://127.0.0.1:9/"}),
]


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize(("fault", "more"), LOST_ANSWERS)
def test_without_a_clear_answer_it_is_neither_done_nor_refused_and_not_sent_again(
    acting: Acting, fault: str, more: dict[str, Any], phase: str
) -> None:
    acting.sandbox.fault(fault, path=ACTIONS, method="POST", phase=phase, **more)

    row = begin(acting)

    assert row.status == "sending"
    assert row.ask_at is not None
    assert row.ask_at <= timezone.now()
    took_effect = phase == "after" or fault == "truncate"  # which spoils the true answer
    assert len(acting.done()) == took_effect
    assert acting.sandbox.counters().by_endpoint[ORDERS] == 1


def test_where_digitalocean_cannot_be_reached_nothing_was_done(acting: Acting, settings: Any) -> None:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    settings.DIGITAL_OCEAN_API_URL = "http://127.0.0.1:9/v2"

    row = sending.begin(acting.connection, droplet, KINDS["reboot"], {}, key=uuid4())

    assert row.status == "lost"
    assert transitions.NEVER_ARRIVED in row.words


def test_what_was_destroyed_meanwhile_needs_no_destroying(acting: Acting) -> None:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    acting.sandbox.droplets("Acme Web", count=0)

    row = sending.begin(acting.connection, droplet, KINDS["destroy"], {}, key=uuid4())

    assert (row.status, row.words) == ("completed", transitions.GONE_ALREADY)


def test_what_was_guessed_to_be_another_rows_is_put_right_by_the_answer(acting: Acting) -> None:
    acting.sandbox.fault("hang", path=ACTIONS, method="POST", seconds=30, times=1)
    guessing = begin(acting)
    Action.objects.filter(pk=guessing.pk).update(status="completed", ended_at=timezone.now(), ask_at=None)
    row = begin(acting)
    Action.objects.filter(pk=row.pk).update(digitalocean_id=None, began_at=None, status="sending")
    Action.objects.filter(pk=guessing.pk).update(digitalocean_id=row.digitalocean_id, began_at=row.began_at)
    action = sending.actions_api.action(
        sending.token_of(acting.connection, deadline=9e9), DROPLET, row.digitalocean_id, deadline=9e9
    )

    transitions.mark_accepted(row, action, request_id="r-1", ask_at=timezone.now())

    row.refresh_from_db()
    guessing.refresh_from_db()
    assert (row.status, row.digitalocean_id) == ("in_progress", action.id)
    assert (guessing.status, guessing.digitalocean_id) == ("sending", None)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one(acting: Acting) -> None:
    key = uuid4()

    one, other = at_once(*[lambda: begin(acting, key=key)] * 2)

    assert one == other
    assert len(acting.done()) == 1


def test_of_two_requests_at_once_one_may_be_blocked_by_the_other(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = uuid4()
    row = begin(acting, key=key)
    looks = [None]  # the first one came a moment too early
    known_by = sending.known_by
    monkeypatch.setattr(sending, "known_by", lambda *of: looks.pop() if looks else known_by(*of))

    assert begin(acting, key=key) == row

    assert len(acting.done()) == 1


def test_nothing_is_sent_through_a_team_that_was_disconnected_meanwhile(acting: Acting) -> None:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    acting.sandbox.fault("status", path="/v1/oauth/revoke", status=503)  # so that the old token still works
    acting.person.client.post(f"/accounts/connections/{acting.connection.pk}/disconnect/")

    with pytest.raises(Connection.DoesNotExist):
        sending.begin(acting.connection, droplet, KINDS["reboot"], {}, key=uuid4())

    assert not acting.done()
    assert not Action.objects.exists()


def test_nothing_is_sent_with_access_that_was_narrowed_meanwhile(acting: Acting) -> None:
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    Connection.objects.update(scope="read")

    with pytest.raises(NotAvailable):
        sending.begin(acting.connection, droplet, KINDS["reboot"], {}, key=uuid4())

    assert not acting.done()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_was_stopped_until_its_time_was_over_sends_nothing(acting: Acting, moment: str) -> None:
    """By then others may have given the row up, or the person may have started another action."""
    droplet = droplet_calls.fetch_droplet(acting.connection, DROPLET)
    stops = []

    def stopped(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        is_claim = sql.startswith("UPDATE") and params[0] == "sending"
        if is_claim and moment == "before":
            stops.append(sleep(sending.TIMEOUT + 0.1))
        found = execute(sql, params, many, context)
        if is_claim and moment == "after":
            stops.append(sleep(sending.TIMEOUT + 0.1))
        return found

    with connection.execute_wrapper(stopped):
        row = sending.begin(acting.connection, droplet, KINDS["reboot"], {}, key=uuid4())

    assert len(stops) == 1
    assert row.status == "sending"  # and is looked for, like any request whose answer was lost
    assert not acting.done()
    assert ORDERS not in acting.sandbox.counters().by_endpoint


@pytest.mark.parametrize("odd", [{"/action/type": "create"}, {"/action/started_at": None}])
def test_an_answer_about_another_action_decides_nothing(acting: Acting, odd: dict[str, Any]) -> None:
    acting.sandbox.fault("patch", path=ACTIONS, method="POST", set=odd)

    row = begin(acting)

    assert row.status == "sending"  # and is looked for
    assert len(acting.done()) == 1


def test_a_404_from_a_proxy_destroys_nothing(acting: Acting) -> None:
    acting.sandbox.fault("html", path=ONE, method="DELETE", status=404)

    assert begin(acting, "destroy").status == "sending"


def test_a_request_that_timed_out_at_the_other_side_may_have_arrived(acting: Acting) -> None:
    acting.sandbox.fault("status", path=ACTIONS, method="POST", status=408, phase="after")

    assert begin(acting).status == "sending"


def test_a_row_that_was_given_up_before_it_was_sent_is_not_sent(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process was stopped between the two steps, and another one has marked the row as lost."""
    record = sending._record

    def record_and_sleep(*args: Any) -> Action | None:
        row = record(*args)
        Action.objects.update(status="lost")
        return row

    monkeypatch.setattr(sending, "_record", record_and_sleep)

    row = begin(acting)

    assert acting.done() == []
    assert row.status == "lost"
