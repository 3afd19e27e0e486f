"""What every measure starts from: a sandbox with teams of known sizes, and people who have connected some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.test import Client

from tests.bench.browser import Page
from tests.bench.server import gunicorn
from tests.support.person import Person
from tests.support.sandbox import Sandbox

LATENCY = 100
"""Milliseconds that DigitalOcean takes to answer a call, when it is measured."""

PER_PAGE = 200


class NotWhole(Exception):
    """A page does not show all that it should, so its time says nothing."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who has connected teams. `session` is their browser's; `client` the same browser within this process."""

    person: Person
    teams: tuple[str, ...]

    @property
    def client(self) -> Client:
        return self.person.client

    @property
    def session(self) -> str:
        return str(self.client.cookies[settings.SESSION_COOKIE_NAME].value)

    def sessions(self, number: int) -> list[str]:
        """The sessions of so many further browsers of theirs."""
        user = self.person.user
        clients = [Client(SERVER_NAME="127.0.0.1") for _ in range(number)]
        for client in clients:
            client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return [str(client.cookies[settings.SESSION_COOKIE_NAME].value) for client in clients]


class Stage:
    """`three` are teams of 1,000 droplets each; the `others`, however many, have twenty until `resize`."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        self.directory = directory
        self.sandbox = sandbox
        # The other clients use the same few tokens all the time, and mind no limits.
        sandbox.settings(burst_limit=0, hourly_limit=1_000_000)
        mine = set(sandbox.user("ada").teams)
        names = [team.name for team in sandbox.teams() if team.uuid in mine]
        self.three, self.others = tuple(names[:3]), tuple(names[3:])
        self._sizes: dict[str, tuple[int, int]] = {}
        self._numbers = count(1)
        for team in self.three:
            self.resize(team, 1000)

    def resize(self, team: str, droplets: int) -> None:
        self.sandbox.droplets(team, count=droplets)
        self._sizes = {}

    def sizes(self, *teams: str) -> list[tuple[int, int]]:
        """How many ordinary and how many GPU droplets each of these teams has."""
        self._sizes = self._sizes or {team.name: (team.droplets, team.gpus) for team in self.sandbox.teams()}
        return [self._sizes[team] for team in teams]

    def droplets(self, *teams: str) -> int:
        """How many droplets these teams have together, of either kind."""
        return sum(ordinary + gpus for ordinary, gpus in self.sizes(*teams))

    def calls(self, *teams: str) -> int:
        """How many calls a whole reading of these teams takes: every page of both listings, the empty ones too."""
        return sum(max(1, -(-size // PER_PAGE)) for sizes in self.sizes(*teams) for size in sizes)

    def visitor(self, *teams: str) -> Visitor:
        """A new person who has connected these teams over the consent page, and read nothing yet."""
        email = f"visitor-{next(self._numbers)}@example.com"
        # DigitalOcean users of their own: one user's team can be connected to one account only.
        person = Person(self.sandbox, email, self.sandbox.add_user("A visitor", email, *teams).uuid)
        cache.clear()  # signing up is limited by the address that it comes from
        person.sign_up()
        for team in teams:
            person.connect(team)
        return Visitor(person, teams)

    def visitors(self, number: int, *teams: str) -> list[Visitor]:
        return [self.visitor(*teams) for _ in range(number)]

    def server(
        self, *, processes: int = 1, redis_url: str = "", settings: str = "conveyor.settings"
    ) -> AbstractContextManager[int]:
        """A gunicorn of this Conveyor; the port."""
        return gunicorn(self.directory, processes=processes, redis_url=redis_url, settings=settings)

    @contextmanager
    def latency(self) -> Iterator[None]:
        """Every call to DigitalOcean takes LATENCY milliseconds, within the block."""
        self.sandbox.settings(latency_ms=LATENCY)
        try:
            yield
        finally:
            self.sandbox.settings(latency_ms=0)

    def whole(self, page: Page, teams: Sequence[str]) -> float:
        """The seconds that a page took. Raises NotWhole when it does not tell of all droplets of `teams`."""
        if f"{self.droplets(*teams):,}" not in page.body:
            raise NotWhole(f"a page does not show the {self.droplets(*teams):,} droplets of {', '.join(teams)}")
        return page.seconds
