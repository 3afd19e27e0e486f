"""Access tokens: one refresh at a time, and what each way that it can end leads to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts import token_store, tokens
from accounts.models import Connection, Event, Revocation
from digitalocean_client import errors, oauth
from droplets.fleet import cache as fleet_cache
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until

TOKEN_ENDPOINT = "/v1/oauth/token"

Answer = str | errors.DigitalOceanError


def token_for(connection: Connection, *, seconds: float = 20.0, rejected: str | None = None) -> Any:
    """The access token, or the error, for one connection as it is stored now."""
    row = Connection.objects.select_related("account__user", "token").get(pk=connection.pk)
    refused = {row.pk: rejected} if rejected is not None else None
    [(_, answer)] = tokens.access_tokens([row], deadline=monotonic() + seconds, rejected=refused)
    return answer


def expire(connection: Connection, left: timedelta = timedelta(seconds=-1)) -> None:
    """Let the stored access token expire in `left`, as Conveyor sees it."""
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

        answer = token_for(connection)

        assert digitalocean.get("/v2/account", answer).status_code == 200
        assert digitalocean.counters().refresh_requests == 0

    def test_an_expired_token_is_refreshed_once(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        digitalocean.expire()
        expire(connection)

        first, second = token_for(connection), token_for(connection)

        assert first == second
        assert digitalocean.get("/v2/account", first).status_code == 200
        assert digitalocean.counters().refresh_requests == 1
        [grant] = digitalocean.live_grants()
        assert stored_pair(connection) == (grant.access_token, grant.refresh_token)

    def test_a_token_is_refreshed_a_little_before_it_expires(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection, timedelta(seconds=290))

        token_for(connection)

        assert digitalocean.counters().refresh_requests == 1

    def test_the_margin_is_a_tenth_of_a_short_life(self, alice: Person, digitalocean: Sandbox) -> None:
        digitalocean.settings(token_lifetime=20)
        connection = alice.connect()

        for _ in range(3):
            token_for(connection)

        assert digitalocean.counters().refresh_requests == 0

    def test_a_401_refreshes_though_the_token_has_not_expired(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        old = token_for(connection)
        digitalocean.expire()

        new = token_for(connection, rejected=old)

        assert new != old
        assert digitalocean.get("/v2/account", new).status_code == 200

    def test_a_401_of_a_replaced_token_reads_the_stored_one(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        old = token_for(connection)
        digitalocean.expire()
        new = token_for(connection, rejected=old)

        again = token_for(connection, rejected=old)

        assert again == new
        assert digitalocean.counters().refresh_requests == 1

    def test_tokens_that_are_ready_come_first(self, alice: Person, digitalocean: Sandbox) -> None:
        slow, quick = alice.connect("Acme Web"), alice.connect("Northwind")
        expire(slow)
        digitalocean.fault("delay", path=TOKEN_ENDPOINT, seconds=0.5)

        order = [
            connection.team_name for connection, _ in tokens.access_tokens(alice.connections, deadline=monotonic() + 20)
        ]

        assert order == [quick.team_name, slow.team_name]

    def test_a_batch_is_refreshed_side_by_side(self, alice: Person, digitalocean: Sandbox) -> None:
        for team in ("Acme Web", "Northwind", "Side projects"):
            expire(alice.connect(team))
        digitalocean.fault("delay", path=TOKEN_ENDPOINT, seconds=0.5)
        digitalocean.reset_counters()

        answers = list(tokens.access_tokens(alice.connections, deadline=monotonic() + 20))

        assert all(isinstance(answer, str) for _, answer in answers)
        assert digitalocean.counters().in_flight_max["POST /v1/oauth/token refresh_token"] == 3

    def test_a_refresh_is_recorded_as_an_event(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection)

        token_for(connection)

        event = Event.objects.get(kind=Event.Kind.REFRESH)
        assert (event.connection_id, event.outcome, event.actor) == (connection.pk, "ok", "page")
        assert event.request_id


class TestRefuses:
    def test_invalid_grant_needs_a_reconnect_and_is_not_tried_again(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        digitalocean.revoke()
        expire(connection)

        first, second = token_for(connection), token_for(connection)

        assert isinstance(first, errors.NeedsReconnect)
        assert isinstance(second, errors.NeedsReconnect)
        assert digitalocean.counters().refresh_requests == 1
        connection.refresh_from_db()
        assert connection.state == Connection.State.NEEDS_RECONNECT
        assert Event.objects.filter(kind=Event.Kind.LOST).count() == 1

    def test_the_owner_gets_one_email(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        digitalocean.revoke()
        expire(connection)
        mail.outbox.clear()

        token_for(connection)
        token_for(connection)

        [email] = mail.outbox
        assert email.to == [alice.email]
        assert "Acme Web" in email.subject
        assert "/accounts/3rdparty/" in email.body

    def test_invalid_client_leaves_the_connection_alone(
        self, alice: Person, digitalocean: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        connection = alice.connect()
        expire(connection)
        settings.DIGITAL_OCEAN_CLIENT_SECRET = "wrong-secret-here"

        answer = token_for(connection)

        assert isinstance(answer, errors.Misconfigured)
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY
        assert connection.failures == 0
        assert any(record.levelname == "CRITICAL" for record in caplog.records)
        assert "wrong-secret-here" not in caplog.text

    def test_without_a_refresh_token_an_expired_connection_is_lost(self, alice: Person, digitalocean: Sandbox) -> None:
        digitalocean.settings(refresh_token_in_answer=False)
        connection = alice.connect()
        assert isinstance(token_for(connection), str)
        expire(connection)

        answer = token_for(connection)

        assert isinstance(answer, errors.NeedsReconnect)
        assert digitalocean.counters().refresh_requests == 0

    def test_a_deleted_connection_needs_to_be_reconnected(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        stale = alice.connections
        old = token_for(connection)
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
    def test_a_failed_refresh_keeps_the_pair_and_backs_off(
        self, alice: Person, digitalocean: Sandbox, kind: str, more: Any, expected: Any, unknown: bool
    ) -> None:
        connection = alice.connect()
        before = stored_pair(connection)
        expire(connection)
        digitalocean.fault(kind, path=TOKEN_ENDPOINT, grant_type="refresh_token", **more)

        answer, again = token_for(connection), token_for(connection)

        assert type(answer) is expected
        assert type(again) is expected
        assert again.retry_at > timezone.now()
        assert digitalocean.counters().refresh_requests == 1  # the second call backs off
        assert stored_pair(connection) == before
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY
        assert connection.lease_until is None
        event = Event.objects.get(kind=Event.Kind.REFRESH)
        assert event.outcome == ("unknown" if unknown else expected.code)

        digitalocean.clear_faults()
        Connection.objects.update(retry_at=timezone.now())
        if any(grant.refresh_token == before[1] and grant.refresh_live for grant in digitalocean.ledger()):
            assert isinstance(token_for(connection), str)
            connection.refresh_from_db()
            assert (connection.failures, connection.last_error) == (0, "")
        else:  # the broken answer held the only new pair
            assert unknown
            assert isinstance(token_for(connection), errors.NeedsReconnect)

    def test_retry_after_is_honoured(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection)
        digitalocean.fault("status", path=TOKEN_ENDPOINT, status=429, headers={"retry-after": "900"})

        token_for(connection)

        connection.refresh_from_db()
        assert connection.retry_at - timezone.now() > timedelta(seconds=880)

    def test_an_unreachable_endpoint_keeps_the_pair(self, alice: Person, digitalocean: Sandbox, settings: Any) -> None:
        connection = alice.connect()
        expire(connection)
        settings.DIGITAL_OCEAN_OAUTH_URL = "http://127.0.0.1:9/v1/oauth"

        assert type(token_for(connection)) is errors.Unavailable
        assert Event.objects.get(kind=Event.Kind.REFRESH).outcome == "unavailable"

    def test_a_lost_answer_with_the_new_pair_shows_at_the_next_try(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection)
        digitalocean.fault("reset", path=TOKEN_ENDPOINT, phase="after", times=1)

        assert isinstance(token_for(connection), errors.AnswerLost)
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY
        Connection.objects.update(retry_at=None)
        assert isinstance(token_for(connection), errors.NeedsReconnect)

    def test_a_failed_refresh_leaves_a_living_token_usable(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection, timedelta(seconds=100))
        digitalocean.fault("status", path=TOKEN_ENDPOINT, status=503)

        first, second = token_for(connection), token_for(connection)

        assert first == second == stored_pair(connection)[0]

    def test_a_taken_lease_is_waited_for_until_the_deadline(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection)
        Connection.objects.update(lease_until=timezone.now() + timedelta(seconds=30))

        answer = token_for(connection, seconds=0.5)

        assert isinstance(answer, errors.TooSlow)
        assert digitalocean.counters().refresh_requests == 0

    def test_the_lease_of_a_crashed_holder_runs_out(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection)
        Connection.objects.update(lease_until=timezone.now() + timedelta(seconds=0.3))

        assert isinstance(token_for(connection), str)
        assert digitalocean.counters().refresh_requests == 1

    def test_a_failed_refresh_elsewhere_is_noticed_when_the_lease_is_taken(
        self, alice: Person, digitalocean: Sandbox
    ) -> None:
        """A page that read the row before another process failed must not try again at once."""
        expire(alice.connect())
        stale = alice.connections
        Connection.objects.update(retry_at=timezone.now() + timedelta(minutes=1), last_error="unavailable")

        [(_, answer)] = tokens.access_tokens(stale, deadline=monotonic() + 5)

        assert type(answer) is errors.Unavailable
        assert digitalocean.counters().refresh_requests == 0

    def test_a_process_that_slept_past_its_lease_sends_nothing(
        self, alice: Person, digitalocean: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = alice.connect()
        expire(connection)
        monkeypatch.setattr(tokens, "LEASE", timedelta(seconds=oauth.TIMEOUT))  # over before the call could end

        assert type(token_for(connection)) is errors.Unavailable
        assert digitalocean.counters().refresh_requests == 0
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY


class TestMeanwhile:
    """What happens to a connection while its refresh is on its way."""

    @pytest.fixture
    def connection(self, alice: Person) -> Connection:
        return alice.connect("Acme Web")

    @pytest.fixture
    def refreshing(self, alice: Person, connection: Connection) -> Iterator[tuple[Connection, Answer]]:
        """Sends the connection's refresh, and stores its answer only when the test asks for it with `next`."""
        ready = alice.connect("Northwind")
        expire(connection)
        answers = tokens.access_tokens(alice.connections, deadline=monotonic() + 20)
        assert next(answers)[0] == ready  # and by now the other's refresh is sent
        wait_until(lambda: alice.sandbox.counters().refresh_requests == 1)
        return answers

    def test_a_reconnect_is_not_overwritten(
        self, alice: Person, connection: Connection, digitalocean: Sandbox, refreshing: Iterator[tuple[Any, Answer]]
    ) -> None:
        alice.connect("Acme Web")
        reconnected = stored_pair(connection)
        generation = Connection.objects.get(pk=connection.pk).generation

        [(_, answer)] = refreshing

        assert isinstance(answer, errors.NeedsReconnect)
        assert stored_pair(connection) == reconnected
        connection.refresh_from_db()
        assert (connection.generation, connection.state) == (generation, Connection.State.HEALTHY)
        live = [(grant.access_token, grant.refresh_token) for grant in digitalocean.live_grants()]
        assert reconnected in live
        assert len(live) == 2  # with Northwind's: the late pair is revoked
        assert not Revocation.objects.exists()
        assert Event.objects.get(kind=Event.Kind.REFRESH).outcome == "too late"

    def test_invalid_grant_says_nothing_about_the_pair_of_a_reconnect(
        self, alice: Person, digitalocean: Sandbox, connection: Connection, refused: None, refreshing: Any
    ) -> None:
        alice.connect("Acme Web")

        [(_, answer)] = refreshing

        assert answer == stored_pair(connection)[0]
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY

    @pytest.fixture
    def refused(self, connection: Connection, digitalocean: Sandbox) -> None:
        refusal = {"error": "invalid_grant"}
        digitalocean.fault("json", path=TOKEN_ENDPOINT, grant_type="refresh_token", status=400, json=refusal)

    def test_a_late_success_makes_a_lost_connection_healthy(self, connection: Connection, refreshing: Any) -> None:
        token_store.mark_lost(Connection.objects.get(pk=connection.pk), "invalid_grant", actor="another process")

        [(_, answer)] = refreshing

        assert answer == stored_pair(connection)[0]
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY

    def test_a_pair_that_comes_after_the_disconnect_is_queued_for_revocation(
        self, alice: Person, digitalocean: Sandbox, connection: Connection, refreshing: Any
    ) -> None:
        digitalocean.fault("status", path="/v1/oauth/revoke", status=503)
        alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

        [(_, answer)] = refreshing

        assert isinstance(answer, errors.NeedsReconnect)
        assert Revocation.objects.filter(reason="came too late", connection_id=connection.pk).exists()

    def test_a_pair_that_comes_after_the_account_is_deleted_is_revoked_at_once(
        self, alice: Person, digitalocean: Sandbox, connection: Connection, refreshing: Any
    ) -> None:
        alice.client.post("/accounts/delete/", {"email": alice.email})

        [(_, answer)] = refreshing

        assert isinstance(answer, errors.NeedsReconnect)
        assert digitalocean.live_grants() == []
        assert not Revocation.objects.exists()


