"""Many processes with many threads meet a dead token at the same moment: one refresh each time, and nobody fails.

The figures of the last run are in docs/token-service.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialToken
from django.db.models import F
from django.utils import timezone

from accounts import tokens
from accounts.models import Connection
from tests.support.person import Person
from tests.support.processes import Worker
from tests.support.sandbox import Sandbox

PROCESSES, THREADS, ROUNDS = 4, 16, 50


@pytest.fixture
def connection(digitalocean: Sandbox, transactional_db: None) -> Connection:
    digitalocean.settings(burst_limit=1_000_000, hourly_limit=1_000_000)
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    return alice.connect()


@pytest.fixture
def workers(connection: Connection) -> Iterator[list[Worker]]:
    started = [Worker(connection) for _ in range(PROCESSES)]
    yield started
    for worker in started:
        worker.close()


@pytest.mark.parametrize("dies", ["by the clock", "by a 401"])
def test_one_refresh_a_round_and_no_failed_request(
    connection: Connection, workers: list[Worker], digitalocean: Sandbox, dies: str
) -> None:
    digitalocean.reset_counters()
    met: Counter[str] = Counter()

    for _ in range(ROUNDS):
        [grant] = digitalocean.live_grants()
        digitalocean.expire()
        Connection.objects.update(refreshed_at=F("refreshed_at") - tokens.REFRESH_PAUSE)  # the last round is long ago
        if dies == "by the clock":
            SocialToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        for worker in workers:
            worker.order("meet", threads=THREADS, known="" if dies == "by the clock" else grant.access_token)
        for worker in workers:
            met.update(worker.answer())

    assert met == {"ok": PROCESSES * THREADS * ROUNDS}
    counters = digitalocean.counters()
    assert counters.refresh_requests == ROUNDS
    assert set(counters.refreshes_at_once_max.values()) == {1}
    assert Connection.objects.get().generation == connection.generation + ROUNDS
