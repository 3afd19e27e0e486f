"""The page about an incident: whom it touched, what they saw, what recovered; and the email to all of them."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.core import mail
from django.utils import timezone

from accounts import emails, incident_emails
from accounts.models import Event, IncidentEmail, IncidentRecipient, OutcomeInterval, User
from accounts.tasks import send_incident_email, send_incident_emails
from droplets.models import Action
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff

PAGE = "/admin/incident/"
START = datetime.fromisoformat("2026-03-01T10:00:00+00:00")
HOUR = timedelta(hours=1)
NIGHT = "?start=2026-03-01T10:00&end=2026-03-01T12:00&scope=digitalocean"
TEXT = {"subject": "DigitalOcean was down", "text": "Your droplets could not be read.\nThey are all right."}


@pytest.fixture
def sender(agent: Person) -> Person:
    """An agent who may also email everybody."""
    agent.user.user_permissions.add(Permission.objects.get(codename="send_incident_email"))
    return agent


def touch(
    user: User, start: datetime, end: datetime | None, team: str = "Team", outcome: str = "unavailable"
) -> OutcomeInterval:
    return OutcomeInterval.objects.create(
        user=user, connection_id=uuid4(), team_name=team, team_uuid=str(uuid4()), kind="reading", outcome=outcome,
        shown="The droplets of 09:59", request_id="do-request-1", started_at=start, last_at=end or start, ended_at=end,
    )  # fmt: skip


def person(email: str, *, verified: bool = True) -> User:
    user = User.objects.create_user(email)
    EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    return user


@pytest.fixture
def night(db: None) -> dict[str, User]:
    """Ann was touched and has recovered, Ben's team still fails, Cid was touched the day before, Dan has revoked it."""
    users = {name: person(f"{name}@example.com") for name in ("ann", "ben", "cid", "dan")}
    touch(users["ann"], START + HOUR, START + 2 * HOUR, "Of Ann")
    touch(users["ben"], START - HOUR, None, "Of Ben", "incomplete")
    touch(users["cid"], START - 25 * HOUR, START - 24 * HOUR, "Of Cid")
    touch(users["dan"], START + HOUR, None, "Of Dan", "needs_reconnect")
    return users


def key_of(answer: Any) -> str:
    found = re.search(r'name="key" value="([0-9a-f-]{36})"', answer.content.decode())
    assert found
    return found[1]


def send(agent: Person, number: int, key: str = "", **more: str) -> Any:
    return agent.client.post(
        f"{PAGE}email/{NIGHT}", {**TEXT, "key": key or str(uuid4()), "number": str(number), "send": "1", **more}
    )


