"""The token service: one door, one refresh, every end of it told apart."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts import token_store, tokens
from accounts.models import Connection, Event, Revocation
from digitalocean_client import errors, oauth
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until

TOKEN_ENDPOINT = "/v1/oauth/token"


def ask(connection: Connection, *, seconds: float = 20.0, rejected: str | None = None) -> Any:
    """What the door answers for one connection as it is now."""
    row = Connection.objects.select_related("account__user", "token").get(pk=connection.pk)
    refused = {row.pk: rejected} if rejected is not None else None
    [(_, answer)] = tokens.access_tokens([row], deadline=monotonic() + seconds, rejected=refused)
    return answer


def age(connection: Connection, left: timedelta = timedelta(seconds=-1)) -> None:
    """Let the stored access token end in `left`, here and at DigitalOcean."""
    connection.token.expires_at = timezone.now() + left
    connection.token.save()
    Connection.objects.filter(pk=connection.pk).update(connected_at=timezone.now() - timedelta(days=30))


def stored_pair(connection: Connection) -> tuple[str, str]:
    row = Connection.objects.get(pk=connection.pk)
    assert row.token
    pair = token_store.decrypt_pair(row.token, row.account.uid)
    assert pair
    return pair


class TestWorks:
    def test_a_fresh_token_is_used_as_it_is(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()

        answer = ask(connection)

        assert digitalocean.get("/v2/account", answer).status_code == 200
        assert digitalocean.counters().refresh_requests == 0

    def test_an_expired_token_is_refreshed_once(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        digitalocean.expire()
        age(connection)

        first, second = ask(connection), ask(connection)

        assert first == second
        assert digitalocean.get("/v2/account", first).status_code == 200
        assert digitalocean.counters().refresh_requests == 1
        [grant] = digitalocean.live_grants()
        assert stored_pair(connection) == (grant.access_token, grant.refresh_token)

    def test_a_token_is_renewed_a_little_before_its_end(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection, timedelta(seconds=290))

        ask(connection)

        assert digitalocean.counters().refresh_requests == 1

    def test_the_margin_is_a_tenth_of_a_short_life(self, alice: Person, digitalocean: Sandbox) -> None:
        digitalocean.settings(token_lifetime=20)
        connection = alice.connect()

        for _ in range(3):
            ask(connection)

        assert digitalocean.counters().refresh_requests == 0

    def test_a_401_refreshes_though_the_clock_says_it_lives(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        old = ask(connection)
        digitalocean.expire()

        new = ask(connection, rejected=old)

        assert new != old
        assert digitalocean.get("/v2/account", new).status_code == 200

    def test_a_401_of_a_token_that_is_no_longer_stored_reads_again(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        old = ask(connection)
        digitalocean.expire()
        new = ask(connection, rejected=old)

        again = ask(connection, rejected=old)

        assert again == new
        assert digitalocean.counters().refresh_requests == 1

    def test_those_that_are_ready_come_first(self, alice: Person, digitalocean: Sandbox) -> None:
        slow, quick = alice.connect("Acme Web"), alice.connect("Northwind")
        age(slow)
        digitalocean.fault("delay", path=TOKEN_ENDPOINT, seconds=0.5)

        order = [
            connection.team_name for connection, _ in tokens.access_tokens(alice.connections, deadline=monotonic() + 20)
        ]

        assert order == [quick.team_name, slow.team_name]

    def test_a_batch_is_refreshed_side_by_side(self, alice: Person, digitalocean: Sandbox) -> None:
        for team in ("Acme Web", "Northwind", "Side projects"):
            age(alice.connect(team))
        digitalocean.fault("delay", path=TOKEN_ENDPOINT, seconds=0.5)
        digitalocean.reset_counters()

        answers = list(tokens.access_tokens(alice.connections, deadline=monotonic() + 20))

        assert all(isinstance(answer, str) for _, answer in answers)
        assert digitalocean.counters().in_flight_max["POST /v1/oauth/token refresh_token"] == 3

    def test_a_refresh_writes_the_trail(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection)

        ask(connection)

        event = Event.objects.get(kind=Event.Kind.REFRESH)
        assert (event.connection_id, event.outcome, event.actor) == (connection.pk, "ok", "page")
        assert event.request_id


class TestRefuses:
    def test_invalid_grant_needs_the_owner_and_is_not_tried_again(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        digitalocean.revoke()
        age(connection)

        first, second = ask(connection), ask(connection)

        assert isinstance(first, errors.NeedsReconnect)
        assert isinstance(second, errors.NeedsReconnect)
        assert digitalocean.counters().refresh_requests == 1
        connection.refresh_from_db()
        assert connection.state == Connection.State.NEEDS_RECONNECT
        assert Event.objects.filter(kind=Event.Kind.LOST).count() == 1

    def test_the_owner_gets_one_letter(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        digitalocean.revoke()
        age(connection)
        mail.outbox.clear()

        ask(connection)
        ask(connection)

        [letter] = mail.outbox
        assert letter.to == [alice.email]
        assert "Acme Web" in letter.subject
        assert "/accounts/3rdparty/" in letter.body

    def test_invalid_client_leaves_the_connection_alone(
        self, alice: Person, digitalocean: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        connection = alice.connect()
        age(connection)
        settings.DIGITAL_OCEAN_CLIENT_SECRET = "wrong-secret-here"

        answer = ask(connection)

        assert isinstance(answer, errors.Misconfigured)
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY
        assert connection.failures == 0
        assert any(record.levelname == "CRITICAL" for record in caplog.records)
        assert "wrong-secret-here" not in caplog.text

    def test_without_a_refresh_token_the_end_is_the_end(self, alice: Person, digitalocean: Sandbox) -> None:
        digitalocean.settings(refresh_token_in_answer=False)
        connection = alice.connect()
        assert isinstance(ask(connection), str)
        age(connection)

        answer = ask(connection)

        assert isinstance(answer, errors.NeedsReconnect)
        assert digitalocean.counters().refresh_requests == 0

    def test_a_connection_that_has_gone_is_said_so(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        stale = alice.connections
        old = ask(connection)
        connection.account.delete()
        digitalocean.expire()

        [(_, answer)] = tokens.access_tokens(stale, deadline=monotonic() + 5, rejected={connection.pk: old})

        assert isinstance(answer, errors.NeedsReconnect)


# kind and parameters of a fault × the error's class × whether the outcome is unknown
TRANSIENT = [
    ("status", {"status": 500}, errors.Unavailable, False),
    ("status", {"status": 503}, errors.Unavailable, False),
    ("status", {"status": 429, "headers": {"retry-after": "120"}}, errors.RateLimited, False),
    ("reset", {}, errors.AnswerLost, True),
    ("empty", {}, errors.UnexpectedAnswer, True),
    ("truncate", {"at": 40}, errors.AnswerLost, True),
    ("html", {"status": 200}, errors.UnexpectedAnswer, True),
    ("html", {"status": 502}, errors.Unavailable, False),
    ("json", {"json": [], "status": 200}, errors.UnexpectedAnswer, True),
    ("json", {"json": {"access_token": None}, "status": 200}, errors.UnexpectedAnswer, True),
    ("json", {"json": {"access_token": "a b"}, "status": 200}, errors.UnexpectedAnswer, True),
    ("json", {"json": {"error": "no code of RFC 6749"}, "status": 400}, errors.UnexpectedAnswer, True),
    ("redirect", {"location": "http://127.0.0.1:9/", "status": 307}, errors.UnexpectedAnswer, True),
    ("hang", {"seconds": 30}, errors.TooSlow, True),
    ("drip", {"interval": 0.2}, errors.TooSlow, True),
]


class TestHandles:
    @pytest.fixture(autouse=True)
    def _short_calls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(oauth, "TIMEOUT", 1.0)

    @pytest.mark.parametrize(("kind", "more", "expected", "unknown"), TRANSIENT)
    def test_trouble_keeps_the_pair_and_backs_off(
        self, alice: Person, digitalocean: Sandbox, kind: str, more: Any, expected: Any, unknown: bool
    ) -> None:
        connection = alice.connect()
        before = stored_pair(connection)
        age(connection)
        digitalocean.fault(kind, path=TOKEN_ENDPOINT, grant_type="refresh_token", **more)

        answer, again = ask(connection), ask(connection)

        assert type(answer) is expected
        assert type(again) is expected
        assert again.retry_at > timezone.now()
        assert digitalocean.counters().refresh_requests == 1  # the second did not ask: it backs off
        assert stored_pair(connection) == before
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY
        assert connection.lease_until is None
        event = Event.objects.get(kind=Event.Kind.REFRESH)
        assert event.outcome == ("unknown" if unknown else expected.code)

        digitalocean.clear_faults()
        Connection.objects.update(retry_at=timezone.now())
        if any(grant.refresh_token == before[1] and grant.refresh_live for grant in digitalocean.ledger()):
            assert isinstance(ask(connection), str)
            connection.refresh_from_db()
            assert (connection.failures, connection.last_error) == (0, "")
        else:  # the spoilt answer held the only new pair
            assert unknown
            assert isinstance(ask(connection), errors.NeedsReconnect)

    def test_retry_after_is_honoured(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection)
        digitalocean.fault("status", path=TOKEN_ENDPOINT, status=429, headers={"retry-after": "900"})

        ask(connection)

        connection.refresh_from_db()
        assert connection.retry_at - timezone.now() > timedelta(seconds=880)

    def test_an_unreachable_endpoint_keeps_the_pair(self, alice: Person, digitalocean: Sandbox, settings: Any) -> None:
        connection = alice.connect()
        age(connection)
        settings.DIGITAL_OCEAN_OAUTH_URL = "http://127.0.0.1:9/v1/oauth"

        assert type(ask(connection)) is errors.Unavailable
        assert Event.objects.get(kind=Event.Kind.REFRESH).outcome == "unavailable"

    def test_a_lost_answer_that_rotated_is_told_by_the_next_try(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection)
        digitalocean.fault("reset", path=TOKEN_ENDPOINT, phase="after", times=1)

        assert isinstance(ask(connection), errors.AnswerLost)
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY
        Connection.objects.update(retry_at=None)
        assert isinstance(ask(connection), errors.NeedsReconnect)

    def test_trouble_near_the_end_still_gives_the_token_that_works(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection, timedelta(seconds=100))
        digitalocean.fault("status", path=TOKEN_ENDPOINT, status=503)

        first, second = ask(connection), ask(connection)

        assert first == second == stored_pair(connection)[0]

    def test_a_taken_lease_is_waited_for_until_the_deadline(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection)
        Connection.objects.update(lease_until=timezone.now() + timedelta(seconds=30))

        answer = ask(connection, seconds=0.5)

        assert isinstance(answer, errors.TooSlow)
        assert digitalocean.counters().refresh_requests == 0

    def test_the_lease_of_a_crashed_holder_runs_out(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection)
        Connection.objects.update(lease_until=timezone.now() + timedelta(seconds=0.3))

        assert isinstance(ask(connection), str)
        assert digitalocean.counters().refresh_requests == 1

    def test_invalid_grant_counts_only_for_the_generation_that_was_tried(
        self, alice: Person, digitalocean: Sandbox
    ) -> None:
        """Another process has stored a pair while ours was refused: that pair is good."""
        connection = alice.connect()
        age(connection)
        [stale] = alice.connections
        refresh = tokens._look(stale, None)
        assert isinstance(refresh, tokens._Refresh)
        assert tokens._take_lease(refresh)
        alice.connect()  # a reconnect stores another pair meanwhile
        digitalocean.reset_counters()

        future: Any = _failed(errors.InvalidGrant("invalid_grant"))
        answer = tokens._settle(refresh, future, "page")

        assert answer == stored_pair(connection)[0]
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY

    def test_a_late_success_clears_a_verdict_of_loss(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection)
        [stale] = alice.connections
        refresh = tokens._look(stale, None)
        assert isinstance(refresh, tokens._Refresh)
        assert tokens._take_lease(refresh)
        pair = oauth.refresh(refresh.refresh_token)
        token_store.mark_lost(stale, "invalid_grant", actor="elsewhere")

        assert tokens._settle(refresh, _done(pair), "page") == pair.access_token

        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY

    def test_a_pair_that_comes_after_the_disconnect_is_owed_a_revocation(
        self, alice: Person, digitalocean: Sandbox
    ) -> None:
        connection = alice.connect()
        age(connection)
        [stale] = alice.connections
        refresh = tokens._look(stale, None)
        assert isinstance(refresh, tokens._Refresh)
        assert tokens._take_lease(refresh)
        pair = oauth.refresh(refresh.refresh_token)
        digitalocean.fault("status", path="/v1/oauth/revoke", status=503)
        alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

        answer = tokens._settle(refresh, _done(pair), "page")

        assert isinstance(answer, errors.NeedsReconnect)
        assert Revocation.objects.filter(reason="came too late", connection_id=connection.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_refresh_slower_than_the_page_is_seen_through(digitalocean: Sandbox, transactional_db: None) -> None:
    """The page gives up waiting; the pair that arrives afterwards is stored all the same."""
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    connection = alice.connect()
    age(connection)
    digitalocean.fault("delay", path=TOKEN_ENDPOINT, grant_type="refresh_token", seconds=1.5)

    answer = ask(connection, seconds=0.3)

    assert isinstance(answer, errors.TooSlow)
    wait_until(lambda: Connection.objects.get(pk=connection.pk).generation == connection.generation + 1)
    [grant] = digitalocean.live_grants()
    assert stored_pair(connection) == (grant.access_token, grant.refresh_token)


def test_another_scope_is_kept_and_written_to_the_trail(alice: Person, digitalocean: Sandbox) -> None:
    connection = alice.connect()
    age(connection)
    digitalocean.fault("patch", path=TOKEN_ENDPOINT, grant_type="refresh_token", set={"/scope": "account:read read"})

    ask(connection)

    connection.refresh_from_db()
    assert connection.scope == "account:read read"
    event = Event.objects.get(kind=Event.Kind.SCOPE)
    assert (event.connection_id, event.detail) == (connection.pk, "from read to account:read read")
    assert event.request_id


class TestPartialAnswers:
    """RFC 6749 makes refresh_token, scope and expires_in optional."""

    def test_no_new_refresh_token_keeps_the_old_one(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        _, refresh_token = stored_pair(connection)
        age(connection)
        digitalocean.settings(refresh_token_in_answer=False)

        ask(connection)

        assert stored_pair(connection)[1] == refresh_token

    def test_no_scope_means_the_same_scope(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        age(connection)
        digitalocean.settings(scope_in_answer=False)

        ask(connection)

        connection.refresh_from_db()
        assert connection.scope == "read"

    def test_no_expiry_is_good_until_a_401(self, alice: Person, digitalocean: Sandbox) -> None:
        digitalocean.settings(expires_in_in_answer=False)
        connection = alice.connect()
        assert connection.expires_at is None
        old = ask(connection)
        digitalocean.expire()

        assert ask(connection, rejected=old) != old


def _done(pair: oauth.TokenPair) -> Any:
    future: Future[oauth.TokenPair] = Future()
    future.set_result(pair)
    return future


def _failed(error: Exception) -> Any:
    future: Future[oauth.TokenPair] = Future()
    future.set_exception(error)
    return future
