"""The queue of token revocations: each is sent by one process at a time."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

from django.utils import timezone

from accounts import revocations
from accounts.models import Revocation
from tests.support.person import Person


def test_a_revocation_that_another_process_is_sending_is_left_to_it(alice: Person) -> None:
    connection = alice.connect()
    alice.sandbox.fault("status", path="/v1/oauth/revoke", status=503)
    alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")
    alice.sandbox.clear_faults()
    [waiting] = Revocation.objects.all()
    Revocation.objects.update(lease_until=timezone.now() + timedelta(seconds=20))

    assert revocations.process([waiting.pk], deadline=monotonic() + 5, actor="test") == {}
    assert len(alice.sandbox.live_grants()) == 1

    Revocation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert revocations.process([waiting.pk], deadline=monotonic() + 5, actor="test") == {waiting.pk: None}
    assert alice.sandbox.live_grants() == []
