"""`manage.py refresh_tokens`."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import revocations
from accounts.models import Connection, Event, Revocation
from tests.accounts.test_tokens import expire, stored_pair
from tests.support.person import Person
from tests.support.sandbox import Sandbox


def run(**options: Any) -> tuple[int, str]:
    """The command's exit code and what it printed."""
    out = StringIO()
    try:
        call_command("refresh_tokens", stdout=out, stderr=StringIO(), **options)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


def test_it_refreshes_what_expires_soon_and_nothing_else(alice: Person, digitalocean: Sandbox) -> None:
    soon, later = alice.connect("Acme Web"), alice.connect("Northwind")
    expire(soon, timedelta(days=2))

    code, printed = run()

    assert code == 0
    assert "1 refreshed, 0 need their owner, 0 revoked, 0 waiting" in printed
    soon.refresh_from_db()
    later.refresh_from_db()
    assert (soon.generation, later.generation) == (2, 1)
    assert Event.objects.get(kind=Event.Kind.REFRESH).actor == "refresh_tokens"


def test_a_second_run_has_nothing_to_do(alice: Person, digitalocean: Sandbox) -> None:
    expire(alice.connect(), timedelta(days=2))
    run()

    _, printed = run()

    assert printed.startswith("0 refreshed")
    assert digitalocean.counters().refresh_requests == 1


def test_it_works_in_batches_side_by_side(alice: Person, digitalocean: Sandbox) -> None:
    for team in ("Acme Web", "Northwind", "Side projects"):
        expire(alice.connect(team), timedelta(days=1))
    digitalocean.fault("delay", path="/v1/oauth/token", seconds=0.4)
    digitalocean.reset_counters()

    _, printed = run(batch=2)

    assert printed.startswith("3 refreshed")
    assert digitalocean.counters().in_flight_max["POST /v1/oauth/token refresh_token"] == 2


def test_it_sends_the_revocations_that_are_queued(alice: Person, digitalocean: Sandbox) -> None:
    connection = alice.connect()
    digitalocean.fault("status", path="/v1/oauth/revoke", status=503)
    alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")
    assert len(digitalocean.live_grants()) == 1
    digitalocean.clear_faults()
    Revocation.objects.update(due_at=timezone.now())

    code, printed = run()

    assert code == 0
    assert "1 revoked" in printed
    assert digitalocean.live_grants() == []
    assert not Revocation.objects.exists()


def test_no_revocation_of_a_batch_waits_for_its_turn(db: None, digitalocean: Sandbox) -> None:
    """One that did could outlive its lease."""
    for _ in range(12):
        pair = digitalocean.connect()
        revocations.enqueue(pair["access_token"], pair["refresh_token"], expires_at=None, reason="test")
    digitalocean.fault("delay", path="/v1/oauth/revoke", seconds=1)

    _, printed = run(batch=12)

    assert "12 revoked" in printed
    assert digitalocean.counters().in_flight_max["POST /v1/oauth/revoke"] == 12
    assert digitalocean.live_grants() == []


def test_an_expired_access_token_does_not_keep_a_grant_alive(alice: Person, digitalocean: Sandbox) -> None:
    """Its refresh token still lives, so it takes a refresh to revoke the grant."""
    connection = alice.connect()
    digitalocean.expire()

    alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

    assert digitalocean.live_grants() == []
    assert not Revocation.objects.exists()


def test_a_grant_that_was_tried_is_not_pending_any_more(alice: Person, digitalocean: Sandbox) -> None:
    """DigitalOcean may have revoked it although it did not say so: nobody may connect it."""
    pair = digitalocean.connect()
    pending = Revocation.Status.PENDING
    grant = revocations.enqueue(
        pair["access_token"], pair["refresh_token"], expires_at=None, status=pending, reason="abandoned"
    )
    Revocation.objects.update(due_at=timezone.now())
    digitalocean.fault("status", path="/v1/oauth/revoke", status=503)

    run()

    grant.refresh_from_db()
    assert (grant.status, grant.attempts) == (Revocation.Status.QUEUED, 1)


def test_an_abandoned_grant_is_left_alone_until_it_is_due(alice: Person, digitalocean: Sandbox) -> None:
    pair = digitalocean.connect()
    grant = revocations.enqueue(
        pair["access_token"],
        pair["refresh_token"],
        expires_at=None,
        status=Revocation.Status.PENDING,
        reason="abandoned",
    )

    run()
    assert len(digitalocean.live_grants()) == 1

    Revocation.objects.filter(pk=grant.pk).update(due_at=timezone.now())
    run()
    assert digitalocean.live_grants() == []


def test_what_is_lost_is_its_owners_and_no_failure(alice: Person, digitalocean: Sandbox) -> None:
    expire(alice.connect(), timedelta(days=1))
    digitalocean.revoke()

    code, printed = run()

    assert code == 0
    assert "Needs its owner: Acme Web (invalid_grant)" in printed


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "empty"}])
def test_what_has_to_wait_exits_with_75_and_a_line_each(alice: Person, digitalocean: Sandbox, fault: Any) -> None:
    for team in ("Acme Web", "Northwind"):
        expire(alice.connect(team), timedelta(days=1))
    digitalocean.fault(path="/v1/oauth/token", team="Northwind", grant_type="refresh_token", **fault)

    code, printed = run()

    assert code == 75
    assert "1 refreshed" in printed
    assert printed.count("Not done now: Northwind") == 1


def test_wrong_credentials_exit_with_77(alice: Person, digitalocean: Sandbox, settings: Any) -> None:
    connection = alice.connect()
    before = stored_pair(connection)
    expire(connection, timedelta(days=1))
    settings.DIGITAL_OCEAN_CLIENT_SECRET = "not-the-secret"

    code, printed = run()

    assert code == 77
    assert "not-the-secret" not in printed
    assert stored_pair(connection) == before
    connection.refresh_from_db()
    assert connection.state == Connection.State.HEALTHY


@pytest.mark.parametrize(
    "options", [{"batch": 0}, {"batch": 101}, {"days": -1.0}, {"days": float("nan")}, {"days": 1e30}]
)
def test_it_refuses_numbers_that_make_no_sense(db: None, options: Any) -> None:
    code, printed = run(**options)

    assert code == 2
    assert "--batch" in printed