class TestStorm:
    """DigitalOcean's API answers 401 to tokens that its token endpoint has just issued."""

    @pytest.mark.parametrize("page", ["/droplets/", "/droplets/{connection}/1/"])
    def test_page_views_spend_one_refresh_token(self, alice: Person, digitalocean: Sandbox, page: str) -> None:
        connection = alice.connect()
        digitalocean.fault("status", path="/v2/droplets", status=401)

        for _ in range(6):
            alice.client.get(page.format(connection=connection.pk))
            fleet_cache.request_reload(connection.pk)

        assert digitalocean.counters().refresh_requests == 1
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY

    def test_a_token_that_is_rejected_right_after_its_refresh_is_not_refreshed_again(
        self, alice: Person, digitalocean: Sandbox
    ) -> None:
        connection = alice.connect()
        new = token_for(connection, rejected=token_for(connection))

        answer = token_for(connection, rejected=new)

        assert type(answer) is errors.Unavailable
        assert "issued a moment ago" in answer.sentence
        assert timezone.now() < answer.retry_at <= timezone.now() + tokens.REFRESH_PAUSE
        assert token_for(connection) == new  # it may still work elsewhere
        assert digitalocean.counters().refresh_requests == 1

    def test_a_token_that_is_rejected_later_is_refreshed(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        new = token_for(connection, rejected=token_for(connection))
        Connection.objects.update(refreshed_at=timezone.now() - tokens.REFRESH_PAUSE)

        answer = token_for(connection, rejected=new)

        assert digitalocean.get("/v2/account", answer).status_code == 200
        assert answer != new
        assert digitalocean.counters().refresh_requests == 2

    def test_a_token_that_has_expired_since_is_refreshed(self, alice: Person, digitalocean: Sandbox) -> None:
        """However short its life is."""
        connection = alice.connect()
        new = token_for(connection, rejected=token_for(connection))
        expire(alice.connection("Acme Web"))

        assert token_for(connection, rejected=new) != new


@pytest.mark.django_db(transaction=True)
def test_a_refresh_slower_than_the_page_is_finished(digitalocean: Sandbox, transactional_db: None) -> None:
    """The page gives up waiting; the pair that arrives afterwards is stored all the same."""
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    connection = alice.connect()
    expire(connection)
    digitalocean.fault("delay", path=TOKEN_ENDPOINT, grant_type="refresh_token", seconds=1.5)

    answer = token_for(connection, seconds=0.3)

    assert isinstance(answer, errors.TooSlow)
    wait_until(lambda: Connection.objects.get(pk=connection.pk).generation == connection.generation + 1)
    [grant] = digitalocean.live_grants()
    assert stored_pair(connection) == (grant.access_token, grant.refresh_token)


def test_another_scope_is_stored_and_recorded_as_an_event(alice: Person, digitalocean: Sandbox) -> None:
    connection = alice.connect()
    expire(connection)
    digitalocean.fault("patch", path=TOKEN_ENDPOINT, grant_type="refresh_token", set={"/scope": "account:read read"})

    token_for(connection)

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
        expire(connection)
        digitalocean.settings(refresh_token_in_answer=False)

        token_for(connection)

        assert stored_pair(connection)[1] == refresh_token

    def test_no_scope_means_the_same_scope(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect()
        expire(connection)
        digitalocean.settings(scope_in_answer=False)

        token_for(connection)

        connection.refresh_from_db()
        assert connection.scope == "read"

    def test_no_expiry_is_good_until_a_401(self, alice: Person, digitalocean: Sandbox) -> None:
        digitalocean.settings(expires_in_in_answer=False)
        connection = alice.connect()
        assert connection.expires_at is None
        old = token_for(connection)
        digitalocean.expire()

        assert token_for(connection, rejected=old) != old
