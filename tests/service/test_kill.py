"""A process is killed at each step of a refresh and of a disconnect; what the next one finds is right."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Connection, Revocation
from digitalocean_client import errors
from tests.accounts.test_tokens import expire, stored_pair, token_for
from tests.support.person import Person
from tests.support.processes import Worker
from tests.support.sandbox import Sandbox

# The function around which the process ends × what is left of the pair then: DigitalOcean still accepts the stored one
# ("kept"), the new one waits in a spill file ("spilled"), or it died with the process ("lost").
REFRESH_STEPS = [
    ("accounts.tokens:_take_lease:before", "kept"),
    ("accounts.tokens:_take_lease:after", "kept"),
    ("digitalocean_client.oauth:refresh:before", "kept"),
    ("digitalocean_client.oauth:refresh:inside", "either"),
    ("digitalocean_client.oauth:refresh:after", "lost"),
    ("accounts.refreshed_pairs:write_file:after", "spilled"),
    ("accounts.refreshed_pairs:_save:before", "spilled"),
    ("accounts.token_store:encrypt:after", "spilled"),  # inside the transaction, the connection's row already written
    ("accounts.refreshed_pairs:store:after", "spilled"),  # inside it still, everything written
    ("accounts.refreshed_pairs:_save:after", "kept"),  # stored, and the file is still there
]
DISCONNECT_STEPS = [
    ("accounts.audit:record:after", "connected"),
    ("accounts.revocations:enqueue:after", "connected"),
    ("accounts.connections:pending_revocations:before", "queued"),
    ("accounts.revocations:process:before", "queued"),
    ("digitalocean_client.oauth:revoke:before", "queued"),
    ("digitalocean_client.oauth:revoke:after", "queued"),
    ("accounts.revocations:_done:before", "queued"),
    ("accounts.revocations:_done:after", "paid"),
]


@pytest.fixture
def connection(digitalocean: Sandbox, transactional_db: None) -> Connection:
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    return alice.connect()


def let_leases_run_out() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Connection.objects.exclude(lease_until=None).update(lease_until=past)
    Revocation.objects.exclude(lease_until=None).update(lease_until=past)


@pytest.mark.parametrize(("step", "expected"), REFRESH_STEPS)
def test_killed_in_a_refresh(connection: Connection, digitalocean: Sandbox, step: str, expected: str) -> None:
    digitalocean.expire()
    expire(connection)
    if step.endswith("inside"):
        digitalocean.fault("delay", path="/v1/oauth/token", seconds=1.5)
    worker = Worker(connection, kill=step)

    worker.order("once")
    assert worker.was_killed()

    digitalocean.clear_faults()
    connection.refresh_from_db()
    assert connection.state == Connection.State.HEALTHY  # nobody has been told otherwise yet
    let_leases_run_out()
    before = stored_pair(connection)
    accepted = any(grant.refresh_token == before[1] and grant.refresh_live for grant in digitalocean.ledger())
    if expected != "either":
        assert accepted == (expected == "kept")

    answer = token_for(connection)

    connection.refresh_from_db()
    if expected == "spilled":
        accepted = True
    if expected == "either":  # the request of the killed process may still arrive before ours
        accepted = isinstance(answer, str)
    if accepted:
        assert digitalocean.get("/v2/account", answer).status_code == 200
        assert connection.state == Connection.State.HEALTHY
        assert not Revocation.objects.exists()
    else:
        assert isinstance(answer, errors.NeedsReconnect)
        assert connection.state == Connection.State.NEEDS_RECONNECT


@pytest.mark.parametrize(("step", "expected"), DISCONNECT_STEPS)
def test_killed_in_a_disconnect(connection: Connection, digitalocean: Sandbox, step: str, expected: str) -> None:
    worker = Worker(connection, kill=step)

    worker.order("disconnect")
    assert worker.was_killed()

    if expected == "connected":
        assert Connection.objects.filter(pk=connection.pk).exists()
        assert not Revocation.objects.exists()
        answer = token_for(connection)
        assert digitalocean.get("/v2/account", answer).status_code == 200
        return
    assert not Connection.objects.exists()
    assert not SocialAccount.objects.exists()
    assert not SocialToken.objects.exists()
    assert Revocation.objects.count() == (1 if expected == "queued" else 0)

    let_leases_run_out()
    call_command("refresh_tokens", stdout=StringIO(), stderr=StringIO())

    assert digitalocean.live_grants() == []
    assert not Revocation.objects.exists()
