"""Fixtures of the tests about people and their connections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import connections
from accounts.models import Connection, SecondFactorReset
from droplets.models import Action, Job
from tests.support import totp
from tests.support.callback import REVOKE
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff


@pytest.fixture
def owner(alice: Person) -> Person:
    """Alice, who has Northwind connected: what must not change when something else goes wrong."""
    alice.connect("Northwind")
    return alice


@pytest.fixture
def staff(digitalocean: Sandbox, db: None) -> Person:
    """A superuser, logged in with the second factor."""
    return make_staff(digitalocean, "staff@example.com", superuser=True)


@pytest.fixture
def customers(owner: Person, bob: Person, digitalocean: Sandbox) -> Person:
    """Alice with one team and the revocation of another, Bob with a team to reconnect and a second factor
    that is lost."""
    owner.connect("Acme Web")
    bob.connect("Hopper Labs")
    digitalocean.fault("status", **REVOKE, status=503)
    connections.disconnect(owner.connection("Acme Web"))
    totp.switch_on(bob.user)
    SecondFactorReset.objects.create(user=bob.user, expires_at=timezone.now() + timedelta(days=14))
    Connection.objects.filter(team_name="Hopper Labs").update(
        state="needs_reconnect", last_error="invalid_grant", failures=2
    )
    job = Job.objects.create(user=owner.user, kind="reboot")
    Action.objects.create(
        user=owner.user,
        key=job.pk,
        connection_id=owner.connection("Northwind").pk,
        team_name="Northwind",
        droplet_id=7,
        droplet_name="web-1",
        kind="reboot",
    )
    return owner


@pytest.fixture
def without_mail(settings: Any) -> None:
    """A Conveyor that has no EMAIL_URL, as at a first try of it: addresses are not verified."""
    settings.ACCOUNT_EMAIL_VERIFICATION = settings.SOCIALACCOUNT_EMAIL_VERIFICATION = "optional"
