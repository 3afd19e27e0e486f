"""A person who acts on many droplets at once, through the pages, while workers do the rest."""

from __future__ import annotations

import re
from typing import Any

from django.utils import timezone

from accounts.models import Connection
from droplets.jobs import advance, tasks
from droplets.models import Action, Job, JobStep, JobTeam
from tests.droplets.views.page import Page
from tests.support.person import Person

FIRST = 5001
ORDERS = "POST /v2/droplets/{droplet_id}/actions"


class Many:
    """A person, and teams with droplets of known ids that run."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.sandbox = person.sandbox

    def team(self, name: str, *, count: int, first: int = FIRST, acting: bool = True) -> Connection:
        """Connect a team of that many droplets, which Conveyor may act on."""
        connection = self.person.connect(name)
        if acting:
            self.allow(name)
        self.sandbox.droplets(name, count=count)
        fields = [
            {"id": first + at, "name": f"web-{at}", "status": "active", "locked": False, "features": []}
            for at in range(count)
        ]
        self.sandbox.droplets(name, patch=[{"index": at, "set": each} for at, each in enumerate(fields)])
        connection.refresh_from_db()
        return connection

    def allow(self, name: str) -> Any:
        url = f"/accounts/connections/{self.person.connection(name).pk}/act/"
        return self.person.go(name, url=url)

    def select(self, kind: str, **fields: Any) -> Any:
        """Send the form below the fleet's list; by default with all droplets that the search finds."""
        return self.person.client.post("/jobs/select/", {"kind": kind, "which": "found", **fields})

    def preview(self, kind: str, **fields: Any) -> Page:
        answer = self.select(kind, **fields)
        assert answer.status_code == 302, answer.content.decode()
        return Page(self.person.client.get(answer["Location"]))

    def confirm(self, job: Job | None = None, **fields: Any) -> Any:
        """Press the button of the preview."""
        job = job or Job.objects.get(state="draft")
        url = f"/jobs/{job.pk}/confirm/"
        page = self.person.client.get(url).content.decode()
        found = re.search(r'name="edition" value="(\w+)"', page)
        edition = found[1] if found else ""
        return self.person.client.post(url, {"edition": edition, "at_once": 5, "pause": 0, **fields})

    def start(self, kind: str, *, selected: dict[str, Any] | None = None, **fields: Any) -> Job:
        """A confirmed job."""
        job = Job.objects.get(pk=self.select(kind, **(selected or {}))["Location"].split("/")[2])
        answer = self.confirm(job, **fields)
        assert answer.status_code == 302, Page(answer).text
        job.refresh_from_db()
        assert job.state == "running"
        return job

    def go_on(self, *, times: int = 1, seconds: float = 60) -> None:
        """Let time go by at DigitalOcean and here, and the schedule and workers do what is due."""
        for _ in range(times):
            self.sandbox.forward(seconds)
            now = timezone.now()
            JobTeam.objects.exclude(due_at=None).update(due_at=now)
            JobTeam.objects.exclude(send_after=None).update(send_after=now)
            Action.objects.exclude(ask_at=None).update(ask_at=now)
            self.work()

    def work(self) -> None:
        """What a worker does with the messages of the schedule."""
        for part in list(advance.due()):
            tasks.advance_job(str(part.job_id), str(part.connection_id))

    def states(self) -> list[str]:
        return list(JobStep.objects.order_by("pk").values_list("state", flat=True))

    def messages(self) -> set[str]:
        return set(JobStep.objects.values_list("message", flat=True))

    def sent(self) -> int:
        """How many requests to act have reached DigitalOcean."""
        return self.sandbox.counters().by_endpoint.get(ORDERS, 0)
