"""A person with a watched view: time passes, teams are read, messages are sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core import mail
from django.test import TestCase

from droplets.models import Delivery, SavedView, Watcher
from droplets.watchers.tasks import evaluate_watchers, send_due_messages
from tests.droplets.views.page import Page
from tests.support.clock import Calendar
from tests.support.emails import emails_to
from tests.support.engine import run_tasks
from tests.support.person import Person

TEAM = "Side projects"


class Watching:
    """`calendar` is the time. The view has every droplet unless `query` says otherwise."""

    def __init__(self, person: Person, calendar: Calendar, query: str = "") -> None:
        self.person = person
        self.sandbox = person.sandbox
        self.calendar = calendar
        self.view = SavedView.objects.create(user=person.user, name="Mine", query=query)

    def add(self, condition: str, **fields: Any) -> Watcher:
        """Add a watcher by its form."""
        answer = self.send("/watchers/add/", condition=condition, **fields)
        assert answer.status_code == 302, Page(answer).text
        return Watcher.objects.latest("created_at")

    def send(self, path: str, **fields: Any) -> Any:
        given = {"view": str(self.view.pk), "condition": "new", "by_email": "on", "time_zone": "UTC"} | fields
        return self.person.client.post(path, {name: value for name, value in given.items() if value is not None})

    def page(self, pk: UUID) -> Page:
        return Page(self.person.client.get(f"/watchers/{pk}/"))

    def read(self, **span: float) -> None:
        """Time passes (a minute unless `span` says more), the fleet is read again, and the schedule runs."""
        self.calendar.move_on(**(span or {"minutes": 1}))
        self.person.client.get("/droplets/?edition=none")
        self.evaluate()

    def evaluate(self) -> None:
        self._run(evaluate_watchers)

    def deliver(self, **span: float) -> None:
        """Time passes (the time in which events are gathered, unless `span` says more), and what is due is sent."""
        self.calendar.move_on(**(span or {"minutes": 1}))
        self._run(send_due_messages)

    def _run(self, task: Callable[[], None]) -> None:
        with TestCase.captureOnCommitCallbacks(execute=True):  # tests are inside of a transaction
            task()
        run_tasks()

    def told(self) -> list[str]:
        """The emails that have come since the last look."""
        self.deliver()
        found = [text for text in emails_to(self.person.email) if "/watchers/" in text]
        mail.outbox.clear()
        return found

    def messages(self) -> list[Delivery]:
        return list(Delivery.objects.order_by("created_at"))
