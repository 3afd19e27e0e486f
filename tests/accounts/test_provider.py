"""Connecting a team: the road there and back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from allauth.socialaccount.models import SocialAccount, SocialToken

from accounts.models import Event, Revocation
from tests.support.person import Person
from tests.support.sandbox import Sandbox


def test_it_connects_a_team(alice: Person, digitalocean: Sandbox) -> None:
    answer = alice.go("Acme Web")

    assert answer["Location"] == "/droplets/"
    [connection] = alice.connections
    assert connection.team_name == "Acme Web"
    assert connection.scope == "read"
    assert not connection.sign_in
    assert not Revocation.objects.exists()
    [grant] = digitalocean.live_grants()
    assert connection.account.uid == f"{grant.user_uuid}:{grant.team_uuid}"


def test_a_second_team_joins_the_first(alice: Person) -> None:
    alice.connect("Acme Web")
    alice.connect("Northwind")

    assert [connection.team_name for connection in alice.connections] == ["Acme Web", "Northwind"]
    assert SocialToken.objects.count() == 2


def test_the_same_team_again_renews_it_in_place(alice: Person, digitalocean: Sandbox) -> None:
    first = alice.connect("Acme Web")
    second = alice.connect("Acme Web")

    assert second.pk == first.pk
    assert second.generation == first.generation + 1
    assert SocialAccount.objects.count() == 1
    assert len(digitalocean.live_grants()) == 1  # the replaced one was revoked
    assert not Revocation.objects.exists()


def test_the_query_string_cannot_widen_what_is_asked_for(alice: Person) -> None:
    url = alice.leave(
        url="/accounts/digitalocean/login/?process=connect&scope=write&auth_params=scope%3Dwrite%26prompt%3Dnone"
    )

    query = parse_qs(urlsplit(url).query)
    assert query["scope"] == ["read"]
    assert "prompt" not in query


def test_the_audit_log_has_digitaloceans_request_id(alice: Person) -> None:
    connection = alice.connect("Acme Web")

    event = Event.objects.get(kind=Event.Kind.CONNECT)
    assert (event.user, event.connection_id, event.actor, event.outcome) == (alice.user, connection.pk, "person", "ok")
    assert event.request_id
