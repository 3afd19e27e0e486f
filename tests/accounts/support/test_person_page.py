"""The page of a person on the support desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialToken
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Connection, Event, OutcomeInterval
from tests.support import totp
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff

HOSTILE = '<script>alert("1")</script>'


def page(person: Person) -> str:
    return f"/admin/people/{person.user.pk}/"


class TestWorks:
    def test_who_it_is(self, agent: Person, owner: Person) -> None:
        shown = agent.client.get(page(owner))

        assert says(shown, "alice@example.com", "Confirmed", "Password", "Two-factor authentication", "Off", "Accepted")

    def test_how_the_person_logs_in(self, agent: Person, owner: Person) -> None:
        user = owner.user
        user.set_unusable_password()
        user.save()
        Connection.objects.update(sign_in=True)

        shown = agent.client.get(page(owner))

        assert says(shown, "DigitalOcean, with Northwind")
        assert "Password" not in text_of(shown)

    def test_an_address_that_is_not_confirmed(self, agent: Person, owner: Person) -> None:
        EmailAddress.objects.filter(user=owner.user).update(verified=False)

        assert says(agent.client.get(page(owner)), "Not confirmed")

    def test_the_second_factor_without_its_secret(self, agent: Person, owner: Person) -> None:
        secret = totp.switch_on(owner.user)

        shown = agent.client.get(page(owner))

        assert says(shown, "Authenticator app", "never used")
        stored = [str(row.data) for row in Authenticator.objects.filter(user=owner.user)]
        assert not any(text in shown.content.decode() for text in (secret, *stored))

    def test_the_sessions_without_their_keys(self, agent: Person, owner: Person) -> None:
        owner.client.get("/accounts/settings/", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0")

        shown = agent.client.get(page(owner))

        assert says(shown, "Firefox on Linux")
        assert not any(row.session_key in shown.content.decode() for row in Session.objects.all())

    def test_a_session_that_has_ended_is_not_shown(self, agent: Person, owner: Person) -> None:
        Session.objects.exclude(session_key=agent.client.session.session_key).delete()

        assert says(agent.client.get(page(owner)), "No browser is logged in.")

    def test_a_connection(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        connection = owner.connection("Northwind")

        shown = agent.client.get(page(owner))

        ids = digitalocean.team("Northwind").uuid, digitalocean.user("ada").uuid, str(connection.pk)
        assert says(shown, "Northwind", "Healthy", "Read only", *ids)

    @pytest.mark.parametrize(
        ("changes", "label", "sentence"),
        [
            ({"state": "needs_reconnect", "last_error": "invalid_grant"}, "Reconnect needed", "no longer accepts"),
            ({"reading_outcome": "rate_limited"}, "Rate limited", "rate limit for this team is reached"),
            ({"reading_outcome": "unavailable"}, "Failing", "having trouble answering"),
            ({"last_error": "too_slow"}, "Retrying", "answered too slowly"),
            ({"reading_outcome": "incomplete"}, "List not complete", "was not complete"),
        ],
    )
    def test_a_sick_connection_is_as_its_owner_sees_it(
        self, agent: Person, owner: Person, changes: Any, label: str, sentence: str
    ) -> None:
        Connection.objects.update(**changes, reading_request_id="an-id")

        assert says(agent.client.get(page(owner)), label, sentence, "1 of 1 connection with a problem")
        assert says(owner.client.get("/accounts/3rdparty/"), label, sentence)

    def test_a_connection_whose_key_is_lost(self, agent: Person, owner: Person, settings: Any) -> None:
        lost = SocialToken.objects.get()
        lost.token = lost.token[:-8] + "AAAAAAA="
        lost.save()

        assert says(agent.client.get(page(owner)), "Reconnect needed", "no longer decrypt")
        assert says(owner.client.get("/accounts/3rdparty/"), "Reconnect needed", "no longer decrypt")

    def test_intervals(self, agent: Person, owner: Person) -> None:
        now = timezone.now()
        connection = owner.connection("Northwind")
        OutcomeInterval.objects.create(
            user=owner.user,
            connection_id=connection.pk,
            team_name="Northwind",
            kind="reading",
            outcome="unavailable",
            sentence="DigitalOcean is having trouble answering.",
            shown="Its 150 droplets are shown as they were",
            shown_as_of=now - timedelta(hours=4),
            request_id="do-request",
            started_at=now - timedelta(hours=3),
            last_at=now - timedelta(hours=2),
            ended_at=now - timedelta(hours=2),
        )

        shown = agent.client.get(page(owner))

        assert says(shown, "3 hours ago", "to 2 hours ago", "150 droplets are shown as they were", "do-request")

    def test_the_time_line_and_the_emails(self, agent: Person, owner: Person) -> None:
        connection = owner.connection("Northwind")
        Event.objects.create(kind="refresh", outcome="too_slow", actor="tokens", connection_id=connection.pk)
        Event.objects.create(kind="email", outcome="failed", actor="emails", user=owner.user, detail="needs_reconnect")

        shown = agent.client.get(page(owner))

        assert says(shown, "Connected", "Token refreshed: too_slow", "needs_reconnect", "Failed")

    def test_events_of_a_team_that_is_disconnected_by_now(self, agent: Person, owner: Person) -> None:
        connection = owner.connection("Northwind")
        Event.objects.create(kind="refresh", outcome="too_slow", actor="tokens", connection_id=connection.pk)
        owner.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

        assert says(agent.client.get(page(owner)), "Token refreshed: too_slow", "Disconnected", "No team is connected")

    def test_the_time_line_has_pages(self, agent: Person, owner: Person) -> None:
        Event.objects.bulk_create(Event(kind="log_in", actor="person", user=owner.user) for _ in range(60))
        oldest = Event.objects.filter(user=owner.user).order_by("pk").first()
        Event.objects.filter(pk=oldest.pk).update(detail="the first of all", at=timezone.now() - timedelta(days=9))

        assert "the first of all" not in text_of(agent.client.get(page(owner)))
        assert says(agent.client.get(page(owner), {"page": "2"}), "the first of all", "Page 2 of 2")

    def test_each_look_is_an_event(self, agent: Person, owner: Person) -> None:
        agent.client.get(page(owner))
        agent.client.get(page(owner))

        looks = Event.objects.filter(kind="staff_look")
        assert [(look.user, look.staff, look.actor) for look in looks] == [(owner.user, agent.user, "staff")] * 2
        assert says(agent.client.get(page(owner)), "Support looked at the account", "agent@example.com")

    def test_more_rows_take_no_more_queries(self, agent: Person, owner: Person) -> None:
        agent.client.get(page(owner))
        with CaptureQueriesContext(database) as few:
            agent.client.get(page(owner))
        owner.connect("Acme Web")
        owner.connect("Side projects")
        totp.switch_on(owner.user)
        now = timezone.now()
        for each in owner.connections:
            for kind in ("reading", "refresh"):
                OutcomeInterval.objects.create(
                    user=owner.user,
                    connection_id=each.pk,
                    team_name=each.team_name,
                    kind=kind,
                    outcome="ok",
                    started_at=now,
                    last_at=now,
                    ended_at=now,
                )

        with CaptureQueriesContext(database) as many:
            agent.client.get(page(owner))

        assert len(many) == len(few), "\n".join(query["sql"] for query in many)


class TestRefuses:
    def test_other_staff(self, agent: Person, staff: Person, owner: Person) -> None:
        other = make_staff(owner.sandbox, "other@example.com")

        assert agent.client.get(page(staff)).status_code == 403
        assert agent.client.get(page(other)).status_code == 403
        assert staff.client.get(page(other)).status_code == 200

    def test_staff_without_the_permission(self, digitalocean: Sandbox, owner: Person) -> None:
        other = make_staff(digitalocean, "other@example.com")

        assert other.client.get(page(owner)).status_code == 403
        assert other.client.get("/admin/people/0/").status_code == 403
        assert not Event.objects.filter(kind="staff_look").exists()

    def test_nobody(self, agent: Person) -> None:
        assert agent.client.get("/admin/people/0/").status_code == 404
        assert agent.client.get(f"/admin/people/{10**30}/").status_code == 404


class TestHandles:
    def test_hostile_texts_are_text(self, agent: Person, owner: Person) -> None:
        fields = dict.fromkeys(("team_name", "scope", "reading_sentence", "account_status", "email"), HOSTILE)
        Connection.objects.update(**fields, reading_outcome="refused")
        Event.objects.update(team_name=HOSTILE, detail=HOSTILE, request_id=HOSTILE, actor=HOSTILE, outcome=HOSTILE)
        owner.client.get("/accounts/settings/", HTTP_USER_AGENT=HOSTILE)

        shown = agent.client.get(page(owner))

        assert HOSTILE not in shown.content.decode()
        assert says(shown, "&lt;script&gt;")

    @pytest.mark.parametrize("number", ["", "0", "-1", "999", "nonsense"])
    def test_a_page_of_events_that_does_not_exist(self, agent: Person, owner: Person, number: str) -> None:
        assert says(agent.client.get(page(owner), {"page": number}), "Connected")

    def test_a_connection_without_a_token(self, agent: Person, owner: Person) -> None:
        SocialToken.objects.all().delete()

        assert agent.client.get(page(owner)).status_code == 200

    def test_a_person_without_anything(self, agent: Person, bob: Person) -> None:
        user = bob.user
        user.set_unusable_password()
        user.save()
        EmailAddress.objects.filter(user=user).delete()

        assert says(
            agent.client.get(page(bob)), "has no password and no team", "gets no email", "No team is connected."
        )
