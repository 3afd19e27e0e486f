"""1,000 connections of 20 droplets each are read on schedule by two workers; DigitalOcean takes 50 ms for each call.

All are due at once, as after a night without workers: how many a second are read until all are, with their lists of
actions. Each worker has one process. It is compared with the calls alone: two processes of 8 threads make the same
three calls for each connection, decode the answers and store nothing. Each connection is of another user and team
for Conveyor; the rows are made by the benchmark. Each token is a grant of its own for one of 33 teams of the sandbox.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from time import perf_counter

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from accounts import token_store
from accounts.models import Connection, User
from common.tasks import enqueue
from droplets.models import TeamReading
from droplets.tasks import watch_teams
from tests.bench.results import Result, compared, per_second
from tests.bench.rivals import Rival
from tests.bench.rounds import in_turns, rounds
from tests.bench.stage import Incomplete, Stage
from tests.bench.workers import running
from tests.support.waiting import wait_until

CONNECTIONS, LATENCY, ROUNDS = 1000, 50, 2


def measure(stage: Stage) -> list[Result]:
    teams = stage.others
    tokens = [_connect(stage, teams[turn % len(teams)], turn) for turn in rounds("connecting teams", CONNECTIONS)]
    halves = tokens[::2], tokens[1::2]
    stage.sandbox.settings(latency_ms=LATENCY)
    with ExitStack() as stack:
        rivals = [stack.enter_context(Rival("watching", stage.sandbox.url, half)) for half in halves]
        pool = stack.enter_context(ThreadPoolExecutor(len(rivals)))
        stack.enter_context(running(stage, 2, concurrency=1, beat=False))

        def bare(turn: int) -> float:
            start = perf_counter()
            list(pool.map(lambda rival: rival.read(), rivals))
            return CONNECTIONS / (perf_counter() - start)

        _read(stage)  # the first reading of a team takes another way
        found = in_turns("readings", {"watch": lambda turn: _read(stage), "bare": bare}, ROUNDS)
    what = f"{CONNECTIONS:,} connections read by two workers, vs. the calls alone"
    return [compared(what, found["watch"], found["bare"], least=0.8, unit=per_second)]


def _connect(stage: Stage, team: str, number: int) -> str:
    """A connection of a new user to this team. Returns its access token."""
    pair = stage.sandbox.connect(team=team)
    user = User.objects.create_user(email=f"watched-{number}@example.com", password=None, last_login=timezone.now())
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    account = SocialAccount.objects.create(provider="digitalocean", uid=f"user-{number}:team-{number}", user=user)
    connection = Connection.objects.create(
        account=account, user_uuid=f"user-{number}", team_uuid=f"team-{number}", team_name=team
    )
    with transaction.atomic():
        token_store.store(
            connection,
            access_token=str(pair["access_token"]),
            refresh_token=str(pair["refresh_token"]),
            expires_at=timezone.now() + timedelta(days=29),
            scope="read",
            connected_at=timezone.now(),
        )
    return str(pair["access_token"])


def _read(stage: Stage) -> float:
    """Connections a second, from the message of the schedule until all droplets and actions have been read."""
    cache.clear()
    began = timezone.now()
    TeamReading.objects.update(due_at=began)
    stage.sandbox.reset_counters()
    start = perf_counter()
    enqueue(watch_teams)
    wait_until(lambda: _calls(stage) >= 3 * CONNECTIONS, seconds=120)
    wait_until(lambda: TeamReading.objects.filter(taken_at__gte=began).count() == CONNECTIONS, seconds=30)
    seconds = perf_counter() - start
    if TeamReading.objects.exclude(outcome="").exists():
        raise Incomplete("a team could not be read")
    return CONNECTIONS / seconds


def _calls(stage: Stage) -> int:
    made = stage.sandbox.counters().by_endpoint
    return made.get("GET /v2/droplets", 0) + made.get("GET /v2/actions", 0)
