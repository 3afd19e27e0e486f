"""View as: support sees the pages of a user, and can change, send and reach nothing secret."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.urls import reverse

from accounts.models import Event, SupportAct, User
from accounts.support import view_as
from droplets.models import Job, SavedView, Watcher
from tests.support.acting_staff import REASON, act, filled, messages_of, url
from tests.support.emails import emails_to
from tests.support.matrix import Writes
from tests.support.pages import says, text_of
from tests.support.person import Person

BANNER = "You see Conveyor as alice@example.com, until"
END = "/accounts/view-as/end/"
SHOWN = (
    "/droplets/",
    "/activity/",
    "/jobs/",
    "/jobs/under-way/",
    "/watchers/",
    "/accounts/3rdparty/",
    "/accounts/settings/",
    "/account/history/",
)
CLOSED = (
    "/account/data/",
    "/droplets.csv",
    "/droplets.json",
    "/droplets/ansible.yml",
    "/droplets/ssh_config",
    "/activity.csv",
    "/activity.json",
    "/activity/feed/",
    "/watchers/add/",
    "/accounts/digitalocean/login/",
    "/accounts/email/",
    "/accounts/sessions/",
    "/accounts/delete/",
    "/accounts/logout/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/download/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
)


@pytest.fixture
def viewing(agent: Person, owner: Person) -> Person:
    """The agent, who views Conveyor as Alice."""
    answer = act(agent, "view_as", owner.user)
    assert answer["Location"] == "/"
    return agent


def looks(owner: Person) -> list[str]:
    events = Event.objects.filter(user=owner.user, kind=Event.Kind.VIEW_AS).order_by("pk")
    return [event.detail.partition(", address")[0] for event in events]


class TestWorks:
    @pytest.mark.parametrize("path", SHOWN)
    def test_the_pages_of_the_user_with_a_banner(self, viewing: Person, owner: Person, path: str) -> None:
        SavedView.objects.create(user=owner.user, name="Mine", query="q=web")

        answer = viewing.client.get(path)

        assert answer.status_code == 200
        if path != "/jobs/under-way/":
            assert says(answer, BANNER, "Nothing can be changed.", END)
            assert "agent@example.com" not in text_of(answer)

    def test_the_droplets_of_the_user(self, viewing: Person, owner: Person) -> None:
        droplet = json.loads(owner.client.get("/droplets.json").getvalue())["droplets"][0]
        page = f"/droplets/{owner.connection('Northwind').pk}/{droplet['id']}/"

        assert says(viewing.client.get("/droplets/"), "Northwind")
        for part in ("", "graphs/", "activity/"):
            assert says(viewing.client.get(page + part), BANNER, droplet["name"])

    def test_the_front_page_leads_to_the_fleet(self, viewing: Person) -> None:
        assert viewing.client.get("/")["Location"] == "/droplets/"

    def test_every_look_is_an_event_with_the_reason(self, viewing: Person, agent: Person, owner: Person) -> None:
        viewing.client.get("/droplets/?q=web")
        viewing.client.get("/activity/")
        viewing.client.post(END)

        assert looks(owner) == [
            f"View as this user: {REASON}", "page /droplets/", "page /activity/", "ended",
        ]  # fmt: skip
        assert {event.staff for event in Event.objects.filter(kind=Event.Kind.VIEW_AS)} == {agent.user}

    def test_the_end(self, viewing: Person, owner: Person) -> None:
        answer = viewing.client.post(END)

        assert answer["Location"] == f"/admin/people/{owner.user.pk}/"
        assert says(viewing.client.get("/accounts/settings/"), "agent@example.com")
        assert BANNER not in text_of(viewing.client.get("/droplets/"))

    def test_the_admin_stays_that_of_the_staff_member(self, viewing: Person) -> None:
        assert says(viewing.client.get("/admin/"), "agent@example.com")

    def test_it_ends_though_the_second_factor_was_used_long_ago(
        self, viewing: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("conveyor.admin._used_second_factor", lambda request: False)

        assert viewing.client.post(END).status_code == 302
        assert BANNER not in text_of(viewing.client.get("/droplets/"))

    def test_the_user_notices_nothing_but_the_entries(self, agent: Person, owner: Person) -> None:
        sessions = list(UserSession.objects.filter(user=owner.user).values())
        last_login, sent = owner.user.last_login, len(emails_to(owner.email))
        act(agent, "view_as", owner.user)

        for path in SHOWN:
            agent.client.get(path, headers={"User-Agent": "another browser"})

        assert list(UserSession.objects.filter(user=owner.user).values()) == sessions
        assert (owner.user.last_login, len(emails_to(owner.email))) == (last_login, sent)

    def test_an_ended_job_is_still_told_to_the_user(self, viewing: Person, owner: Person) -> None:
        job = Job.objects.create(user=owner.user, kind="reboot", state=Job.State.ENDED)
        viewing.client.get("/droplets/")
        viewing.client.get(f"/jobs/{job.pk}/")

        job.refresh_from_db()
        assert job.shown_at is None


class TestRefuses:
    @pytest.mark.parametrize("path", CLOSED)
    def test_pages_that_act_or_have_secrets(self, viewing: Person, owner: Person, path: str) -> None:
        answer = viewing.client.get(path)

        assert answer.status_code == 403
        assert says(answer, "Not while you view Conveyor as a user", BANNER)

    def test_every_view_that_is_not_marked(self, viewing: Person, owner: Person) -> None:
        """A new page is closed until somebody decides otherwise."""
        view = SavedView.objects.create(user=owner.user, name="Mine", query="")
        watcher = Watcher.objects.create(
            user=owner.user, view=view, condition="new", webhook_url="https://hook.example/"
        )
        draft = Job.objects.create(user=owner.user, kind="reboot")
        connection = owner.connection("Northwind")
        for path in (
            reverse("droplets:watcher", args=[watcher.pk]),
            reverse("droplets:confirm_job", args=[draft.pk]),
            reverse("droplets:act", args=[connection.pk, 1, "reboot"]),
            reverse("accounts:disconnect", args=[connection.pk]),
        ):
            assert viewing.client.get(path).status_code == 403, path

    def test_every_post(self, viewing: Person, owner: Person) -> None:
        connection = owner.connection("Northwind")
        droplet = json.loads(owner.client.get("/droplets.json").getvalue())["droplets"][0]["id"]
        writes = Writes()
        with database.execute_wrapper(writes):
            for path in (
                "/droplets/",
                "/droplets/views/",
                f"/droplets/{connection.pk}/renew/",
                f"/droplets/{connection.pk}/{droplet}/actions/reboot/",
                "/jobs/select/",
                "/watchers/add/",
                "/activity/feed/",
                f"/accounts/connections/{connection.pk}/reconnect/",
                f"/accounts/connections/{connection.pk}/disconnect/",
                f"/accounts/connections/{connection.pk}/sign-in/",
                "/accounts/digitalocean/login/?process=connect",
                "/accounts/delete/",
                "/accounts/logout/",
                "/accounts/2fa/recovery-codes/generate/",
            ):
                assert viewing.client.post(path, {"email": owner.email}).status_code == 403, path
        assert not writes.found
        assert owner.connections

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
    def test_other_methods(self, viewing: Person, method: str) -> None:
        assert getattr(viewing.client, method)("/droplets/").status_code == 405

    def test_a_second_view_beside_the_first(self, viewing: Person, owner: Person, bob: Person) -> None:
        answer = act(viewing, "view_as", bob.user)

        assert "End that first" in messages_of(answer)[-1]
        assert says(viewing.client.get("/droplets/"), BANNER)

    def test_a_deactivated_user(self, agent: Person, owner: Person) -> None:
        User.objects.filter(pk=owner.user.pk).update(is_active=False)

        assert says(agent.client.get(url("view_as", owner.user)), "The account is deactivated")

    def test_other_staff(self, agent: Person, staff: Person) -> None:
        assert agent.client.get(url("view_as", staff.user)).status_code == 403

    def test_an_end_without_a_view(self, owner: Person, agent: Person, client: Any) -> None:
        assert [each.post(END).status_code for each in (owner.client, agent.client, client)] == [404, 404, 404]

    def test_without_a_reason(self, agent: Person, owner: Person) -> None:
        assert act(agent, "view_as", owner.user, reason=" ").status_code == 422
        assert BANNER not in text_of(agent.client.get("/droplets/"))


class TestHandles:
    def test_the_end_of_the_time(self, viewing: Person, owner: Person) -> None:
        session = viewing.client.session
        session["view_as"] = {**session["view_as"], "until": session["view_as"]["until"] - view_as.SECONDS}
        session.save()

        answer = viewing.client.get("/droplets/")

        assert answer["Location"] == f"/admin/people/{owner.user.pk}/"
        assert looks(owner)[-1] == "ended by itself"
        assert says(viewing.client.get("/accounts/settings/"), "agent@example.com", "You no longer view Conveyor")

    def test_it_lasts_fifteen_minutes_at_most(self, viewing: Person) -> None:
        session = viewing.client.session
        session["view_as"] = {**session["view_as"], "until": session["view_as"]["until"] + 60}
        session.save()

        assert viewing.client.get("/droplets/")["Location"].startswith("/admin/people/")
        assert timedelta(seconds=view_as.SECONDS) == timedelta(minutes=15)

    @pytest.mark.parametrize("change", ["right", "staff", "person", "deleted"])
    def test_what_is_taken_away_meanwhile(self, viewing: Person, owner: Person, change: str) -> None:
        match change:
            case "right":
                group = viewing.user.groups.get()
                group.permissions.remove(Permission.objects.get(codename="see_as_user"))
            case "staff":
                User.objects.filter(pk=viewing.user.pk).update(is_staff=False)
            case "person":
                User.objects.filter(pk=owner.user.pk).update(is_active=False)
            case _:
                owner.client.post("/accounts/delete/", {"email": owner.email})

        assert viewing.client.get("/droplets/")["Location"].startswith("/admin/")
        assert BANNER not in text_of(viewing.client.get("/droplets/"))

    def test_an_open_page_after_the_end(self, viewing: Person, owner: Person) -> None:
        """A part of one person's fleet must not come into the page of another."""
        view = viewing.client.session["view_as"]["id"]
        headers = {"HX-Request": "true", "X-View-As": view}
        assert viewing.client.get("/droplets/?edition=0", headers=headers).status_code == 200
        viewing.client.post(END)

        answer = viewing.client.get("/droplets/?edition=0", headers=headers)

        assert answer["HX-Refresh"] == "true"
        assert not answer.content

    def test_a_page_that_was_open_before(self, viewing: Person) -> None:
        answer = viewing.client.get("/droplets/?edition=0", headers={"HX-Request": "true"})

        assert answer["HX-Refresh"] == "true"

    def test_a_double_click(self, agent: Person, owner: Person) -> None:
        address = url("view_as", owner.user)
        form = filled(agent, address)
        agent.client.post(address, form)

        answer = agent.client.post(address, form)

        assert messages_of(answer)[-1].startswith("This was done already.")
        assert SupportAct.objects.count() == 1
        assert says(agent.client.get("/droplets/"), BANNER)

    def test_a_name_that_is_not_text(self, viewing: Person, owner: Person) -> None:
        User.objects.filter(pk=owner.user.pk).update(email="<b>x</b>@example.com")

        assert "<b>x</b>" not in viewing.client.get("/droplets/").content.decode()
