"""Who may change what in the admin: rights, passwords, email addresses and whole accounts."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission

from accounts.models import Connection, Event, Revocation, User
from tests.support.admin import READ_ONLY, page, user_form
from tests.support.callback import REVOKE
from tests.support.emails import emails_to, link_to
from tests.support.pages import says, text_of
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff


@pytest.fixture
def support(digitalocean: Sandbox, db: None) -> Person:
    """Staff with every permission to change, but not a superuser."""
    return make_staff(digitalocean, "support@example.com", permissions="change_")


def reset_page(user: User) -> str:
    return page(User, "password_reset", user.pk)


def reset_emails(address: str) -> list[str]:
    return [email for email in emails_to(address) if "/password/reset/key/" in email]


class TestWorks:
    def test_a_superuser_gives_rights(self, staff: Person, alice: Person) -> None:
        group = Group.objects.create(name="Colleagues")
        form = user_form(alice.user, is_staff="on", groups=str(group.pk))

        assert staff.client.post(page(User, "change", alice.user.pk), form).status_code == 302

        assert alice.user.is_staff
        assert list(alice.user.groups.all()) == [group]

    def test_a_new_user_gets_a_password_by_email(self, staff: Person) -> None:
        assert says(staff.client.get(page(User, "add")), "You do not set a password here.")
        assert staff.client.post(page(User, "add"), {"email": "New@Example.com"}).status_code == 302
        user = User.objects.get(email="new@example.com")
        assert not user.has_usable_password()

        answer = staff.client.post(reset_page(user), follow=True)

        assert says(answer, "A password reset email was sent to new@example.com.")
        new = Person(staff.sandbox, user.email)
        form = new.client.get(link_to(user.email, "password/reset/key"))["Location"]
        new.client.post(form, {"password1": PASSWORD, "password2": PASSWORD})
        assert User.objects.get(pk=user.pk).check_password(PASSWORD)

    def test_support_sends_the_password_reset_email(self, support: Person, alice: Person) -> None:
        address = page(User, "change", alice.user.pk)
        assert says(support.client.get(address), "Send a password reset email", reset_page(alice.user))

        answer = support.client.post(reset_page(alice.user))

        assert answer["Location"] == address
        assert len(reset_emails("alice@example.com")) == 1
        assert LogEntry.objects.get(user=support.user).get_change_message() == "Password reset email sent."

    def test_a_superuser_deletes_a_user_with_connections(
        self, staff: Person, customers: Person, digitalocean: Sandbox, django_capture_on_commit_callbacks: Any
    ) -> None:
        digitalocean.clear_faults()
        user, connection = customers.user, customers.connection("Northwind")
        asked = staff.client.get(page(User, "delete", user.pk))
        assert says(asked, "Are you sure", "alice@example.com", "Northwind", "access tokens at DigitalOcean")

        with django_capture_on_commit_callbacks(execute=True):
            answer = staff.client.post(page(User, "delete", user.pk), {"post": "yes"})

        assert answer.status_code == 302
        assert not User.objects.filter(pk=user.pk).exists()
        assert not Revocation.objects.filter(connection_id=connection.pk).exists()
        events = Event.objects.filter(connection_id=connection.pk)
        assert events.filter(kind=Event.Kind.DISCONNECT, actor="admin", detail="account deleted").exists()
        assert events.filter(kind=Event.Kind.REVOKE, outcome="ok").exists()

    def test_a_superuser_deletes_several_users(self, staff: Person, customers: Person, bob: Person) -> None:
        chosen = {"action": "delete_selected", "_selected_action": [customers.user.pk, bob.user.pk]}
        asked = staff.client.post(page(User), chosen)
        assert says(asked, "Are you sure", "alice@example.com", "bob@example.com", "access tokens at DigitalOcean")

        staff.client.post(page(User), chosen | {"post": "yes"})

        assert list(User.objects.all()) == [staff.user]
        assert not Connection.objects.exists()

    def test_what_digitalocean_does_not_accept_is_revoked_later(
        self, staff: Person, customers: Person, digitalocean: Sandbox, django_capture_on_commit_callbacks: Any
    ) -> None:
        digitalocean.fault("status", **REVOKE, status=503)
        with django_capture_on_commit_callbacks(execute=True):
            staff.client.post(page(User, "delete", customers.user.pk), {"post": "yes"})

        assert Revocation.objects.filter(team_name="Northwind", status="queued").exists()


class TestRefuses:
    def test_a_model_that_is_not_listed(self) -> None:
        """Each model in the admin is a decision: allauth's would show secrets or open accounts."""
        registered = {model._meta.label for model in admin.site._registry}

        assert registered == {
            "auth.Group",
            "accounts.User",
            "accounts.Connection",
            "accounts.Event",
            "accounts.Revocation",
            "accounts.SecondFactorReset",
            "socialaccount.SocialAccount",
            "droplets.Action",
            "droplets.Job",
        }

    @pytest.mark.parametrize("field", ["is_staff", "is_superuser"])
    def test_support_gives_no_rights(self, support: Person, alice: Person, field: str) -> None:
        for user in (alice.user, support.user):
            staff_before = user.is_staff
            form = user_form(user, **{field: "on"}) | {"user_permissions": [Permission.objects.first().pk]}

            assert support.client.post(page(User, "change", user.pk), form).status_code == 302

            user.refresh_from_db()
            assert (user.is_superuser, user.is_staff) == (False, staff_before)
            assert not alice.user.user_permissions.exists()

    def test_support_changes_no_group(self, support: Person) -> None:
        group = Group.objects.create(name="Colleagues")
        support.user.groups.add(group)
        support.user.user_permissions.add(*Permission.objects.filter(content_type__model="group"))

        assert support.client.get(page(Group)).status_code == 200
        permissions = {"name": "Support", "permissions": [Permission.objects.first().pk]}
        assert support.client.post(page(Group, "change", group.pk), permissions).status_code == 403
        assert support.client.post(page(Group, "add"), permissions | {"name": "Other"}).status_code == 403
        assert support.client.post(page(Group, "delete", group.pk), {"post": "yes"}).status_code == 403
        assert not group.permissions.exists()

    def test_support_neither_sees_nor_changes_other_staff(self, support: Person, staff: Person) -> None:
        assert "staff@example.com" not in support.client.get(page(User)).content.decode()
        answer = support.client.post(page(User, "change", staff.user.pk), user_form(staff.user))
        assert answer["Location"] == "/admin/"
        assert support.client.post(reset_page(staff.user)).status_code == 404
        assert not reset_emails("staff@example.com")
        assert staff.user.is_superuser

    def test_support_deletes_nobody(self, support: Person, customers: Person) -> None:
        support.user.user_permissions.set(Permission.objects.all())

        assert support.client.post(page(User, "delete", customers.user.pk), {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [customers.user.pk], "post": "yes"}
        support.client.post(page(User), chosen)
        assert customers.connections

    def test_nobody_sets_the_password_of_another(self, staff: Person, alice: Person) -> None:
        before = alice.user.password
        new = {"password": "changed", "password1": "a new long password", "password2": "a new long password"}

        shown = staff.client.get(page(User, "change", alice.user.pk))
        assert 'name="password' not in shown.content.decode()
        staff.client.post(page(User, "change", alice.user.pk), user_form(alice.user) | new)
        answer = staff.client.post(f"/admin/accounts/user/{alice.user.pk}/password/", new | {"usable_password": "true"})

        assert answer.status_code in (302, 404)
        assert alice.user.password == before

    def test_nobody_changes_the_email_address_of_another(self, staff: Person, alice: Person) -> None:
        form = user_form(alice.user, email="thief@example.com")
        form |= {"emailaddress_set-TOTAL_FORMS": "1", "emailaddress_set-0-email": "thief@example.com"}

        staff.client.post(page(User, "change", alice.user.pk), form)

        assert alice.user.email == "alice@example.com"
        assert not EmailAddress.objects.filter(email="thief@example.com").exists()
        assert staff.client.get("/admin/account/emailaddress/").status_code == 404

    def test_a_superuser_is_not_deleted_by_themselves(self, staff: Person, alice: Person) -> None:
        assert staff.client.post(page(User, "delete", staff.user.pk), {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [staff.user.pk, alice.user.pk], "post": "yes"}
        answer = staff.client.post(page(User), chosen)

        assert answer.status_code == 403
        assert User.objects.count() == 2

    def test_staff_without_rights_see_nothing(self, digitalocean: Sandbox, customers: Person) -> None:
        staff = make_staff(digitalocean, "staff@example.com")

        assert staff.client.get("/admin/").status_code == 200
        for model in (User, Group, *READ_ONLY):
            assert staff.client.get(page(model)).status_code == 403

    def test_who_only_views_sends_no_email(self, digitalocean: Sandbox, alice: Person) -> None:
        staff = make_staff(digitalocean, "viewer@example.com", permissions="view_")

        shown = staff.client.get(page(User, "change", alice.user.pk))

        assert "Send a password reset email" not in shown.content.decode()
        assert staff.client.post(reset_page(alice.user)).status_code == 403
        assert not reset_emails("alice@example.com")


class TestHandles:
    @pytest.mark.parametrize("change", [{"is_active": False}, {"email": "0@released.invalid"}])
    def test_an_account_that_gets_no_email(self, staff: Person, alice: Person, change: dict[str, Any]) -> None:
        user = alice.user
        User.objects.filter(pk=user.pk).update(**change)

        answer = staff.client.post(reset_page(user), follow=True)

        assert says(answer, "No email was sent")
        assert not reset_emails("alice@example.com")

    @pytest.mark.parametrize("pk", ["4711", "nonsense"])
    def test_an_unknown_user(self, staff: Person, pk: str) -> None:
        assert staff.client.post(f"/admin/accounts/user/{pk}/password-reset/").status_code == 404

    def test_a_user_without_a_connection_is_deleted(self, staff: Person, alice: Person) -> None:
        assert "Northwind" not in text_of(staff.client.get(page(User, "delete", alice.user.pk)))

        staff.client.post(page(User, "delete", alice.user.pk), {"post": "yes"})

        assert not SocialAccount.objects.exists()
        assert User.objects.count() == 1
