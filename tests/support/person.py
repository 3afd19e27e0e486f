"""A person at a browser: what they do with Conveyor, over Django's test client and the sandbox's real consent page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client

from accounts.models import Connection, User
from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as TestResponse

PASSWORD = "correct horse battery staple"
LOGIN = "/accounts/digitalocean/login/"


class Person:
    """Somebody with a browser of their own. `digitalocean` is who they are in the sandbox."""

    def __init__(self, sandbox: Sandbox, email: str, digitalocean: str = "ada") -> None:
        self.sandbox = sandbox
        self.email = email
        self.digitalocean = digitalocean
        self.client = Client(SERVER_NAME=urlsplit(settings.BASE_URL).hostname)

    @property
    def user(self) -> User:
        return User.objects.get(email=self.email)

    @property
    def connections(self) -> list[Connection]:
        return list(Connection.objects.for_user(self.user))

    def connection(self, team: str) -> Connection:
        return Connection.objects.for_user(self.user).get(team_name=team)

    def sign_up(self) -> TestResponse:
        """With email and password; the address is confirmed."""
        answer = self.client.post("/accounts/signup/", {"email": self.email, "password1": PASSWORD})
        EmailAddress.objects.filter(email=self.email).update(verified=True)
        self.log_in()
        return answer

    def log_in(self) -> TestResponse:
        return self.client.post("/accounts/login/", {"login": self.email, "password": PASSWORD})

    def log_out(self) -> TestResponse:
        return self.client.post("/accounts/logout/")

    def leave(self, *, process: str = "connect", url: str = "") -> str:
        """Press the button; returns DigitalOcean's address that the browser is sent to."""
        answer = self.client.post(url or f"{LOGIN}?process={process}")
        assert answer.status_code == 302, (answer.status_code, answer.content[:2000])
        return answer["Location"]

    def come_back(self, callback: str) -> TestResponse:
        """Follow DigitalOcean's redirect to Conveyor; what Conveyor answers is not followed."""
        parts = urlsplit(callback)
        return self.client.get(f"{parts.path}?{parts.query}")

    def go(
        self,
        team: str | None,
        *,
        process: str = "connect",
        url: str = "",
        decision: str = "authorize",
        user: str = "",
    ) -> TestResponse:
        """The whole round trip: button, consent, callback."""
        there = self.leave(process=process, url=url)
        callback = self.sandbox.authorize(there, user=user or self.digitalocean, team=team, decision=decision)
        return self.come_back(callback)

    def connect(self, team: str = "Acme Web", **more: str) -> Connection:
        """Connect a team and return its connection."""
        answer = self.go(team, **more)
        assert answer.status_code == 302, answer.content.decode()
        return self.connection(team)