class TestWorks:
    def test_whom_it_touched_and_what_they_saw(self, agent: Person, night: dict[str, User]) -> None:
        page = agent.client.get(f"{PAGE}{NIGHT}")

        assert says(page, "ann@example.com", "Of Ann", "The droplets of 09:59", "do-request-1", "2026-03-01 12:00")
        assert says(
            page, "DigitalOcean is having trouble answering.", "Of Ben", "Not yet", f"/people/{night['ann'].pk}/"
        )
        assert not re.search("Of (Cid|Dan)", text_of(page))
        assert page.context["counts"] == {"people": 2, "connections": 2, "teams": 2, "failing": 1, "recovered": 1}

    def test_everything_that_failed(self, agent: Person, night: dict[str, User]) -> None:
        page = agent.client.get(f"{PAGE}{NIGHT.replace('digitalocean', 'all')}")

        assert says(page, "Of Ann", "Of Ben", "Of Dan")

    def test_which_actions_hung(self, agent: Person, night: dict[str, User]) -> None:
        at = START + HOUR
        rows = [
            ("lost", "lost-1", at, at + timedelta(minutes=1)),
            ("completed", "slow-1", at, at + HOUR),
            ("in_progress", "hangs-1", at, None),
            ("completed", "fine-1", at, at + timedelta(minutes=1)),
            ("lost", "before-1", START - HOUR, START - HOUR),
        ]
        for status, name, recorded_at, ended_at in rows:
            Action.objects.create(
                user=night["ann"], key=uuid4(), connection_id=uuid4(), team_name="Of Ann", droplet_id=1, kind="reboot",
                droplet_name=name, status=status, recorded_at=recorded_at, ended_at=ended_at,
            )  # fmt: skip

        page = agent.client.get(f"{PAGE}{NIGHT}")

        assert says(page, "lost-1", "slow-1", "hangs-1")
        assert not re.search("fine-1|before-1", text_of(page))

    def test_without_a_time_it_is_the_last_day(self, agent: Person, night: dict[str, User]) -> None:
        touch(night["cid"], timezone.now() - HOUR, None, "Just now")

        page = agent.client.get(PAGE)

        assert says(page, "Just now", "Of Ben")
        assert "Of Ann" not in text_of(page)

    def test_the_same_as_csv(self, agent: Person, night: dict[str, User]) -> None:
        night["ann"].outcome_intervals.update(team_name="=1+1")
        answer = agent.client.post(f"{PAGE}csv/{NIGHT}")

        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode().removeprefix("\ufeff"))))
        assert [row["person"] for row in rows] == ["ben@example.com", "ann@example.com"]
        assert rows[1]["team"] == "'=1+1"
        assert rows[1]["to"] == "2026-03-01T12:00:00+00:00"
        assert Event.objects.get(kind="export").staff == agent.user

    def test_an_email_to_all_of_them(self, sender: Person, night: dict[str, User]) -> None:
        form = sender.client.get(f"{PAGE}email/{NIGHT}")
        key = key_of(form)
        preview = sender.client.post(f"{PAGE}email/{NIGHT}", {**TEXT, "key": key, "preview": "1"})
        assert says(preview, "This is what each person gets", "They are all right.", "type how many people get it: 2")
        assert not IncidentEmail.objects.exists()
        mail.outbox.clear()

        answer = send(sender, 2, key)
        send_incident_email(key)

        assert answer["Location"] == f"{PAGE}email/{key}/"
        assert sorted(message.to[0] for message in mail.outbox) == ["ann@example.com", "ben@example.com"]
        assert all("They are all right." in str(message.body) for message in mail.outbox)
        assert says(sender.client.get(answer["Location"]), "2", "Sent", "DigitalOcean was down")
        event = Event.objects.get(kind="staff_act")
        assert event.staff == sender.user
        assert "2 people" in event.detail
        assert {event.user for event in Event.objects.filter(detail__startswith="incident", kind="email")} == {
            night["ann"],
            night["ben"],
        }

    def test_the_schedule_finds_what_waits(
        self, sender: Person, night: dict[str, User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = key_of(sender.client.get(f"{PAGE}email/{NIGHT}"))
        send(sender, 2, key)
        sent: list[Any] = []
        monkeypatch.setattr("accounts.tasks.enqueue", lambda task, pk: sent.append(str(pk)))

        send_incident_emails()

        assert sent == [key]


class TestRefuses:
    def test_a_wrong_number_sends_nothing_and_keeps_the_text(self, sender: Person, night: dict[str, User]) -> None:
        answer = send(sender, 3)

        assert answer.status_code == 422
        assert says(answer, "Type 2: the number of people who get the email.", "They are all right.")
        assert not IncidentEmail.objects.exists()

    @pytest.mark.parametrize("missing", [{"subject": ""}, {"text": " "}, {"key": "x"}, {"number": "two"}])
    def test_what_is_missing(self, sender: Person, night: dict[str, User], missing: dict[str, str]) -> None:
        answer = sender.client.post(
            f"{PAGE}email/{NIGHT}", {**TEXT, "key": str(uuid4()), "number": "2", "send": "1"} | missing
        )

        assert answer.status_code == 422
        assert not IncidentEmail.objects.exists()

    def test_without_the_permission_to_send(self, agent: Person, night: dict[str, User]) -> None:
        assert agent.client.get(f"{PAGE}email/{NIGHT}").status_code == 403
        assert send(agent, 2).status_code == 403
        assert "Write an email" not in text_of(agent.client.get(f"{PAGE}{NIGHT}"))

    def test_without_any_permission(self, digitalocean: Sandbox, night: dict[str, User]) -> None:
        nobody = make_staff(digitalocean, "nobody@example.com")

        assert nobody.client.get(f"{PAGE}{NIGHT}").status_code == 403
        assert nobody.client.post(f"{PAGE}csv/{NIGHT}").status_code == 403

    def test_other_staff_are_not_in_it(self, sender: Person, staff: Person, night: dict[str, User]) -> None:
        touch(staff.user, START + HOUR, None, "Of staff")

        assert "Of staff" not in text_of(sender.client.get(f"{PAGE}{NIGHT}"))
        assert send(sender, 2).status_code == 302
        assert not IncidentRecipient.objects.filter(user=staff.user).exists()

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ("?start=2026-03-01T10:00&end=2026-03-01T10:00", "The end must be after the start."),
            ("?start=2026-03-01T10:00&end=2026-05-01T10:00", "31 days long at most"),
            ("?start=yesterday&end=2026-03-01T10:00", "Enter a valid date/time."),
            ("?start=2026-03-01T10:00", "This field is required."),
            (NIGHT.replace("=digitalocean", "=x"), "Select a valid choice."),
        ],
    )
    def test_a_time_that_makes_no_sense(self, agent: Person, db: None, query: str, error: str) -> None:
        page = agent.client.get(f"{PAGE}{query}")

        assert page.status_code == 422
        assert says(page, error)


