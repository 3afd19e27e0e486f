"""The Connections page: what each connection is said to be, and reconnecting and disconnecting from it."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import revocations
from accounts.models import Connection, Event, Revocation
from tests.support.callback import REVOKE, assert_refused
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored, kept_pairs, stray_grants

PAGE = "/accounts/3rdparty/"


def url(connection: Connection, what: str) -> str:
    return f"/accounts/connections/{connection.pk}/{what}/"


class TestThePage:
    def test_nothing_connected_yet(self, alice: Person) -> None:
        assert says(alice.client.get(PAGE), "No teams connected", "Connect a team")

    def test_a_healthy_one(self, owner: Person) -> None:
        page = owner.client.get(PAGE)

        assert says(page, "Northwind", "ada@acme.example", "Healthy", "Read only", "Not loaded yet", "Reconnect")
        assert "Reconnect needed" not in text_of(page)

    def test_what_the_fleet_left_on_it(self, owner: Person) -> None:
        read_at = timezone.now() - timedelta(minutes=2)
        Connection.objects.update(droplet_count=150, droplets_read_at=read_at, scope="read write")

        assert says(owner.client.get(PAGE), "150, loaded 2 minutes ago", "Read and write")

    def test_one_that_needs_its_owner(self, owner: Person) -> None:
        Connection.objects.update(state="needs_reconnect", last_error="invalid_grant")

        page = owner.client.get(PAGE)

        assert says(page, "Reconnect needed", "DigitalOcean no longer accepts this connection", "Reconnect")

    def test_one_that_cannot_be_renewed(self, owner: Person) -> None:
        Connection.objects.update(state="needs_reconnect", last_error="no_refresh_token")

        assert says(owner.client.get(PAGE), "Reconnect needed", "DigitalOcean sent no refresh token")

    def test_one_that_backs_off(self, owner: Person) -> None:
        Connection.objects.update(retry_at=timezone.now() + timedelta(minutes=1), last_error="rate_limited")

        assert says(owner.client.get(PAGE), "Retrying", "rate limit for this team is reached")

    def test_one_whose_pause_is_over(self, owner: Person) -> None:
        """Until a refresh has worked nobody knows whether it would."""
        Connection.objects.update(retry_at=timezone.now() - timedelta(minutes=1), last_error="rate_limited")

        assert says(owner.client.get(PAGE), "Retrying")

    def test_one_whose_key_is_lost(self, owner: Person, settings: Any) -> None:
        settings.TOKEN_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3Q="]

        assert says(
            owner.client.get(PAGE), "Reconnect needed", "Conveyor can no longer decrypt this connection's token"
        )

    def test_hostile_names_are_text(self, owner: Person) -> None:
        name = '<script>alert("1")</script>\u202egnp.exe'
        Connection.objects.update(team_name=name, email='"><img src=x>@example.com')

        source = owner.client.get(PAGE).content.decode()

        assert "<script>alert" not in source
        assert "<img" not in source
        assert "&lt;script&gt;alert(&quot;1&quot;)" in source
        asking = owner.client.get(url(Connection.objects.get(), "disconnect")).content.decode()
        assert "<script>alert" not in asking

    def test_others_are_not_on_it(self, owner: Person, bob: Person) -> None:
        bob.connect("Hopper Labs")

        assert "Hopper Labs" not in text_of(owner.client.get(PAGE))
        assert "Northwind" not in text_of(bob.client.get(PAGE))

    def test_it_asks_the_database_as_often_for_three_as_for_one(self, owner: Person) -> None:
        owner.client.get(PAGE)
        with CaptureQueriesContext(database) as one:
            owner.client.get(PAGE)
        owner.connect("Acme Web")
        owner.connect("Side projects")
        Connection.objects.update(sign_in=True)
        owner.client.get(PAGE)

        with CaptureQueriesContext(database) as three:
            owner.client.get(PAGE)

        assert len(three) == len(one), [query["sql"] for query in three]

    def test_it_is_only_looked_at(self, owner: Person) -> None:
        """allauth's own page, in whose place this one stands, would take a POST to disconnect."""
        account = owner.connection("Northwind").account

        assert owner.client.post(PAGE, {"account": account.pk}).status_code == 405
        assert owner.connections

    def test_it_is_for_who_is_signed_in(self, visitor: Person) -> None:
        assert visitor.client.get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"


