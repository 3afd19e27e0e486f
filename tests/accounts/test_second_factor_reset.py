"""A lost phone: a reset of the second factor needs two staff members, a waiting time, the first factor and an email."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from accounts import tasks
from accounts.models import Event, SecondFactorReset, User
from tests.support import passkey, totp
from tests.support.admin import page
from tests.support.at_once import at_once
from tests.support.emails import emails_to, link_to
from tests.support.pages import says, text_of
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff

LOST_PHONE = "/accounts/lost-phone/"
AUTHENTICATE = "/accounts/2fa/authenticate/"
ADMIN = "/admin/accounts/secondfactorreset/"
REASON = "Called back on the number in the contract"
PERMISSION = "reset_second_factor"


class Loser(Person):
    """Who has lost the phone, and has given the password."""

    secret = ""

    def to_second_step(self) -> None:
        self.client.logout()
        self.log_in()

    def ask(self) -> SecondFactorReset:
        answer = self.client.post(LOST_PHONE, follow=True)
        assert says(answer, "is waiting for support")
        return self.reset

    def open_link(self) -> str:
        """Open the link that finishes the reset, in this browser. Returns its path."""
        link = link_to(self.email, "/lost-phone/finish/")
        self.client.get(link)
        return link

    @property
    def reset(self) -> SecondFactorReset:
        return SecondFactorReset.objects.get(user__email=self.email)

    @property
    def has_second_factor(self) -> bool:
        return Authenticator.objects.filter(user__email=self.email).exists()

    @property
    def is_logged_in(self) -> bool:
        return bool(self.client.get("/accounts/settings/").status_code == 200)


@pytest.fixture
def loser(alice: Person) -> Loser:
    person = Loser(alice.sandbox, alice.email)
    person.secret = totp.switch_on(alice.user)
    passkey.store(alice.user)
    person.to_second_step()
    mail.outbox.clear()
    return person


@pytest.fixture
def one(digitalocean: Sandbox, db: None) -> Person:
    return make_staff(digitalocean, "one@example.com", permissions=PERMISSION)


@pytest.fixture
def two(digitalocean: Sandbox, db: None) -> Person:
    return make_staff(digitalocean, "two@example.com", permissions=PERMISSION)


def press(staff: Person, step: str, reset: SecondFactorReset | None = None, **form: str) -> Any:
    url = f"{ADMIN}{reset.pk}/{step}/" if reset else f"{ADMIN}{step}/"
    return staff.client.post(url, form, follow=True)


def approved(loser: Loser, one: Person, two: Person, *, is_over: bool = True) -> SecondFactorReset:
    reset = loser.ask()
    assert says(press(one, "take", reset, reason=REASON), "Done.")
    assert says(press(two, "approve", reset), "Done.")
    if is_over:
        end_waiting_time(reset)
    return loser.reset


def end_waiting_time(reset: SecondFactorReset) -> None:
    SecondFactorReset.objects.filter(pk=reset.pk).update(effective_at=timezone.now())


def recorded() -> list[tuple[str, str, str | None]]:
    """Outcome, actor and staff member of the events, oldest first."""
    events = Event.objects.filter(kind="factor_reset").order_by("pk")
    return list(events.values_list("outcome", "actor", "staff__email"))


class TestWorks:
    def test_the_whole_road(self, loser: Loser, one: Person, two: Person) -> None:
        other_browser = Loser(loser.sandbox, loser.email)
        other_browser.client.force_login(loser.user)
        assert other_browser.is_logged_in
        assert says(loser.client.get(AUTHENTICATE), "I lost my phone")
        assert says(loser.client.get(LOST_PHONE), "you must wait 72 hours")
        reset = loser.ask()
        assert says(one.client.get(ADMIN), loser.email, "Needs a first approval")
        press(one, "take", reset, reason=REASON)
        assert says(loser.client.get(LOST_PHONE), "waiting for a second member of support")
        assert says(two.client.get(page(SecondFactorReset, "change", reset.pk)), REASON, "Give the second approval")
        before = timezone.now()
        press(two, "approve", reset)
        reset = loser.reset
        assert reset.effective_at
        assert before + timedelta(hours=72) <= reset.effective_at <= timezone.now() + timedelta(hours=72)
        assert says(loser.client.get(LOST_PHONE), "Support has approved your request. You can")
        end_waiting_time(reset)

        link = loser.open_link()
        assert says(loser.client.get(LOST_PHONE), "Turn off two-factor authentication")
        answer = loser.client.post(link)

        assert answer["Location"] == "/accounts/2fa/"
        assert loser.is_logged_in
        assert not loser.has_second_factor
        assert not other_browser.is_logged_in
        assert loser.reset.state == "done"
        assert recorded() == [
            ("asked", "person", None),
            ("taken", "staff", one.email),
            ("approved", "staff", two.email),
            ("done", "person", None),
        ]

    def test_an_email_at_each_step(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        loser.client.post(loser.open_link())

        asked, taken, approval, done = emails_to(loser.email)
        assert "Network: 127.0.0.0/24" in asked
        assert "not before" in asked
        assert "the first of two approvals" in taken
        assert "/lost-phone/finish/" in approval
        assert "was turned off" in done
        assert [text.count("/lost-phone/stop/") for text in (asked, taken, approval, done)] == [1, 1, 1, 0]
        assert [text.count("/lost-phone/finish/") for text in (asked, taken, approval, done)] == [0, 0, 1, 0]
        for text in (asked, taken, approval, done):
            assert one.email not in text
            assert REASON not in text

    def test_support_begins_it_after_a_call(self, loser: Loser, one: Person, two: Person) -> None:
        assert says(press(one, "begin", email=loser.email.upper(), reason=REASON), "Done.")
        assert "Somebody told support that your phone is lost" in emails_to(loser.email)[0]
        press(two, "approve", loser.reset)
        end_waiting_time(loser.reset)

        loser.client.post(loser.open_link())

        assert loser.is_logged_in
        assert not loser.has_second_factor

    def test_the_link_before_the_log_in(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        browser = Loser(loser.sandbox, loser.email)

        link = browser.open_link()
        assert says(browser.client.get(LOST_PHONE), "Log in with your password or with DigitalOcean, in this browser")
        assert browser.client.post(link)["Location"] == LOST_PHONE  # the password is still missing
        assert browser.has_second_factor
        browser.log_in()
        browser.client.post(link)

        assert browser.is_logged_in

    def test_the_link_that_stops_it(self, loser: Loser, one: Person, two: Person) -> None:
        reset = approved(loser, one, two)
        anybody = Person(loser.sandbox, "anybody@example.com")
        link = link_to(loser.email, "/lost-phone/stop/")
        assert says(anybody.client.get(link), "Stop the request?")
        assert loser.reset.state == "approved"

        assert says(anybody.client.post(link), "No request is open", "Change your password")

        assert loser.reset.state == "stopped"
        assert recorded()[-1] == ("stopped", "person", None)
        assert "was stopped" in emails_to(loser.email)[-1]
        assert says(press(two, "approve", reset), "in another state")

    def test_the_log_has_no_address_and_no_reason(
        self, loser: Loser, one: Person, two: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("INFO", logger="accounts"):
            approved(loser, one, two)

        lines = "\n".join(str(record.__dict__) for record in caplog.records if record.name == "accounts.audit")
        assert "staff " in lines
        for secret in (loser.email, one.email, two.email, REASON):
            assert secret not in lines


class TestRefuses:
    def test_the_same_staff_member_twice(self, loser: Loser, one: Person) -> None:
        reset = loser.ask()
        press(one, "take", reset, reason=REASON)

        assert says(press(one, "approve", reset), "Another staff member must give the second one")

        assert loser.reset.state == "taken"
        assert recorded()[-1] == ("not allowed", "staff", one.email)

    def test_a_superuser_has_no_shortcut(self, loser: Loser, staff: Person) -> None:
        press(staff, "begin", email=loser.email, reason=REASON)
        press(staff, "approve", loser.reset)
        assert loser.reset.state == "taken"

        assert staff.client.post(page(SecondFactorReset, "change", loser.reset.pk), {"state": "approved"})
        assert staff.client.post(page(SecondFactorReset, "delete", loser.reset.pk), {"post": "yes"})

        assert loser.reset.state == "taken"

    @pytest.mark.parametrize("step", ["begin", "take", "approve", "refuse"])
    def test_their_own_account(self, loser: Loser, one: Person, two: Person, step: str) -> None:
        form = {"reason": REASON, "email": one.email}
        if step != "begin":
            press(two, "begin", **form)
            state = "asked" if step == "take" else "taken"
            SecondFactorReset.objects.update(state=state)

        reset = SecondFactorReset.objects.first()
        assert says(press(one, step, reset, **form), "You may not reset the second factor of this user")

        assert SecondFactorReset.objects.count() == (step != "begin")
        assert recorded()[-1] == ("not allowed", "staff", one.email)

    def test_a_superuser_s_account(self, loser: Loser, one: Person, two: Person, staff: Person) -> None:
        User.objects.filter(email=loser.email).update(is_superuser=True)
        reset = loser.ask()

        assert says(press(one, "take", reset, reason=REASON), "You may not reset")
        press(staff, "take", reset, reason=REASON)
        assert says(press(two, "approve", reset), "You may not reset")

        assert loser.reset.state == "taken"

    @pytest.mark.parametrize("permissions", ["", "view_"])
    def test_without_the_permission(self, loser: Loser, digitalocean: Sandbox, permissions: str) -> None:
        reset = loser.ask()
        staff = make_staff(digitalocean, "staff@example.com", permissions=permissions)

        for step in ("take", "approve", "refuse"):
            assert press(staff, step, reset, reason=REASON).status_code == 403
        assert press(staff, "begin", email=loser.email, reason=REASON).status_code == 403
        assert "Begin a reset" not in text_of(staff.client.get(ADMIN))
        assert loser.reset.state == "asked"

    @pytest.mark.parametrize("reason", ["", "  phone  ", "x" * 501])
    def test_without_a_reason(self, loser: Loser, one: Person, reason: str) -> None:
        reset = loser.ask()

        assert says(press(one, "take", reset, reason=reason), "Write the reason")

        assert loser.reset.state == "asked"

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, "permission", "deleted"])
    @pytest.mark.parametrize("who", ["one", "two"])
    def test_an_approval_of_who_may_not_approve_any_more(
        self, loser: Loser, one: Person, two: Person, change: Any, who: str
    ) -> None:
        approved(loser, one, two)
        user = {"one": one, "two": two}[who].user
        if change == "permission":
            user.user_permissions.clear()
        elif change == "deleted":
            user.delete()
        else:
            User.objects.filter(pk=user.pk).update(**change)

        answer = loser.client.post(loser.open_link(), follow=True)

        assert says(answer, "may not do so any more")
        assert loser.has_second_factor

    def test_too_early(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two, is_over=False)

        answer = loser.client.post(loser.open_link(), follow=True)

        assert says(answer, "The waiting time is not over yet")
        assert loser.has_second_factor
        assert not loser.is_logged_in

    def test_without_the_email(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)

        shown = loser.client.get(LOST_PHONE)

        assert says(shown, "Open the link in our email")
        assert "<button" not in re.sub(r"(?s)<header.*?</header>", "", shown.content.decode()).split("<main")[1]

    def test_without_the_first_factor(self, loser: Loser, one: Person, two: Person, visitor: Person) -> None:
        assert visitor.client.post(LOST_PHONE)["Location"] == "/accounts/login/"
        approved(loser, one, two)
        link = link_to(loser.email, "/lost-phone/finish/")

        visitor.client.post(link)

        assert loser.has_second_factor

    def test_another_account_with_the_link(self, loser: Loser, one: Person, two: Person, bob: Person) -> None:
        approved(loser, one, two)
        totp.switch_on(bob.user)
        bob.log_out()
        bob.log_in()

        answer = bob.client.post(link_to(loser.email, "/lost-phone/finish/"), follow=True)

        assert says(answer, "does not belong to the account")
        assert Authenticator.objects.filter(user=bob.user).exists()
        assert loser.has_second_factor

    def test_forged_links(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        stop, finish = (link_to(loser.email, f"/lost-phone/{name}/") for name in ("stop", "finish"))
        other_purpose = finish.replace("/finish/", "/stop/"), stop.replace("/stop/", "/finish/")

        for link in (*other_purpose, stop[:-2] + "x/", f"{finish[:-1]}:x/", f"{LOST_PHONE}stop/1/"):
            for answer in (loser.client.get(link), loser.client.post(link)):
                assert answer.status_code == 404
                assert says(answer, "This link does not work")

        assert loser.reset.state == "approved"

    def test_the_link_to_an_address_that_was_changed(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        finish, stop = (link_to(loser.email, f"/lost-phone/{name}/") for name in ("finish", "stop"))
        User.objects.filter(email=loser.email).update(email="new@example.com")

        assert loser.client.get(finish).status_code == 404
        loser.client.post(stop)

        assert SecondFactorReset.objects.get().state == "stopped"

    def test_a_link_that_was_used(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        link = loser.open_link()
        loser.client.post(link)
        totp.switch_on(loser.user)
        loser.to_second_step()

        assert loser.client.post(link).status_code == 404

        assert loser.has_second_factor

    @pytest.mark.parametrize("way", ["command", "task"])
    def test_an_expired_request(self, loser: Loser, one: Person, two: Person, way: str) -> None:
        approved(loser, one, two)
        link = loser.open_link()
        SecondFactorReset.objects.update(expires_at=timezone.now())

        assert loser.client.post(link).status_code == 404
        assert "alice" not in text_of(one.client.get(ADMIN))
        assert "alice" in text_of(one.client.get(ADMIN, {"show": "all"}))
        call_command("refresh_tokens") if way == "command" else tasks.expire_resets()

        assert loser.has_second_factor
        assert loser.reset.state == "expired"
        assert recorded()[-1] == ("expired", "second_factor_reset", None)
        assert "has expired" in emails_to(loser.email)[-1]

    def test_steps_of_an_expired_request(self, loser: Loser, one: Person, two: Person) -> None:
        reset = loser.ask()
        SecondFactorReset.objects.update(expires_at=timezone.now())
        assert says(press(one, "take", reset, reason=REASON), "in another state")
        SecondFactorReset.objects.update(state="taken", taken_by=one.user)
        assert says(press(two, "approve", reset), "in another state")

        assert loser.client.post(LOST_PHONE).status_code == 302  # asks anew

        assert sorted(SecondFactorReset.objects.values_list("state", flat=True)) == ["asked", "expired"]

    def test_who_asks_too_often(self, loser: Loser) -> None:
        for _ in range(3):
            loser.client.post(LOST_PHONE)
            SecondFactorReset.objects.all().delete()

        assert loser.client.post(LOST_PHONE).status_code == 429

        assert len(emails_to(loser.email)) == 3
        assert recorded()[-1][0] == "too many requests"

    def test_a_network_that_asks_too_often(self, loser: Loser, monkeypatch: Any) -> None:
        monkeypatch.setattr("accounts.second_factor_reset._LIMITS", {"reset_from_network": "1/d/key"})
        loser.client.post(LOST_PHONE, REMOTE_ADDR="192.0.2.7")
        SecondFactorReset.objects.all().delete()

        assert loser.client.post(LOST_PHONE, REMOTE_ADDR="192.0.2.200").status_code == 429
        assert loser.client.post(LOST_PHONE, REMOTE_ADDR="198.51.100.9").status_code == 302

    def test_nobody_learns_who_has_a_second_factor(self, loser: Loser, bob: Person, visitor: Person) -> None:
        """Without the first factor nobody can name an account; with it, the log-in itself shows it."""
        for person in (loser, bob):
            visitor.client.post("/accounts/login/", {"login": person.email, "password": "wrong"})
            assert says(visitor.client.get(LOST_PHONE), "If you have neither, log in")
            assert visitor.client.post(LOST_PHONE)["Location"] == "/accounts/login/"

    def test_an_account_without_a_confirmed_address(self, loser: Loser, one: Person) -> None:
        loser.user.emailaddress_set.update(verified=False)

        assert says(loser.client.get(LOST_PHONE), "no confirmed email address")
        loser.client.post(LOST_PHONE)
        assert says(press(one, "begin", email=loser.email, reason=REASON), "No active account")

        assert not SecondFactorReset.objects.exists()

    @pytest.mark.parametrize("email", ["nobody@example.com", "bob@example.com", "bob\0@example.com"])
    def test_nothing_to_reset(self, one: Person, bob: Person, email: str) -> None:
        assert says(press(one, "begin", email=email, reason=REASON), "No active account with a second factor")

    def test_support_refuses(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        link = loser.open_link()

        assert says(press(one, "refuse", loser.reset), "Done.")

        assert loser.client.post(link).status_code == 404
        assert loser.has_second_factor
        assert recorded()[-1] == ("refused", "staff", one.email)
        assert "Support has refused" in emails_to(loser.email)[-1]


class TestHandles:
    @pytest.mark.parametrize("change", ["/accounts/2fa/totp/deactivate/", "/accounts/2fa/recovery-codes/generate/"])
    def test_a_session_that_is_still_open_changes_the_second_factor(
        self,
        loser: Loser,
        one: Person,
        two: Person,
        alice: Person,
        change: str,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        alice.client.force_login(loser.user)
        approved(loser, one, two)
        alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD})

        with django_capture_on_commit_callbacks(execute=True):
            assert alice.client.post(change).status_code == 302

        assert loser.reset.state == "stopped"

    def test_a_log_in_with_the_second_factor_meanwhile(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        link = loser.open_link()

        loser.client.post(AUTHENTICATE, {"code": totp.code(loser.secret)})

        assert loser.is_logged_in
        assert loser.reset.state == "stopped"
        loser.to_second_step()
        assert loser.client.post(link).status_code == 404
        assert loser.has_second_factor

    def test_a_log_in_with_a_passkey_meanwhile(
        self, host_name: None, loser: Loser, one: Person, two: Person, alice: Person
    ) -> None:
        key = passkey.Passkey()
        passkey.add(alice, key)  # in a session that is still open
        loser.to_second_step()
        approved(loser, one, two)

        passkey.use(loser, key, AUTHENTICATE)

        assert loser.is_logged_in
        assert loser.reset.state == "stopped"

    def test_a_wrong_code_stops_nothing(self, loser: Loser) -> None:
        loser.ask()

        loser.client.post(AUTHENTICATE, {"code": "000000"})

        assert loser.reset.state == "asked"

    def test_a_double_click(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        loser.client.post(LOST_PHONE)
        link = loser.open_link()
        cookies = loser.client.cookies.copy()
        loser.client.post(link)
        loser.client.cookies = cookies

        loser.client.post(link)

        assert SecondFactorReset.objects.count() == 1
        assert [outcome for outcome, *_ in recorded()] == ["asked", "taken", "approved", "done"]

    def test_a_request_that_support_wants_to_begin_too(self, loser: Loser, one: Person) -> None:
        loser.ask()

        assert says(press(one, "begin", email=loser.email, reason=REASON), "an open request already")

        assert loser.reset.state == "asked"

    def test_a_null_character_in_the_reason(self, loser: Loser, one: Person) -> None:
        assert says(press(one, "begin", email=loser.email, reason=f"{REASON}\0"), "Done.")

        assert loser.reset.reason == REASON

    @pytest.mark.parametrize("step", ["approve", "finish"])
    def test_a_user_who_was_deactivated(self, loser: Loser, one: Person, two: Person, step: str) -> None:
        reset = loser.ask()
        press(one, "take", reset, reason=REASON)
        if step == "finish":
            press(two, "approve", reset)
            end_waiting_time(reset)
        User.objects.filter(email=loser.email).update(is_active=False)

        answer = press(two, "approve", reset) if step == "approve" else loser.client.post(loser.open_link())

        assert answer.status_code in (200, 302)
        assert loser.reset.state == ("taken" if step == "approve" else "approved")
        assert loser.has_second_factor

    def test_a_user_who_was_deleted(self, loser: Loser, one: Person, two: Person) -> None:
        reset = approved(loser, one, two)
        stop, finish = (link_to(loser.email, f"/lost-phone/{name}/") for name in ("stop", "finish"))
        loser.user.delete()

        assert loser.client.post(stop).status_code == 404
        assert loser.client.post(finish).status_code == 404
        assert says(press(two, "refuse", reset), "in another state")
        assert recorded()[1] == ("taken", "staff", one.email)

    def test_a_staff_member_who_deletes_the_account_does_not_free_the_first_approval(
        self, loser: Loser, one: Person, two: Person
    ) -> None:
        reset = loser.ask()
        press(one, "take", reset, reason=REASON)
        one.user.delete()

        assert says(press(two, "approve", reset), "may not do so any more")

        assert loser.reset.state == "taken"

    def test_a_mail_server_that_is_down(self, loser: Loser, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # nobody listens there

        assert says(loser.client.post(LOST_PHONE, follow=True), "is waiting for support")


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_second_approvals(self, loser: Loser, one: Person, two: Person, digitalocean: Sandbox) -> None:
        three = make_staff(digitalocean, "three@example.com", permissions=PERMISSION)
        reset = loser.ask()
        press(one, "take", reset, reason=REASON)

        answers = at_once(lambda: press(two, "approve", reset), lambda: press(three, "approve", reset))

        assert sorted("Done." in text_of(answer) for answer in answers) == [False, True]
        assert [outcome for outcome, *_ in recorded()].count("approved") == 1
        winner = recorded()[-1][2]
        assert loser.reset.approved_by
        assert loser.reset.approved_by.email == winner

    def test_two_first_approvals(self, loser: Loser, one: Person, two: Person) -> None:
        reset = loser.ask()

        at_once(*(lambda staff=staff: press(staff, "take", reset, reason=REASON) for staff in (one, two)))

        assert [outcome for outcome, *_ in recorded()] == ["asked", "taken"]

    def test_asking_twice(self, loser: Loser) -> None:
        other = Loser(loser.sandbox, loser.email)
        other.to_second_step()

        at_once(*(lambda person=person: person.client.post(LOST_PHONE) for person in (loser, other)))

        assert SecondFactorReset.objects.count() == 1
        assert len(emails_to(loser.email)) == 1

    def test_finishing_and_stopping(self, loser: Loser, one: Person, two: Person) -> None:
        approved(loser, one, two)
        finish = loser.open_link()
        stop = link_to(loser.email, "/lost-phone/stop/")
        anybody = Person(loser.sandbox, "anybody@example.com")

        at_once(lambda: loser.client.post(finish), lambda: anybody.client.post(stop))

        assert loser.reset.state in ("done", "stopped")
        assert loser.has_second_factor == (loser.reset.state == "stopped")


def test_the_permission_has_to_be_given(one: Person) -> None:
    assert Permission.objects.filter(codename=PERMISSION).count() == 1
    cache.clear()
    assert one.client.get(ADMIN).status_code == 200
