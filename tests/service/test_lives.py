"""Any life that connections can lead, step by step at random, held against the sandbox's own ledger.

Several people with several browsers connect, use, lose, refresh, reseal, reconnect and disconnect teams while
DigitalOcean drips, loses answers and is told to revoke. After each step:

- no grant has ever had two refreshes in flight;
- a stored pair that DigitalOcean would still accept is never marked lost;
- one that it would not is never shown as healthy after use;
- every live grant has a stored pair or a queued revocation, but for those whose answer was lost on the way;
- no token lies anywhere in plain text.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connections as database_connections
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts import connection_cards, revocations, token_store
from accounts.models import Connection, Event, Revocation, User
from accounts.tokens import REFRESH_PAUSE
from digitalocean_client import oauth
from tests.support.person import Person
from tests.support.sandbox import Grant, Sandbox
from tests.support.worker import _use

TEAMS = ["Acme Web", "Northwind", "Side projects"]
TOKEN = "/v1/oauth/token"

people = st.sampled_from(["alice", "bob", "carol"])
teams = st.sampled_from(TEAMS)
numbers = st.integers(0, 5)


class Lives(RuleBasedStateMachine):
    sandbox: Sandbox

    @initialize()
    def begin(self) -> None:
        cache.clear()
        for model in (User, Revocation, Event, Session):
            model.objects.all().delete()
        Revocation.objects.all().delete()  # deleting users queues some
        self.sandbox.reset(droplets=1)
        self.sandbox.settings(burst_limit=1_000_000, hourly_limit=1_000_000)
        # Ada shares Northwind with Grace, and has two Conveyor accounts of her own.
        self.people = {
            "alice": Person(self.sandbox, "alice@example.com", "ada"),
            "bob": Person(self.sandbox, "bob@example.com", "grace"),
            "carol": Person(self.sandbox, "carol@example.com", "ada"),
        }
        for person in self.people.values():
            person.sign_up()
        # Most of what can go wrong needs something to go wrong with.
        for who, team in (("alice", "Acme Web"), ("alice", "Northwind"), ("bob", "Northwind")):
            self.people[who].connect(team)
        self.lost: set[int] = set()
        self.used: set[Any] = set()

    # What people do

    @rule(who=people, team=teams)
    def connects(self, who: str, team: str) -> None:
        person = self.people[who]
        mine = [name for name in TEAMS if name == "Northwind" or person.digitalocean == "ada"]
        self._comes_back(person.go(team if team in mine else "Northwind"))

    @rule(who=people)
    def denies(self, who: str) -> None:
        self._comes_back(self.people[who].go("Northwind", decision="deny"))

    @rule(who=people, team=teams)
    def comes_back_twice(self, who: str, team: str) -> None:
        person = self.people[who]
        callback = self.sandbox.authorize(person.leave(), user=person.digitalocean, team="Northwind")
        self._comes_back(person.come_back(callback))
        self._comes_back(person.come_back(callback))

    @rule(who=people)
    def is_lost_in_the_callback(self, who: str) -> None:
        """`/v2/account` fails, so the grant is refused."""
        self.sandbox.fault("status", path="/v2/account", status=500, times=1)
        self._comes_back(self.people[who].go("Northwind"))

    @rule()
    def abandons_a_sign_up(self) -> None:
        """The address is taken, so allauth asks for another, and the person goes away."""
        owner, _ = User.objects.get_or_create(email="linus@solo.example")
        EmailAddress.objects.get_or_create(user=owner, email=owner.email, verified=True, primary=True)
        visitor = Person(self.sandbox, "nobody@example.com", "linus")
        self._comes_back(visitor.go(None, process="login"))

    @rule(who=people, team=teams)
    def signs_in(self, who: str, team: str) -> None:
        """With a browser that is not signed in; allowed where the switch is on, refused elsewhere."""
        person = self.people[who]
        if Connection.objects.filter(account__user__email=person.email, sign_in=True).exists():
            other = Person(self.sandbox, person.email, person.digitalocean)
            self._comes_back(other.go("Northwind", process="login"))

    @rule(n=numbers, on=st.booleans())
    def switches_sign_in(self, n: int, on: bool) -> None:
        if (picked := self._pick(n)) is None:
            return
        connection, person = picked
        person.client.post(f"/accounts/connections/{connection.pk}/sign-in/", {"on": "1" if on else "0"})

    @rule(n=numbers)
    def reconnects(self, n: int) -> None:
        if (picked := self._pick(n)) is None:
            return
        connection, person = picked
        url = f"/accounts/connections/{connection.pk}/reconnect/"
        self._comes_back(person.go(connection.team_name, url=url))
        connection.refresh_from_db()
        assert connection.state == Connection.State.HEALTHY

    @rule(n=numbers)
    def reconnects_another_team(self, n: int) -> None:
        if (picked := self._pick(n)) is None or picked[0].team_name == "Northwind":
            return
        connection, person = picked
        before = SocialToken.objects.filter(pk=connection.token_id).values().get()
        self._comes_back(person.go("Northwind", url=f"/accounts/connections/{connection.pk}/reconnect/"))
        assert SocialToken.objects.filter(pk=connection.token_id).values().get() == before

    @rule(n=numbers, down=st.booleans())
    def disconnects(self, n: int, down: bool) -> None:
        if (picked := self._pick(n)) is None:
            return
        connection, person = picked
        if down:
            self.sandbox.fault("status", path="/v1/oauth/revoke", status=503, times=1)
        answer = person.client.post(f"/accounts/connections/{connection.pk}/disconnect/")
        self._comes_back(answer)
        assert not Connection.objects.filter(pk=connection.pk).exists()

    # What happens to connections

    @rule(n=numbers)
    def is_used(self, n: int) -> None:
        if picked := self._pick(n):
            self._use(picked[0])

    @rule(n=numbers)
    def is_used_by_several_at_once(self, n: int) -> None:
        if (picked := self._pick(n)) is None:
            return
        connection, _ = picked

        def use() -> None:
            try:
                _use(str(connection.pk), "")
            finally:
                database_connections.close_all()

        crowd = [threading.Thread(target=use) for _ in range(3)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        self.used.add(connection.pk)

    @rule(team=teams, clock=st.booleans(), used=st.booleans())
    def expires(self, team: str, clock: bool, used: bool) -> None:
        self._pairs_grow_older()
        self.sandbox.expire(team=team)
        if clock:
            rows = Connection.objects.filter(team_name=team)
            past = timezone.now() - timedelta(seconds=1)
            SocialToken.objects.filter(connection__in=rows).update(expires_at=past)
        if used:
            self._use_all(team)

    @rule(
        n=numbers,
        kind=st.sampled_from(["drip", "reset", "truncate", "empty", "html", "status", "json"]),
        after=st.booleans(),
    )
    def refreshes_badly(self, n: int, kind: str, after: bool) -> None:
        """The answer to a refresh is spoilt, before or after DigitalOcean has rotated the pair."""
        if (picked := self._pick(n)) is None:
            return
        connection, _ = picked
        more = {"status": {"status": 503}, "json": {"json": [1], "status": 200}, "html": {"status": 200}}.get(kind, {})
        more = {"truncate": {"at": 30}, "drip": {"interval": 0.1}}.get(kind, more)
        before = {grant.grant: grant.refreshed for grant in self.sandbox.ledger()}
        self.sandbox.fault(
            kind, path=TOKEN, grant_type="refresh_token", times=1, phase="after" if after else "before", **more
        )
        SocialToken.objects.filter(connection=connection).update(expires_at=timezone.now() - timedelta(seconds=1))
        self._use(connection)
        self.sandbox.clear_faults()
        kept = {refresh for _, refresh in self._kept()}
        for grant in self.sandbox.ledger():
            if grant.refreshed > before.get(grant.grant, 0) and grant.refresh_token not in kept:
                self.lost.add(grant.grant)

    @rule(team=teams, used=st.booleans())
    def is_revoked_in_the_panel(self, team: str, used: bool) -> None:
        self._pairs_grow_older()
        self.sandbox.revoke(team=team)
        self.used.clear()
        if used:
            self._use_all(team)

    @rule()
    def time_passes(self) -> None:
        """Pauses and leases end; what is queued falls due."""
        Connection.objects.update(retry_at=None)
        Revocation.objects.update(due_at=timezone.now(), lease_until=None)

    @rule()
    def keep_alive_runs(self) -> None:
        with suppress(CommandError):  # something has to wait: fine
            call_command("refresh_tokens", stdout=StringIO(), stderr=StringIO())

    @rule()
    def keys_rotate(self) -> None:
        django_settings.TOKEN_KEYS = [Fernet.generate_key().decode(), *django_settings.TOKEN_KEYS]
        call_command("reseal_tokens", stdout=StringIO(), stderr=StringIO())
        django_settings.TOKEN_KEYS = django_settings.TOKEN_KEYS[:1]

    def _pairs_grow_older(self) -> None:
        """A pair younger than a minute is not refreshed because of a 401."""
        Connection.objects.update(refreshed_at=F("refreshed_at") - REFRESH_PAUSE)

    # What must hold

    @invariant()
    def one_refresh_at_a_time(self) -> None:
        assert all(most <= 1 for most in self.sandbox.counters().refreshes_at_once_max.values())

    @invariant()
    def verdicts_are_right(self) -> None:
        ledger = self.sandbox.ledger()
        for connection in self._rows():
            accepted = self._accepted(connection, ledger)
            if accepted:
                assert connection.state == Connection.State.HEALTHY, "lost, though DigitalOcean would accept it"
            elif connection.pk in self.used:
                assert not connection_cards.card(connection).state.is_healthy, (
                    "healthy, though DigitalOcean would not accept it"
                )

    @invariant()
    def every_live_grant_is_accounted_for(self) -> None:
        kept = self._kept()
        known = {access for access, _ in kept} | {refresh for _, refresh in kept}
        for grant in self.sandbox.live_grants():
            if grant.grant not in self.lost:
                assert grant.access_token in known or grant.refresh_token in known, "a live grant that nobody keeps"

    @invariant()
    def nothing_lies_in_the_open(self) -> None:
        rows = [
            *SocialToken.objects.values_list("token", "token_secret"),
            *SocialAccount.objects.values_list("extra_data"),
            *Revocation.objects.values_list("token", "token_secret", "last_error"),
            *Event.objects.values_list("detail", "outcome", "request_id"),
            *((session.get_decoded(),) for session in Session.objects.all()),
        ]
        text = json.dumps(rows, default=str)
        assert "doo_v1_" not in text
        assert "dor_v1_" not in text

    # Helpers

    def _comes_back(self, answer: Any) -> None:
        assert answer.status_code < 500 or answer.status_code in (502, 503), answer.content.decode()[:500]

    def _rows(self) -> list[Connection]:
        return list(Connection.objects.select_related("account__user", "token").order_by("account"))

    def _pick(self, n: int) -> tuple[Connection, Person] | None:
        """One of the connections there are, the same for the same life: no rule waits for a state of the database."""
        rows = self._rows()
        if not rows:
            return None
        connection = rows[n % len(rows)]
        return connection, next(each for each in self.people.values() if each.email == connection.user.email)

    def _use(self, connection: Connection) -> None:
        _use(str(connection.pk), "")
        self.used.add(connection.pk)

    def _use_all(self, team: str) -> None:
        for connection in Connection.objects.filter(team_name=team):
            self._use(connection)

    def _accepted(self, connection: Connection, ledger: list[Grant]) -> bool:
        """Whether DigitalOcean would still take the stored refresh token."""
        assert connection.token
        pair = token_store.decrypt_pair(connection.token, connection.account.uid)
        assert pair
        return any(grant.refresh_token == pair[1] and grant.refresh_live for grant in ledger)

    def _kept(self) -> list[tuple[str, str]]:
        """Every pair that Conveyor holds: stored, or queued for revocation."""
        stored = [token_store.decrypt_pair(row.token, row.account.uid) for row in self._rows() if row.token]
        queued = [revocations.decrypt_pair(row) for row in Revocation.objects.all()]
        return [pair for pair in (*stored, *queued) if pair]


@pytest.mark.usefixtures("transactional_db")
def test_any_life(digitalocean: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "TIMEOUT", 1.0)
    settings.TOKEN_KEYS = list(settings.TOKEN_KEYS)
    Lives.sandbox = digitalocean
    run_state_machine_as_test(Lives, settings=_PROFILE)


_PROFILE = settings(
    max_examples=int(os.environ.get("LIVES", "25")),
    stateful_step_count=25,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=list(HealthCheck),
)
