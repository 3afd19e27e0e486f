"""Your data: one zip of JSON with everything that is stored about a person, and no secret."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.db.models import ForeignKey, Model
from django.test import Client

from accounts import personal_data
from accounts.models import Event, User
from droplets.models import Action, ActivityFeed, Change, Delivery, Job, JobStep, JobTeam, SavedView, Watcher
from tests.support import passkey, totp
from tests.support.pages import says
from tests.support.person import Person
from tests.support.stored import secrets_in

DATA = "/account/data/"
TIME = "2026-11-25T12:00:00Z"


def download(person: Person) -> dict[str, Any]:
    """The files of the archive, decoded; README.txt as a text."""
    answer = person.client.post(DATA)
    assert answer.status_code == 200, answer.status_code
    assert answer["Content-Type"] == "application/zip"
    return unpacked(answer.getvalue())


def unpacked(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in files.items()}


@pytest.fixture
def full(owner: Person) -> Person:
    """Alice, with something of everything."""
    user, connection = owner.user, owner.connection("Northwind")
    view = SavedView.objects.create(user=user, name="Mine", query="q=web")
    watcher = Watcher(user=user, view=view, condition="new", secret="sealed")
    watcher.webhook_url = "https://hooks.example.com/T1/secret-path"
    watcher.save()
    Delivery.objects.create(watcher=watcher, channel="email", events=[{"text": "web-1 is new"}], count=1)
    action = Action.objects.create(
        user=user, key=view.pk, connection_id=connection.pk, team_name="Northwind", droplet_id=7, droplet_name="web-1",
        kind="reboot",
    )  # fmt: skip
    job = Job.objects.create(user=user, kind="reboot", count=1)
    team = JobTeam.objects.create(job=job, connection_id=connection.pk, team_name="Northwind")
    JobStep.objects.create(team=team, droplet_id=7, droplet_name="web-1", action=action)
    Change.objects.create(
        team_key="t", team_name="Northwind", droplet_id=7, droplet_name="web-1", kind="status", since=TIME, at=TIME,
        action_id=action.pk, user=user,
    )  # fmt: skip
    ActivityFeed.renew(user)
    passkey.store(user)
    RecoveryCodes.activate(user)
    return owner


class TestWorks:
    def test_the_page_lists_the_files_and_the_account_page_leads_there(self, owner: Person) -> None:
        assert says(owner.client.get("/accounts/settings/"), DATA, "Your data")

        assert says(owner.client.get(DATA), "connections.json", "actions.json", "Tokens, passwords and other secrets")

    def test_everything_is_in_the_archive(self, full: Person) -> None:
        files = download(full)

        assert files["account.json"]["email"] == "alice@example.com"
        assert files["account.json"]["email_addresses"] == [
            {"email": "alice@example.com", "verified": True, "primary": True}
        ]
        assert {each["type"] for each in files["account.json"]["second_factors"]} == {"webauthn", "recovery_codes"}
        assert [each["team_name"] for each in files["connections.json"]] == ["Northwind"]
        assert files["connections.json"][0]["token__expires_at"]
        assert "connect" in [each["kind"] for each in files["events.json"]]
        assert files["sessions.json"][0]["ip"] == "127.0.0.1"
        assert files["actions.json"][0]["droplet_name"] == "web-1"
        assert files["jobs.json"][0]["kind"] == files["actions.json"][0]["kind"] == "reboot"
        assert files["job_steps.json"][0]["action_id"] == files["actions.json"][0]["id"]
        assert files["views.json"][0]["query"] == "q=web"
        assert files["watchers.json"][0]["webhook_url"] == "hooks.example.com"
        assert files["messages.json"][0]["events"] == [{"text": "web-1 is new"}]
        assert files["changes.json"][0]["droplet_name"] == "web-1"
        assert all(name in files["README.txt"] for name in files if name != "README.txt")

    def test_the_download_is_in_the_history(self, owner: Person) -> None:
        download(owner)

        event = Event.objects.get(kind="export")
        assert (event.user, event.actor, event.outcome) == (owner.user, "person", "ok")

    def test_there_may_be_more_rows_than_are_read_at_once(self, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(personal_data, "_AT_ONCE", 2)
        monkeypatch.setattr(personal_data, "_IN_MEMORY", 100)
        SavedView.objects.bulk_create(SavedView(user=owner.user, name=f"View {number}") for number in range(7))

        names = [each["name"] for each in download(owner)["views.json"]]

        assert sorted(names) == [f"View {number}" for number in range(7)]


class TestRefuses:
    def test_nothing_of_anybody_else(self, full: Person, bob: Person) -> None:
        bob.connect("Hopper Labs")

        files = download(bob)

        assert "alice" not in json.dumps(files)
        assert "Northwind" not in json.dumps(files)
        assert files["actions.json"] == files["views.json"] == files["watchers.json"] == []

    def test_no_secret(self, full: Person) -> None:
        totp.switch_on(full.user)

        text = json.dumps(download(full))

        assert not secrets_in([text])
        for secret in ("secret-path", "sealed", full.user.password, full.client.session.session_key, "webauthn_data"):
            assert secret not in text
        assert not re.search(r'"(token|token_secret|secret|seed|credential|session_key|key)"', text)

    def test_it_needs_a_recent_log_in(self, owner: Person) -> None:
        session = owner.client.session
        session["logged_in_at"] = 0
        session["account_authentication_methods"] = []
        session.save()

        for method in (owner.client.get, owner.client.post):
            answer = method(DATA)
            assert answer.status_code == 302
            assert answer["Location"].startswith("/accounts/reauthenticate/")
        assert not Event.objects.filter(kind="export").exists()

    def test_nobody_else(self, client: Client, db: None) -> None:
        assert client.post(DATA)["Location"].startswith("/accounts/login/")


class TestHandles:
    def test_a_part_that_fails_gives_no_half_archive(self, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(user: User) -> Any:
            yield {"fine": 1}
            raise RuntimeError("the database is away")

        monkeypatch.setitem(personal_data._parts, "broken", ("", broken))
        owner.client.raise_request_exception = False

        answer = owner.client.post(DATA)

        assert answer.status_code == 500
        assert "Content-Disposition" not in answer
        assert not Event.objects.filter(kind="export").exists()

    def test_an_account_with_nothing(self, alice: Person) -> None:
        files = download(alice)

        assert files["connections.json"] == files["jobs.json"] == []


NOT_PERSONAL = {
    "admin.LogEntry",  # what staff did in the admin
    "droplets.ActivityFeed",  # the address is a secret
    "accounts.SupportAct",  # each is an event too
    "accounts.IncidentEmail",  # names the staff member; its recipients are in the archive
}  # fmt: skip
SHOWN = {
    "account.EmailAddress", "mfa.Authenticator", "socialaccount.SocialAccount", "usersessions.UserSession",
    "accounts.SecondFactorReset", "accounts.Event", "droplets.Action", "droplets.Job", "droplets.SavedView",
    "droplets.Watcher", "droplets.Change", "accounts.OutcomeInterval", "accounts.IncidentRecipient",
}  # fmt: skip
"""Models that name a user: a new one is to be in the archive, or in NOT_PERSONAL with its reason."""


def test_every_model_that_names_a_user_is_thought_of() -> None:
    def names_a_user(model: type[Model]) -> bool:
        # OneToOneField is a ForeignKey.
        return any(isinstance(field, ForeignKey) and field.related_model is User for field in model._meta.get_fields())

    naming = {model._meta.label for model in apps.get_models() if names_a_user(model)}

    assert naming - SHOWN - NOT_PERSONAL == set()
