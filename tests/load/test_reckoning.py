"""`make load` counts right: what a run must not miss."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Connection
from droplets.models import Action
from tests.bench.browser import Page
from tests.load import verdicts
from tests.load.disturbances import KINDS, RESTART, Window, slots
from tests.load.observed import Memory, Observed, Visit, percentile
from tests.load.person import _form
from tests.load.run import Run
from tests.support.person import Person
from tests.support.sandbox import Sandbox

RESTARTED = next(kind for kind in KINDS if kind.is_restart)
ILL = next(kind for kind in KINDS if not kind.is_restart)


@pytest.fixture
def run() -> Run:
    windows = [Window(ILL, 200, 210, 224), Window(RESTARTED, 240, 241, 264)]
    return Run(10, 2, 1, 0.0, 100.0, 300.0, windows, Observed(), 0.0)


@pytest.fixture
def alice(digitalocean: Sandbox, db: None) -> Person:
    person = Person(digitalocean, "alice@example.com")
    person.sign_up()
    person.connect()
    return person


def seen(run: Run, status: int, at: float, seconds: float = 0.1, note: str = "") -> None:
    run.observed.add(Visit("fleet", "/droplets/", status, at, seconds, note))


# What is right


def test_failures_within_a_restart_are_allowed(run: Run) -> None:
    for at in (239.95, 240.5, 241 + RESTART - 0.1):
        seen(run, 500, at)
        seen(run, 0, at)

    assert verdicts._failures(run).met
    assert verdicts._broken(run).met


def test_that_digitalocean_cannot_be_read_is_right_until_the_calm(run: Run) -> None:
    seen(run, 502, 205)
    seen(run, 502, 223)

    assert verdicts._ill_outside(run).met


def test_a_refresh_of_a_pair_that_is_due(run: Run, alice: Person) -> None:
    run.generations = verdicts.generations()
    alice.sandbox.reset_counters()
    alice.sandbox.expire()
    alice.client.get("/droplets/?edition=-")

    assert [result.found for result in verdicts._refreshes(run, alice.sandbox, 0)[1:]] == ["1, 1", "0", "1"]


# What is wrong


def test_failures_outside_a_restart_count(run: Run) -> None:
    for at in (150.0, 205.0, 241 + RESTART + 0.1):
        seen(run, 500, at)
        seen(run, 503, at)
        seen(run, 0, at)

    assert (verdicts._failures(run).found, verdicts._broken(run).found) == ("6", "3")


@pytest.mark.parametrize(("status", "note"), [(404, "Not found"), (403, ""), (302, "/accounts/login/?next=/")])
def test_what_nobody_expects_counts(run: Run, status: int, note: str) -> None:
    seen(run, status, 150, note=note)

    assert verdicts._unexpected(run).met is False


def test_that_digitalocean_cannot_be_read_counts_in_calm(run: Run) -> None:
    seen(run, 502, 226)

    assert verdicts._ill_outside(run).met is False


def test_a_refresh_for_nothing_counts(run: Run, alice: Person) -> None:
    run.generations = verdicts.generations()
    alice.sandbox.reset_counters()
    [grant] = alice.sandbox.live_grants()
    pair = alice.sandbox.refresh(grant.refresh_token).json()  # new, and not stored
    alice.sandbox.refresh(grant.refresh_token)
    alice.sandbox.refresh(pair["refresh_token"])

    found = verdicts._refreshes(run, alice.sandbox, 0)

    assert [result.found for result in found[:3]] == ["2, 0", "2, 0", "1"]
    assert [result.met for result in found[:3]] == [False] * 3


def test_a_lost_connection_counts(run: Run, alice: Person) -> None:
    assert verdicts._lost(run, set(), 1)[0].met
    Connection.objects.update(state=Connection.State.NEEDS_RECONNECT)

    assert [result.found for result in verdicts._lost(run, verdicts._died(run, alice.sandbox), 1)] == ["1", "0"]


def test_a_connection_whose_answer_died_with_a_killed_process_is_told_apart(run: Run, alice: Person) -> None:
    [pair] = alice.sandbox.pairs()
    kind = next(kind for kind in KINDS if kind.is_kill)
    run.windows.append(Window(kind, pair.created_at, pair.created_at + 1, pair.created_at + 9))
    Connection.objects.update(state=Connection.State.NEEDS_RECONNECT)

    found = verdicts._lost(run, verdicts._died(run, alice.sandbox), 1)

    assert [(result.found, result.met) for result in found] == [("0", True), ("1", True)]


def test_an_action_that_is_sent_twice_counts(alice: Person) -> None:
    alice.go("Acme Web", url=f"/accounts/connections/{alice.connection('Acme Web').pk}/act/")
    alice.sandbox.droplets("Acme Web", count=1)
    fields = {"id": 4711, "status": "active", "locked": False}
    alice.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": fields}])
    alice.sandbox.reset_counters()
    [grant] = [grant for grant in alice.sandbox.live_grants() if "write" in grant.scope]
    Action.objects.create(key=uuid4(), connection_id=uuid4(), droplet_id=4711, kind="reboot", sent_at=timezone.now())
    alice.sandbox.act(4711, grant.access_token, "reboot")
    assert verdicts._actions(alice.sandbox)[0].found == "0"
    alice.sandbox.act(4711, grant.access_token, "reboot")

    assert verdicts._actions(alice.sandbox)[0].found == "1"


def test_a_process_that_grows_counts(run: Run) -> None:
    run.observed.memory = [Memory(7, "web", at, 100 if at < 200 else 106) for at in range(0, 300, 2)]
    run.observed.memory += [Memory(8, "worker", at, 50 if at < 50 else 200) for at in range(0, 300, 2)]

    found = verdicts._growth(run)

    assert (found.found, found.met) == ("+6.0%", False)
    assert "worker +0.0%" in found.basis


def test_pages_that_are_slower_in_calm_count(run: Run) -> None:
    for at in range(50, 100):
        for _ in range(4):
            seen(run, 200, at, 0.1)
    for at in range(270, 298):
        for _ in range(4):
            seen(run, 200, at, 0.14)

    found = verdicts._speed(run)

    assert (found.found, found.met) == ("1.40 ×", False)


# The parts


def test_a_long_run_has_more_of_them_and_a_short_one_each_once() -> None:
    assert (slots(600), slots(180), slots(120), slots(20)) == (15, 7, 5, 1)


def test_the_95th_percentile() -> None:
    assert percentile([float(at) for at in range(1, 101)], 95) == 95
    assert percentile([3.0], 95) == 3.0
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 95)


def test_the_hidden_fields_of_one_form() -> None:
    other = '<form action="/other/"><input type="hidden" name="key" value="1"></form>'
    own = '<form method="post" action="/own/"><input type="hidden" name="key" value="2"><input name="q"></form>'

    assert _form(Page(200, other + own, 0.1), "/own/") == {"key": "2"}
    assert _form(Page(200, other, 0.1), "/own/") == {}
