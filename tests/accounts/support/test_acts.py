"""The acts of support: each is confirmed with a reason, done once, recorded, and told to the user by email."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts import keepalive, tasks
from accounts.models import Connection, Event, Revocation, SecondFactorReset, SupportAct, User
from accounts.support import acts
from tests.support import totp
from tests.support.acting_staff import REASON, act, filled, messages_of, url
from tests.support.callback import REVOKE
from tests.support.emails import emails_to
from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.support_group import make_agent

ON_ACCOUNT = sorted(code for code, each in acts.ACTS.items() if each.on == "account")
ON_CONNECTION = sorted(code for code, each in acts.ACTS.items() if each.on == "connection")


@pytest.fixture
def other_agent(digitalocean: Sandbox, agent: Person) -> Person:
    return make_agent(digitalocean, "other@example.com")


def staff_events(agent: Person) -> list[Event]:
    return list(Event.objects.filter(staff=agent.user, kind=Event.Kind.STAFF_ACT))


def ready(code: str, owner: Person, agent: Person) -> Connection | None:
    """Bring the account into a state in which the act is possible. Returns the connection that it is on."""
    if code == "reactivate":
        User.objects.filter(pk=owner.user.pk).update(is_active=False)
    if code == "resend_confirmation":
        EmailAddress.objects.filter(user=owner.user).update(verified=False)
    if code == "reset_second_factor":
        totp.switch_on(owner.user)
    if code == "refresh":
        # DigitalOcean has just issued the token: a refresh is refused for a minute after the last one only.
        Connection.objects.update(refreshed_at=None)
    return owner.connection("Northwind") if code in ON_CONNECTION else None


class TestWorks:
    @pytest.mark.parametrize("code", [*ON_ACCOUNT, *ON_CONNECTION])
    def test_each_act_has_a_page_an_event_and_an_email(self, agent: Person, owner: Person, code: str) -> None:
        address = owner.user.email
        connection = ready(code, owner, agent)
        pk = owner.user.pk
        before = len(emails_to(address))
        kind = acts.ACTS[code].event
        assert says(agent.client.get(url(code, owner.user, connection)), acts.ACTS[code].label, address, "Reason")

        answer = act(agent, code, owner.user, connection)

        assert answer.status_code == (200 if code == "export" else 302)
        if answer.streaming:
            assert answer.getvalue().startswith(b"PK")  # reading it to its end closes the file
        [event] = Event.objects.filter(staff=agent.user, kind=kind)
        assert event.detail.startswith(f"{acts.ACTS[code].label}: {REASON}")
        assert event.user_id == (None if code == "delete" else pk)
        assert event.connection_id == (connection.pk if connection else None)
        assert SupportAct.objects.get().kind == code
        sent = emails_to(address)[before:]
        assert bool(sent) == (code != "view_as")  # its user sees it in the account history
        if acts.ACTS[code].told:
            assert REASON in sent[-1]

    def test_test_the_connection(self, agent: Person, owner: Person) -> None:
        connection = owner.connection("Northwind")

        [text] = messages_of(act(agent, "test", owner.user, connection))

        assert text.startswith("The test passed: DigitalOcean accepted the token")
        assert Connection.objects.get(pk=connection.pk).generation == connection.generation

    def test_test_a_connection_that_digitalocean_does_not_accept(
        self, agent: Person, owner: Person, digitalocean: Sandbox
    ) -> None:
        digitalocean.fault("status", path="/v2/account", status=503)

        [text] = messages_of(act(agent, "test", owner.user, owner.connection("Northwind")))

        assert text.startswith("The test failed. DigitalOcean is having trouble answering. DigitalOcean's request ID: ")

    def test_refresh_though_an_earlier_one_failed(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        connection = owner.connection("Northwind")
        Connection.objects.filter(pk=connection.pk).update(
            retry_at="2099-01-01T00:00Z", last_error="unavailable", failures=3
        )

        [text] = messages_of(act(agent, "refresh", owner.user, connection))

        assert text.startswith("The token was refreshed.")
        after = Connection.objects.get(pk=connection.pk)
        assert (after.generation, after.last_error) == (connection.generation + 1, "")
        assert len(digitalocean.live_grants()) == 1

    def test_a_refresh_waits_for_the_rate_limit(self, agent: Person, owner: Person) -> None:
        connection = owner.connection("Northwind")
        Connection.objects.filter(pk=connection.pk).update(retry_at="2099-01-01T00:00Z", last_error="rate_limited")

        [text] = messages_of(act(agent, "refresh", owner.user, connection))

        assert text.startswith("The token was not refreshed. DigitalOcean's rate limit for this team is reached.")
        assert Connection.objects.get(pk=connection.pk).generation == connection.generation

    def test_ask_the_owner_to_reconnect(self, agent: Person, owner: Person) -> None:
        act(agent, "ask", owner.user, owner.connection("Northwind"))

        email = emails_to(owner.email)[-1]
        assert "Please reconnect Northwind" in email
        assert "/accounts/3rdparty/" in email

    def test_disconnect_and_revoke(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        pk = owner.connection("Northwind").pk

        [text] = messages_of(act(agent, "disconnect", owner.user, owner.connection("Northwind")))

        assert "Northwind was disconnected. DigitalOcean has revoked the access." in text
        assert not owner.connections
        assert not digitalocean.live_grants()
        event = Event.objects.get(connection_id=pk, kind=Event.Kind.DISCONNECT)
        assert (event.user, event.staff) == (owner.user, agent.user)

    def test_revoke_everything(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        owner.connect("Acme Web")
        feed = owner.client.post("/activity/feed/") and owner.client.get("/activity/feed/")
        assert "/activity/feed/" in feed.content.decode()

        [text] = messages_of(act(agent, "revoke_everything", owner.user))

        assert "DigitalOcean has revoked the access." in text
        assert not digitalocean.live_grants()
        assert not Revocation.objects.exists()
        assert {(row.state, row.token) for row in owner.connections} == {("needs_reconnect", None)}
        assert not UserSession.objects.filter(user=owner.user).exists()
        assert owner.client.get("/droplets/").status_code == 302
        owner.log_in()
        assert "/activity/feed/ey" not in owner.client.get("/activity/feed/").content.decode()
        assert says(owner.client.get("/accounts/3rdparty/"), "Northwind", "Acme Web", "Reconnect needed")

    def test_what_was_revoked_can_be_reconnected(self, agent: Person, owner: Person) -> None:
        connection = owner.connection("Northwind")
        act(agent, "revoke_everything", owner.user)
        owner.log_in()

        again = owner.connect("Northwind")

        assert (again.pk, again.state) == (connection.pk, "healthy")

    def test_a_user_without_a_password_can_still_log_in(
        self, agent: Person, visitor: Person, digitalocean: Sandbox
    ) -> None:
        visitor.go("Northwind", process="login")
        visitor.client.post("/accounts/3rdparty/signup/", {"email": visitor.email})
        user = User.objects.get(email=visitor.email)
        EmailAddress.objects.filter(user=user).update(verified=True)
        connection = Connection.objects.get()

        page = agent.client.get(url("disconnect", user, connection))
        act(agent, "revoke_everything", user)
        visitor.go("Northwind", process="login")

        assert says(page, "This team is the user's only way to log in")
        assert visitor.client.get("/droplets/").status_code == 200

    def test_end_sessions(self, agent: Person, owner: Person, bob: Person, digitalocean: Sandbox) -> None:
        elsewhere = Person(digitalocean, owner.email)
        elsewhere.log_in()

        [text] = messages_of(act(agent, "end_sessions", owner.user))

        assert text.startswith("2 sessions ended.")
        assert [each.client.get("/droplets/").status_code for each in (owner, elsewhere, bob)] == [302, 302, 200]

    def test_resend_the_confirmation(self, agent: Person, owner: Person) -> None:
        EmailAddress.objects.filter(user=owner.user).update(verified=False)

        [text] = messages_of(act(agent, "resend_confirmation", owner.user))

        assert text.startswith("The confirmation email was sent again.")
        assert "/accounts/confirm-email/" in emails_to(owner.email)[-1]

    def test_reset_the_second_factor(self, agent: Person, owner: Person) -> None:
        totp.switch_on(owner.user)

        [text] = messages_of(act(agent, "reset_second_factor", owner.user))

        assert text.startswith("The request has your approval.")
        reset = SecondFactorReset.objects.get()
        assert (reset.state, reset.taken_by, reset.reason) == ("taken", agent.user, REASON)

    def test_deactivate_and_pause(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        act(agent, "deactivate", owner.user)

        assert not owner.user.is_active
        assert owner.client.get("/droplets/").status_code == 302
        assert len(digitalocean.live_grants()) == 1
        assert not UserSession.objects.filter(user=owner.user).exists()

    def test_deactivate_and_revoke(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        act(agent, "deactivate_and_revoke", owner.user)

        assert not owner.user.is_active
        assert not digitalocean.live_grants()

    def test_reactivate(self, agent: Person, owner: Person) -> None:
        act(agent, "deactivate", owner.user)

        act(agent, "reactivate", owner.user)

        owner.log_in()
        assert says(owner.client.get("/droplets/"), "Northwind")

    def test_delete(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        email = owner.email

        [text] = messages_of(act(agent, "delete", owner.user))

        assert text.startswith(f"The account {email} was deleted. DigitalOcean has revoked the access.")
        assert not User.objects.filter(email=email).exists()
        assert not digitalocean.live_grants()
        assert "deleted your Conveyor account" in emails_to(email)[-1]

    def test_what_digitalocean_does_not_accept_is_revoked_later(
        self, agent: Person, owner: Person, digitalocean: Sandbox
    ) -> None:
        digitalocean.fault("status", **REVOKE, status=503)

        [text] = messages_of(act(agent, "revoke_everything", owner.user))

        assert "DigitalOcean has not confirmed every revocation yet. Conveyor keeps trying." in text
        assert Revocation.objects.get().status == "queued"

    def test_a_paused_account_is_not_refreshed(self, agent: Person, owner: Person) -> None:
        Connection.objects.get().token.__class__.objects.update(expires_at="2000-01-01T00:00Z")
        assert keepalive.due_connections(tasks.WITHIN)

        act(agent, "deactivate", owner.user)

        assert not keepalive.due_connections(tasks.WITHIN)


class TestRefuses:
    @pytest.mark.parametrize("code", [*ON_ACCOUNT, *ON_CONNECTION])
    def test_staff_without_this_permission(self, agent: Person, owner: Person, code: str) -> None:
        connection = ready(code, owner, agent)
        permission = Permission.objects.get(codename=acts.ACTS[code].permission)
        group = agent.user.groups.get()
        group.permissions.remove(permission)
        address = url(code, owner.user, connection)
        before = len(emails_to(owner.email))

        answers = [agent.client.get(address), agent.client.post(address, {"reason": REASON, "key": str(uuid4())})]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert not SupportAct.objects.exists()
        assert len(emails_to(owner.email)) == before
        assert url(code, owner.user, connection) not in _offered(agent, owner.user)

    @pytest.mark.parametrize("code", ON_ACCOUNT)
    @pytest.mark.parametrize("change", [{"is_staff": True}, {"is_superuser": True}])
    def test_other_staff(self, agent: Person, bob: Person, code: str, change: dict[str, bool]) -> None:
        User.objects.filter(pk=bob.user.pk).update(**change)
        address = url(code, bob.user)

        answers = [agent.client.get(address), agent.client.post(address, {"reason": REASON, "key": str(uuid4())})]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert not SupportAct.objects.exists()

    @pytest.mark.parametrize("code", ["deactivate", "delete", "revoke_everything", "view_as"])
    def test_themselves_even_as_a_superuser(self, staff: Person, code: str) -> None:
        address = url(code, staff.user)

        assert staff.client.get(address).status_code == 403
        assert staff.client.post(address, {"reason": REASON, "key": str(uuid4())}).status_code == 403
        assert staff.user.is_active

    @pytest.mark.parametrize("reason", ["", "   ", "too short", "x" * 201, "\0 \0"])
    def test_a_bad_reason(self, agent: Person, owner: Person, reason: str) -> None:
        answer = act(agent, "end_sessions", owner.user, reason=reason)

        assert answer.status_code == 422
        assert says(answer, "Write the reason in 10 to 200 characters.")
        assert UserSession.objects.filter(user=owner.user).exists()
        assert not SupportAct.objects.exists()

    def test_an_old_log_in(self, agent: Person, owner: Person, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """The admin asks for the second factor first; this is the check of the act itself."""
        monkeypatch.setattr("conveyor.admin._used_second_factor", lambda request: True)
        session = agent.client.session
        session.pop("account_authentication_methods", None)
        session["logged_in_at"] = 0
        session.save()

        answer = agent.client.post(url("delete", owner.user), {"reason": REASON, "key": str(uuid4())})

        assert answer.status_code == 302
        assert "/reauthenticate/" in answer["Location"]
        assert owner.user.is_active

    @pytest.mark.parametrize("code", ["nonsense", "test"])
    def test_an_unknown_act(self, agent: Person, owner: Person, code: str) -> None:
        assert agent.client.get(f"/admin/people/{owner.user.pk}/acts/{code}/").status_code == 404

    def test_the_connection_of_another(self, agent: Person, owner: Person, bob: Person) -> None:
        address = url("disconnect", bob.user, owner.connection("Northwind"))

        assert agent.client.get(address).status_code == 404
        agent.client.post(address, {"reason": REASON, "key": str(uuid4())})
        assert owner.connections

    @pytest.mark.parametrize("code", ["test", "refresh"])
    def test_a_connection_that_needs_its_owner(self, agent: Person, owner: Person, code: str) -> None:
        Connection.objects.update(state="needs_reconnect", last_error="invalid_grant")
        connection = owner.connection("Northwind")

        shown = agent.client.get(url(code, owner.user, connection))
        posted = agent.client.post(url(code, owner.user, connection), {"reason": REASON, "key": str(uuid4())})

        assert says(shown, "Only its owner can reconnect it: ask them to.")
        assert "Nothing was done." in messages_of(posted)[-1]
        assert not SupportAct.objects.exists()


class TestHandles:
    def test_a_double_click(self, agent: Person, owner: Person) -> None:
        address = url("end_sessions", owner.user)
        form = filled(agent, address)
        agent.client.post(address, form)
        sent = len(emails_to(owner.email))

        text = messages_of(agent.client.post(address, form))[-1]

        assert text.startswith("This was done already. 1 session ended.")
        assert len(emails_to(owner.email)) == sent
        assert len(staff_events(agent)) == 1

    def test_a_double_click_on_delete(self, agent: Person, owner: Person) -> None:
        address = url("delete", owner.user)
        form = filled(agent, address)
        agent.client.post(address, form)

        answer = agent.client.post(address, form)

        assert answer["Location"] == "/admin/people/"
        assert messages_of(answer)[-1].startswith(f"This was done already. The account {owner.email} was deleted.")

    def test_two_staff_members(self, agent: Person, other_agent: Person, owner: Person) -> None:
        address = url("end_sessions", owner.user)
        forms = [filled(agent, address), filled(other_agent, address)]
        agent.client.post(address, forms[0])

        text = messages_of(other_agent.client.post(address, forms[1]))[-1]

        assert text.startswith("agent@example.com did this now: 1 session ended.")
        assert text.endswith("Nothing was done again.")
        assert not staff_events(other_agent)

    @pytest.mark.parametrize(
        ("code", "change"),
        [
            ("deactivate", lambda owner: User.objects.filter(pk=owner.user.pk).update(is_active=False)),
            ("disconnect", lambda owner: owner.connect("Northwind")),
            ("delete", lambda owner: owner.connect("Acme Web")),
        ],
    )
    def test_a_stale_page(self, agent: Person, owner: Person, code: str, change: Callable[[Person], Any]) -> None:
        connection = owner.connection("Northwind") if code in ON_CONNECTION else None
        address = url(code, owner.user, connection)
        form = filled(agent, address)
        change(owner)

        answer = agent.client.post(address, form)

        if code == "deactivate":
            assert messages_of(answer) == ["The account is deactivated already. Nothing was done."]
        else:
            assert answer.status_code == 409
            assert says(answer, "Something has changed since you opened this page. Nothing was done.", REASON)
        assert owner.connections
        assert not staff_events(agent)

    def test_a_team_that_is_gone(self, agent: Person, owner: Person) -> None:
        address = url("disconnect", owner.user, owner.connection("Northwind"))
        form = filled(agent, address)
        owner.client.post(f"/accounts/connections/{owner.connection('Northwind').pk}/disconnect/")

        assert messages_of(agent.client.post(address, form)) == ["This team is no longer connected. Nothing was done."]

    def test_a_user_who_is_gone(self, agent: Person, owner: Person) -> None:
        address = url("end_sessions", owner.user)
        form = filled(agent, address)
        owner.client.post("/accounts/delete/", {"email": owner.email})

        answer = agent.client.post(address, form)

        assert messages_of(answer) == ["This account no longer exists. Nothing was done."]
        assert answer["Location"] == "/admin/people/"

    @pytest.mark.parametrize("key", ["", "nonsense", "\0"])
    def test_a_form_without_its_key(self, agent: Person, owner: Person, key: str) -> None:
        address = url("end_sessions", owner.user)

        answer = agent.client.post(address, {"reason": REASON, "key": key})

        assert answer.status_code == 409
        assert UserSession.objects.filter(user=owner.user).exists()

    def test_a_user_without_an_address(self, agent: Person, owner: Person) -> None:
        owner_user = owner.user
        owner_user.release_email()

        [text] = messages_of(act(agent, "end_sessions", owner_user))

        assert "email" not in text

    def test_a_team_whose_name_is_a_format(self, agent: Person, owner: Person) -> None:
        Connection.objects.update(team_name="{0} {team} %s")

        act(agent, "test", owner.user, owner.connections[0])

        assert "your team {0} {team} %s." in emails_to(owner.email)[-1]


def _offered(agent: Person, person: User) -> list[str]:
    request: Any = type("Request", (), {"user": agent.user})()
    return [offer.url for group in acts.available(request, person) for offer in group.offers]


def test_old_acts_are_deleted(agent: Person, owner: Person, settings: Any) -> None:
    act(agent, "end_sessions", owner.user)
    act(agent, "test", owner.user, owner.connection("Northwind"))
    settings.EVENT_DAYS = 10
    SupportAct.objects.filter(kind="test").update(at=timezone.now() - timedelta(days=11))

    tasks.delete_old_rows()

    assert [row.kind for row in SupportAct.objects.all()] == ["end_sessions"]
