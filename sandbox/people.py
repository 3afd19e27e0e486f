"""The generated users and teams. The same seed generates the same ones."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from sandbox.store import Store

NO_TEAM = ""  # stands for "no team" in forms and tables


@dataclass(frozen=True, slots=True)
class User:
    """A user with a login. `status` is active, warning or locked; `status_message` None means the default text."""

    uuid: str
    name: str
    email: str
    status: str
    status_message: str | None


@dataclass(frozen=True, slots=True)
class Team:
    """A team. `number` is unique; `theme` decides what roles its droplets have."""

    uuid: str
    number: int
    name: str
    theme: str


PEOPLE = (
    ("ada", "Ada Byron", "ada@acme.example"),
    ("grace", "Grace Hopper", "grace@northwind.example"),
    ("linus", "Linus Solo", "linus@solo.example"),
)
GRACES_OWN = "Hopper Labs"
SHARED = "Northwind"
ADAS_FIRST = (("Acme Web", "web"), (SHARED, "shop"), ("Side projects", "hobby"))
THEMES = ("web", "shop", "data", "hobby")
FIRST_WORDS = (
    "Juniper", "Harbour", "Copper", "Lantern", "Meadow", "Granite", "Saffron", "Willow", "Cobalt", "Thistle",
    "Marlin", "Orchard", "Quarry", "Beacon", "Cinder", "Falcon", "Garnet", "Heron", "Indigo", "Kestrel",
)  # fmt: skip
SECOND_WORDS = (
    "Analytics", "Studio", "Logistics", "Health", "Games", "Research", "Media", "Finance", "Robotics", "Travel",
    "Books", "Foods", "Energy", "Systems", "Maps", "Learning", "Audio", "Works", "Archive", "Mobile",
)  # fmt: skip


def make_uuid(seed: int, *parts: str) -> str:
    """A uuid in the format of DigitalOcean's users and teams: 40 characters without dashes."""
    return hashlib.sha1(f"{seed}/{'/'.join(parts)}".encode(), usedforsecurity=False).hexdigest()


def create(store: Store, seed: int, teams: int) -> None:
    """Add the users and teams of this seed, with `teams` teams for Ada. Existing rows stay as they are."""
    people = {key: make_uuid(seed, "user", key) for key, _, _ in PEOPLE}
    with store.transaction():
        for position, (key, name, email) in enumerate(PEOPLE):
            store.run(
                "INSERT OR IGNORE INTO users (uuid, position, name, email) VALUES (?, ?, ?, ?)",
                people[key], position, name, email,
            )  # fmt: skip
        for name, theme in (*_adas_teams(seed, teams), (SHARED, "shop"), (GRACES_OWN, "data")):
            add_team(store, seed, name, theme)
        for name, _ in _adas_teams(seed, teams):
            join(store, people["ada"], make_uuid(seed, "team", name))
        for name in (SHARED, GRACES_OWN):
            join(store, people["grace"], make_uuid(seed, "team", name))


def _adas_teams(seed: int, count: int) -> list[tuple[str, str]]:
    named = list(ADAS_FIRST[:count])
    pairs = [f"{first} {second}" for first in FIRST_WORDS for second in SECOND_WORDS]
    random.Random(f"{seed}/team names").shuffle(pairs)
    for extra in range(count - len(named)):
        name = pairs[extra] if extra < len(pairs) else f"{pairs[extra % len(pairs)]} {extra // len(pairs) + 1}"
        named.append((name, THEMES[extra % len(THEMES)]))
    return named


def add_team(store: Store, seed: int, name: str, theme: str = "hobby") -> str:
    """Add the team called `name` unless it exists. Returns its uuid."""
    uuid = make_uuid(seed, "team", name)
    store.run(
        "INSERT OR IGNORE INTO teams (uuid, position, name, theme) "
        "VALUES (?, (SELECT coalesce(max(position), 0) + 1 FROM teams), ?, ?)",
        uuid, name, theme,
    )  # fmt: skip
    return uuid


def join(store: Store, user_uuid: str, team_uuid: str) -> None:
    """Add the user to the team."""
    store.run("INSERT OR IGNORE INTO members (user_uuid, team_uuid) VALUES (?, ?)", user_uuid, team_uuid)


def add_user(store: Store, seed: int, name: str, email: str) -> str:
    """Add a user without a team. Returns their uuid."""
    position = store.one("SELECT max(position) + 1 FROM users")[0]
    uuid = make_uuid(seed, "user", str(position), email)
    store.run("INSERT INTO users (uuid, position, name, email) VALUES (?, ?, ?, ?)", uuid, position, name, email)
    return uuid


def users(store: Store) -> list[User]:
    """Every user, in the order in which they were added."""
    rows = store.all("SELECT uuid, name, email, status, status_message FROM users ORDER BY position")
    return [User(**row) for row in rows]


def user(store: Store, uuid: str) -> User | None:
    """One user, or None."""
    return next((person for person in users(store) if person.uuid == uuid), None)


def teams(store: Store) -> list[Team]:
    """Every team, in the order in which they were added."""
    rows = store.all("SELECT uuid, position, name, theme FROM teams ORDER BY position")
    return [Team(row["uuid"], row["position"], row["name"], row["theme"]) for row in rows]


def team(store: Store, uuid: str) -> Team | None:
    """One team, or None."""
    row = store.first("SELECT uuid, position, name, theme FROM teams WHERE uuid = ?", uuid)
    return None if row is None else Team(row["uuid"], row["position"], row["name"], row["theme"])


def teams_of(store: Store, user_uuid: str) -> list[Team]:
    """The teams that a user is a member of."""
    uuids = {row[0] for row in store.all("SELECT team_uuid FROM members WHERE user_uuid = ?", user_uuid)}
    return [each for each in teams(store) if each.uuid in uuids]