class TestReconnect:
    def test_it_renews_in_place_with_its_history(self, owner: Person, digitalocean: Sandbox) -> None:
        before = owner.connection("Northwind")
        Connection.objects.update(sign_in=True)

        answer = owner.go("Northwind", url=url(before, "reconnect"))

        assert answer["Location"] == "/droplets/"
        [connection] = owner.connections
        assert (connection.pk, connection.generation) == (before.pk, before.generation + 1)
        assert connection.token_id == before.token_id
        assert connection.sign_in
        kinds = Event.objects.filter(connection_id=before.pk).order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["connect", "reconnect", "revoke"]
        [grant] = digitalocean.live_grants()
        assert kept_pairs() == [(grant.access_token, grant.refresh_token)]
        assert says(owner.client.get(PAGE), "Northwind is reconnected.")

    @pytest.mark.parametrize("reason", ["invalid_grant", "no_refresh_token"])
    def test_it_brings_back_what_was_lost(self, owner: Person, digitalocean: Sandbox, reason: str) -> None:
        before = owner.connection("Northwind")
        digitalocean.revoke()
        Connection.objects.update(
            state="needs_reconnect",
            last_error=reason,
            last_error_at=timezone.now(),
            failures=3,
            retry_at=timezone.now() + timedelta(hours=1),
            lease_until=timezone.now() + timedelta(seconds=20),
        )

        owner.go("Northwind", url=url(before, "reconnect"))

        [connection] = owner.connections
        assert connection.pk == before.pk
        assert (connection.state, connection.last_error, connection.failures) == ("healthy", "", 0)
        assert (connection.retry_at, connection.lease_until, connection.last_error_at) == (None, None, None)
        assert says(owner.client.get(PAGE), "Healthy")
        assert digitalocean.get("/v2/account", kept_pairs()[0][0]).status_code == 200
        assert not Revocation.objects.exists()

    def test_it_brings_back_what_no_key_opened(self, owner: Person, settings: Any) -> None:
        before = owner.connection("Northwind")
        settings.TOKEN_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3Q="]

        owner.go("Northwind", url=url(before, "reconnect"))

        [connection] = owner.connections
        assert connection.pk == before.pk
        assert says(owner.client.get(PAGE), "Healthy")

    def test_it_asks_for_the_access_that_it_had(self, owner: Person) -> None:
        Connection.objects.update(scope="read write")

        there = owner.leave(url=url(owner.connection("Northwind"), "reconnect"))

        [scope] = parse_qs(urlsplit(there).query)["scope"]
        assert set(scope.split()) == {"read", "write"}

    def test_less_than_it_had_is_taken_where_it_was_asked_for(self, owner: Person, digitalocean: Sandbox) -> None:
        """The scope of a grant is DigitalOcean's to tell; a narrower one than asked for is stored as what it is."""
        before = owner.connection("Northwind")
        Connection.objects.update(scope="read write")
        there = owner.leave(url=url(before, "reconnect"))
        digitalocean.fault("patch", path="^/v1/oauth/token$", set={"/scope": "read"})

        owner.come_back(digitalocean.authorize(there, team="Northwind"))

        assert owner.connection("Northwind").scope == "read"
        event = Event.objects.get(kind=Event.Kind.SCOPE)
        assert event.detail == "from read write to read"
        assert event.user == owner.user

    def test_the_scope_that_was_asked_for_counts_where_none_is_told(self, owner: Person, digitalocean: Sandbox) -> None:
        digitalocean.settings(scope_in_answer=False)
        Connection.objects.update(scope="read write")

        owner.go("Northwind", url=url(owner.connection("Northwind"), "reconnect"))

        assert owner.connection("Northwind").scope == "read write"

    def test_the_replaced_pair_is_queued_while_digitalocean_cannot_revoke_it(
        self, owner: Person, digitalocean: Sandbox
    ) -> None:
        digitalocean.fault("status", **REVOKE, status=503)

        owner.go("Northwind", url=url(owner.connection("Northwind"), "reconnect"))

        assert Revocation.objects.get().reason == "replaced"
        assert stray_grants(digitalocean) == []

    def test_a_new_name_of_the_team_is_taken_over(self, owner: Person, digitalocean: Sandbox) -> None:
        before = owner.connection("Northwind")
        there = owner.leave(url=url(before, "reconnect"))
        digitalocean.fault("patch", path="^/v2/account$", set={"/account/team/name": "Southwind"})

        owner.come_back(digitalocean.authorize(there, team="Northwind"))

        assert owner.connection("Southwind").pk == before.pk

    def test_where_a_new_grant_kills_the_older(self, owner: Person, digitalocean: Sandbox) -> None:
        """Left open by DigitalOcean's documentation; what is stored has to be the one that lives."""
        digitalocean.settings(new_grant_kills_older=True)

        owner.go("Northwind", url=url(owner.connection("Northwind"), "reconnect"))

        [grant] = digitalocean.live_grants()
        assert kept_pairs() == [(grant.access_token, grant.refresh_token)]
        assert not Revocation.objects.exists()

    def test_get_starts_nothing(self, owner: Person) -> None:
        assert owner.client.get(url(owner.connection("Northwind"), "reconnect")).status_code == 405

    def test_denied(self, owner: Person, digitalocean: Sandbox) -> None:
        before = Stored.now()

        owner.go("Northwind", url=url(owner.connection("Northwind"), "reconnect"), decision="deny")

        assert Stored.now() == before
        assert len(digitalocean.live_grants()) == 1

    def test_refused_by_v2_account(self, owner: Person, digitalocean: Sandbox) -> None:
        digitalocean.fault("status", path="^/v2/account$", status=403)
        before = Stored.now()

        answer = owner.go("Northwind", url=url(owner.connection("Northwind"), "reconnect"))

        assert_refused(answer, before, digitalocean, "Your role in this team does not allow that")


