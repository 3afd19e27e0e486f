"""What each benchmark starts with: a sandbox with teams of known sizes, and users who have connected some of them."""

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
"""Milliseconds that DigitalOcean takes to answer a call during a benchmark."""

PER_PAGE = 200


class Incomplete(Exception):
    """A page does not show everything that it must, so its time means nothing."""


@dataclass(frozen=True)
class Visitor:
    """A user who has connected teams. `session` is the session key; `client` is a test client with that session."""

    person: Person
    teams: tuple[str, ...]

    @property
    def client(self) -> Client:
        return self.person.client

    @property
    def session(self) -> str:
        return str(self.client.cookies[settings.SESSION_COOKIE_NAME].value)

    def sessions(self, number: int) -> list[str]:
        """The session keys of `number` more browsers of this user."""
        user = self.person.user
        clients = [Client(SERVER_NAME="127.0.0.1") for _ in range(number)]
        for client in clients:
            client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return [str(client.cookies[settings.SESSION_COOKIE_NAME].value) for client in clients]


def new_visitor(sandbox: Sandbox, name: str, *teams: str) -> Visitor:
    """A new user who has connected these teams on the consent page, and has read nothing yet. `name` is unique."""
    email = f"{name}@example.com"
    # Each has its own DigitalOcean user: a team of one user can be connected to one account only.
    person = Person(sandbox, email, sandbox.add_user("A visitor", email, *teams).uuid)
    cache.clear()  # sign-ups are limited per IP address
    person.sign_up()
    for team in teams:
        cache.clear()  # and so is what one address does in a minute
        person.connect(team)
    return Visitor(person, teams)


class Stage:
    """`three` are teams of 1,000 droplets each; the `others` have twenty each until `resize`."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        self.directory = directory
        self.sandbox = sandbox
        # The other clients use the same few tokens all the time, and ignore rate limits.
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
        """How many droplets these teams have together, ordinary and GPU."""
        return sum(ordinary + gpus for ordinary, gpus in self.sizes(*teams))

    def calls(self, *teams: str) -> int:
        """How many calls reading these teams takes: every page of both lists, empty ones too."""
        return sum(max(1, -(-size // PER_PAGE)) for sizes in self.sizes(*teams) for size in sizes)

    def visitor(self, *teams: str) -> Visitor:
        """A new user who has connected these teams on the consent page, and has read nothing yet."""
        return new_visitor(self.sandbox, f"visitor-{next(self._numbers)}", *teams)

    def visitors(self, number: int, *teams: str) -> list[Visitor]:
        return [self.visitor(*teams) for _ in range(number)]

    def server(
        self, *, processes: int = 1, redis_url: str = "", settings: str = "conveyor.settings"
    ) -> AbstractContextManager[int]:
        """Conveyor in gunicorn. Yields the port."""
        return gunicorn(self.directory, processes=processes, redis_url=redis_url, settings=settings)

    @contextmanager
    def latency(self) -> Iterator[None]:
        """Within the block, each call to DigitalOcean takes LATENCY milliseconds."""
        self.sandbox.settings(latency_ms=LATENCY)
        try:
            yield
        finally:
            self.sandbox.settings(latency_ms=0)

    def checked(self, page: Page, teams: Sequence[str]) -> float:
        """The seconds that a page took. Raises Incomplete if it does not show the number of all droplets of `teams`."""
        if f"{self.droplets(*teams):,}" not in page.body:
            raise Incomplete(f"a page does not show the {self.droplets(*teams):,} droplets of {', '.join(teams)}")
        return page.seconds
