"""A person who acts on a droplet through its pages."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from accounts.models import Connection
from droplets.models import Action
from tests.droplets.views.page import Page
from tests.support.person import Person
from tests.support.sandbox_rows import RequestedAction

DROPLET = 4711


class Acting:
    """A person, one of their connections, and one droplet."""

    def __init__(self, person: Person, connection: Connection, droplet: int = DROPLET) -> None:
        self.person = person
        self.sandbox = person.sandbox
        self.connection = connection
        self.address = f"/droplets/{connection.pk}/{droplet}/"
        self.droplet = droplet

    def allow(self, team: str | None = None) -> Any:
        """Let Conveyor act, by the button, on DigitalOcean's page; back where the button leads."""
        url = f"/accounts/connections/{self.connection.pk}/act/"
        return self.person.go(team or self.connection.team_name, url=url)

    def open(self, kind: str) -> Page:
        """The page that asks before an action."""
        return Page(self.person.client.get(f"{self.address}actions/{kind}/"))

    def press(self, kind: str, **fields: Any) -> Any:
        """Send that page's form, with a key of its own unless `fields` has one; the bare answer."""
        return self.person.client.post(f"{self.address}actions/{kind}/", {"key": str(uuid4()), **fields})

    def change(self, **fields: Any) -> None:
        """Change the droplet at DigitalOcean."""
        self.sandbox.droplets(self.connection.team_name, patch=[{"index": 0, "set": fields}])

    def done(self, kind: str = "") -> list[RequestedAction]:
        """What really reached the droplet, oldest first."""
        return self.sandbox.actions(self.droplet, kind or None)

    @property
    def row(self) -> Action:
        """The only row that there is."""
        return Action.objects.get()
