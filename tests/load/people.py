"""The people of a run: signed up, with teams that they share with others; some may act."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from django.db import connections
from tqdm import tqdm

from tests.bench.stage import Visitor, new_visitor
from tests.support.sandbox import Sandbox

TEAM_OF = 4
"""People in each team. Every fourth person has a second team, and every fourth one lets Conveyor act in the first."""

_AT_ONCE = 4


def make(sandbox: Sandbox, number: int) -> list[Visitor]:
    """That many visitors. `acts` tells which of them let Conveyor act."""
    teams = [f"Team {at:03}" for at in range(-(-number // TEAM_OF))]
    sandbox.add_user("The first", "first@example.com", *teams)  # so that nobody else makes a team at the same time

    def sign_up(at: int) -> Visitor:
        wanted = [teams[at // TEAM_OF]]
        if at % TEAM_OF == 0 and len(teams) > 1:
            wanted.append(teams[(at // TEAM_OF + 1) % len(teams)])
        try:
            visitor = new_visitor(sandbox, f"person-{at}", *wanted)
            if acts(at):
                person = visitor.person
                person.go(wanted[0], url=f"/accounts/connections/{person.connection(wanted[0]).pk}/act/")
            return visitor
        finally:
            connections.close_all()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(tqdm(pool.map(sign_up, range(number)), total=number, desc="people", leave=False, file=sys.stderr))


def acts(at: int) -> bool:
    """Whether the person with this number lets Conveyor act."""
    return at % TEAM_OF == 1
