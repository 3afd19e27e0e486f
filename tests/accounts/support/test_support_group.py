"""The group of support staff: what it may see and do, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.models import Event, User
from accounts.support import acts
from tests.support.admin import READ_ONLY, page, user_form
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.support_group import make_agent, support_group

SEEN = {
    "accounts.view_user",
    "accounts.view_connection",
    "accounts.view_event",
    "accounts.view_outcomeinterval",
    "accounts.view_revocation",
    "accounts.view_secondfactorreset",
    "socialaccount.view_socialaccount",
    "droplets.view_action",
    "droplets.view_job",
}


class TestWorks:
    def test_it_has_exactly_what_it_needs(self, db: None) -> None:
        found = {
            f"{permission.content_type.app_label}.{permission.codename}"
            for permission in support_group().permissions.select_related("content_type")
        }

        assert found >= SEEN | {f"accounts.{act.permission}" for act in acts.ACTS.values()}
        for permission in found - {f"accounts.{act.permission}" for act in acts.ACTS.values()}:
            assert permission.split(".")[1].startswith("view_"), permission
        assert not {each for each in found if each.endswith(("_group", "_permission", "_token", "_authenticator"))}

    def test_it_reads_customers(self, agent: Person, customers: Person) -> None:
        assert says(agent.client.get(page(User)), "alice@example.com", "bob@example.com")
        for model in READ_ONLY:
            assert agent.client.get(page(model)).status_code == 200, model


class TestRefuses:
    def test_other_staff(self, agent: Person, digitalocean: Sandbox) -> None:
        other = make_agent(digitalocean, "other@example.com")

        assert "other@example.com" not in text_of(agent.client.get(page(User)))
        assert agent.client.get(page(User, "change", other.user.pk)).status_code == 302
        assert agent.client.get(f"/admin/people/{other.user.pk}/").status_code == 403

    def test_rights(self, agent: Person, owner: Person) -> None:
        shown = agent.client.get(page(User, "change", owner.user.pk))

        assert shown.status_code == 200
        assert "permissions" not in text_of(shown).lower()
        form = user_form(owner.user, is_staff="on", is_superuser="on")
        assert agent.client.post(page(User, "change", owner.user.pk), form).status_code == 403
        assert agent.client.get(page(Group)).status_code == 403
        assert not owner.user.is_staff

    def test_a_change_of_any_row(self, agent: Person, customers: Person) -> None:
        for model in (User, Group, *READ_ONLY):
            for row in model._default_manager.all()[:3]:
                for name in ("change", "delete"):
                    answer = agent.client.post(page(model, name, row.pk), {"post": "yes"})
                    assert answer.status_code in (302, 403), (model, name)
            assert agent.client.post(page(model, "add"), {}).status_code == 403
        assert Event.objects.exists()
        assert User.objects.filter(email="alice@example.com").exists()

    def test_an_event_is_neither_changed_nor_deleted(self, agent: Person, staff: Person, owner: Person) -> None:
        event = Event.objects.filter(user=owner.user).latest("pk")
        for person in (agent, staff):
            for name in ("change", "delete"):
                assert person.client.post(page(Event, name, event.pk), {"post": "yes"}).status_code == 403
            chosen = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
            person.client.post(page(Event), chosen)
        assert Event.objects.filter(pk=event.pk, detail=event.detail).exists()

    def test_acting_on_droplets(self, agent: Person, owner: Person) -> None:
        droplet = f"/droplets/{owner.connection('Northwind').pk}/1/"

        assert agent.client.get(droplet).status_code == 404
        assert agent.client.post(f"{droplet}actions/reboot/").status_code == 404

    def test_activity_is_not_changed_beside_the_acts(self, staff: Person, owner: Person) -> None:
        """Deactivation by a tick would revoke nothing and end no session."""
        form = user_form(owner.user, is_active="")

        assert staff.client.post(page(User, "change", owner.user.pk), form).status_code == 302
        assert owner.user.is_active


class TestHandles:
    @pytest.mark.django_db(transaction=True)
    def test_a_group_that_the_host_has_made(self) -> None:
        from importlib import import_module

        from django.apps import apps

        from tests.support.support_group import migrations_of

        Group.objects.filter(name="Support").delete()
        own = Group.objects.create(name="Support")
        own.permissions.set([Permission.objects.get(codename="view_user")])
        migration: Any = import_module(f"accounts.migrations.{migrations_of('accounts')[0]}")

        migration.create_group(apps, None)

        own.refresh_from_db()
        assert own.name == "Support (before this version)"
        assert [permission.codename for permission in own.permissions.all()] == ["view_user"]
        migration.delete_group(apps, None)
        own.refresh_from_db()
        assert own.name == "Support"
        own.delete()