class TestHandles:
    def test_a_double_click_is_one_email(self, sender: Person, night: dict[str, User]) -> None:
        key = str(uuid4())

        assert send(sender, 2, key)["Location"] == send(sender, 2, key)["Location"]

        assert IncidentEmail.objects.count() == 1
        assert IncidentRecipient.objects.count() == 2

    def test_the_form_of_another_staff_member(self, sender: Person, staff: Person, night: dict[str, User]) -> None:
        key = str(uuid4())
        send(staff, 2, key)

        assert send(sender, 2, key).status_code == 403

    def test_a_worker_that_is_killed_while_it_sends(
        self, sender: Person, night: dict[str, User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = str(uuid4())
        send(sender, 2, key)
        mail.outbox.clear()
        real = emails.send

        def killed(*args: Any, **more: Any) -> bool:
            real(*args, **more)
            raise SystemExit  # as SIGKILL: what comes after it is not done

        monkeypatch.setattr(emails, "send", killed)
        with pytest.raises(SystemExit):
            send_incident_email(key)
        monkeypatch.setattr(emails, "send", real)
        send_incident_email(key)
        send_incident_email(key)

        assert sorted(message.to[0] for message in mail.outbox) == ["ann@example.com", "ben@example.com"]
        assert says(sender.client.get(f"{PAGE}email/{key}/"), "Not known whether it was sent")

    def test_a_mail_server_that_refuses_and_an_address_that_is_not_confirmed(
        self, sender: Person, night: dict[str, User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        EmailAddress.objects.filter(user=night["ben"]).update(verified=False)
        monkeypatch.setattr(emails, "send", lambda *args, **more: False)
        key = str(uuid4())
        send(sender, 2, key)

        send_incident_email(key)

        statuses = dict(IncidentRecipient.objects.values_list("user__email", "status"))
        assert statuses == {"ann@example.com": "failed", "ben@example.com": "skipped"}

    def test_more_than_one_message_sends(
        self, sender: Person, night: dict[str, User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = str(uuid4())
        send(sender, 2, key)
        mail.outbox.clear()
        monkeypatch.setattr(incident_emails, "_SECONDS", -1.0)
        assert incident_emails.send_some(IncidentEmail.objects.get().pk)
        monkeypatch.setattr(incident_emails, "_SECONDS", 60.0)

        assert not incident_emails.send_some(IncidentEmail.objects.get().pk)
        assert len(mail.outbox) == 2