class TestDisconnect:
    def test_it_asks_first(self, owner: Person) -> None:
        page = owner.client.get(url(owner.connection("Northwind"), "disconnect"))

        assert says(page, "Disconnect Northwind?", "Conveyor stays listed in DigitalOcean's control panel")
        assert owner.connections

    def test_it_revokes_at_digitalocean(self, owner: Person, digitalocean: Sandbox) -> None:
        connection = owner.connection("Northwind")
        owner.connect("Acme Web")

        answer = owner.client.post(url(connection, "disconnect"))

        assert answer["Location"] == PAGE
        assert says(owner.client.get(PAGE), "Northwind is disconnected. The access is revoked at DigitalOcean.")
        assert [each.team_name for each in owner.connections] == ["Acme Web"]
        assert [grant.team_uuid for grant in digitalocean.live_grants()] == [digitalocean.team("Acme Web").uuid]
        assert not Revocation.objects.exists()
        kinds = Event.objects.filter(connection_id=connection.pk).order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["connect", "disconnect", "revoke"]

    def test_the_revocation_is_queued_while_digitalocean_is_down(self, owner: Person, digitalocean: Sandbox) -> None:
        digitalocean.fault("status", **REVOKE, status=503)

        owner.client.post(url(owner.connection("Northwind"), "disconnect"))

        page = owner.client.get(PAGE)
        assert says(
            page,
            "Northwind is disconnected. The access to Northwind could not be revoked at DigitalOcean yet.",
            "keep trying",
        )
        assert "is revoked at" not in text_of(page)
        assert stray_grants(digitalocean) == []
        digitalocean.clear_faults()
        Revocation.objects.update(due_at=timezone.now())
        revocations.process(revocations.due(), deadline=monotonic() + 5, actor="test")
        assert digitalocean.live_grants() == []

    def test_it_waits_a_few_seconds_for_digitalocean_at_most(
        self, owner: Person, digitalocean: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("accounts.connections._REVOKE_SECONDS", 0.5)
        digitalocean.fault("hang", **REVOKE, seconds=20)
        began = monotonic()

        owner.client.post(url(owner.connection("Northwind"), "disconnect"))

        assert monotonic() - began < 3
        assert Revocation.objects.get().last_error == "too_slow"
        assert owner.connections == []

    def test_an_expired_access_token_still_ends_its_grant(self, owner: Person, digitalocean: Sandbox) -> None:
        """Its refresh token lives, so the pair is renewed to be revoked."""
        digitalocean.expire()

        owner.client.post(url(owner.connection("Northwind"), "disconnect"))

        assert digitalocean.live_grants() == []
        assert not Revocation.objects.exists()

    def test_a_team_can_be_connected_again(self, owner: Person) -> None:
        before = owner.connection("Northwind")
        owner.client.post(url(before, "disconnect"))

        assert owner.connect("Northwind").pk != before.pk


class TestOthers:
    """Somebody else's connection is as unknown as one that never was."""

    @pytest.mark.parametrize("what", ["reconnect", "disconnect", "sign-in"])
    def test_foreign_and_unknown_ids_are_404(
        self, owner: Person, bob: Person, digitalocean: Sandbox, what: str
    ) -> None:
        before = Stored.now()
        foreign = url(owner.connection("Northwind"), what)
        unknown = f"/accounts/connections/{uuid4()}/{what}/"
        none = f"/accounts/connections/1/{what}/"

        for address in (foreign, unknown, none):
            assert bob.client.post(address, {"on": "1"}).status_code == 404
        assert bob.client.get(f"/accounts/connections/{uuid4()}/disconnect/").status_code == 404
        assert bob.client.get(url(owner.connection("Northwind"), "disconnect")).status_code == 404
        assert Stored.now() == before
        assert len(digitalocean.live_grants()) == 1

    @pytest.mark.parametrize("what", ["reconnect", "disconnect", "sign-in"])
    def test_nobody_is_sent_to_log_in(self, owner: Person, visitor: Person, what: str) -> None:
        answer = visitor.client.post(url(owner.connection("Northwind"), what))

        assert answer["Location"].startswith("/accounts/login/?next=")

    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_other_methods(self, owner: Person, method: str) -> None:
        for what in ("reconnect", "disconnect", "sign-in"):
            assert getattr(owner.client, method)(url(owner.connection("Northwind"), what)).status_code == 405

    def test_a_forged_form_is_refused(self, owner: Person) -> None:
        strict = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")
        strict.cookies.update(owner.client.cookies)

        for what in ("reconnect", "disconnect", "sign-in"):
            assert strict.post(url(owner.connection("Northwind"), what)).status_code == 403
        assert strict.post("/accounts/digitalocean/login/?process=connect").status_code == 403
        assert strict.post("/accounts/delete/", {"email": owner.email}).status_code == 403
        assert len(owner.connections) == 1
