"""400 connections whose tokens are due, and 400 droplets with an action under way; DigitalOcean takes 50 ms for a call.

`refresh_tokens` refreshes all tokens, and `follow_actions` polls all actions, each with 32 calls at once, which is what
both do by default. Each connection has one action, the case in which nothing but the calls side by side makes it
fast. They are compared with the calls alone: the same 400 calls by the same client, from a pool of 32 threads that
stores nothing. The commands run in the process that measures, on SQLite, without its start. Each pair of tokens is a
grant of its own, and each round refreshes it once more. Every command must report all 400 as refreshed or under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from time import monotonic, perf_counter
from uuid import uuid4

from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts import token_store
from accounts.models import Connection, User
from digitalocean_client import actions as actions_api
from digitalocean_client import oauth
from droplets.models import Action
from tests.bench.results import Result, compared
from tests.bench.rounds import ROUNDS, in_turns
from tests.bench.stage import PER_PAGE, Incomplete, Stage

CONNECTIONS, AT_ONCE, LATENCY = 400, 32, 50


def measure(stage: Stage) -> list[Result]:
    team = stage.others[0]
    stage.resize(team, 2 * CONNECTIONS)
    pairs = _pairs(stage, team, 2 * CONNECTIONS)
    connections = _connections(pairs[:CONNECTIONS])
    spare = [refresh for _, refresh in pairs[CONNECTIONS:]]
    token = stage.sandbox.connect(team=team, scope="read write")["access_token"]
    stage.sandbox.settings(action_seconds=1_000_000)
    acted = _act(stage, str(token), connections)
    stage.sandbox.settings(latency_ms=LATENCY)
    try:
        found = in_turns(
            "refreshes and polls",
            {
                "refresh": lambda turn: _refresh_command(),
                "bare refresh": lambda turn: _bare_refresh(spare),
                "follow": lambda turn: _follow_command(),
                "bare poll": lambda turn: _bare_poll(str(token), acted),
            },
            ROUNDS,
        )
    finally:
        stage.sandbox.settings(latency_ms=0, action_seconds=4)
    return [
        compared(f"{CONNECTIONS} refreshes, vs. the calls alone", found["refresh"], found["bare refresh"], most=1.25),
        compared(f"{CONNECTIONS} actions polled, vs. the calls alone", found["follow"], found["bare poll"], most=1.25),
    ]


def _pairs(stage: Stage, team: str, number: int) -> list[tuple[str, str]]:
    found = [stage.sandbox.connect(team=team) for _ in range(number)]
    return [(str(pair["access_token"]), str(pair["refresh_token"])) for pair in found]


def _connections(pairs: Sequence[tuple[str, str]]) -> list[Connection]:
    user = User.objects.create_user(email="many@example.com", password=None)
    connections = []
    for number, (access_token, refresh_token) in enumerate(pairs):
        account = SocialAccount.objects.create(provider="digitalocean", uid=f"user-{number}:team", user=user)
        connection = Connection.objects.create(
            account=account, user_uuid=f"user-{number}", team_uuid="team", team_name=f"Team {number}"
        )
        with transaction.atomic():
            token_store.store(
                connection,
                access_token=access_token,
                refresh_token=refresh_token,
                expires_at=timezone.now() + timedelta(days=1),
                scope="read",
                connected_at=timezone.now() - timedelta(days=30),
            )
        connections.append(connection)
    return connections


def _act(stage: Stage, token: str, connections: Sequence[Connection]) -> list[tuple[int, int]]:
    """Begin an action on a droplet for each connection. Returns the keys of droplets and actions at DigitalOcean."""
    droplets: list[int] = []
    for page in range(1, 2 * CONNECTIONS // PER_PAGE + 1):
        answer = stage.sandbox.get("/v2/droplets", token, page=page, per_page=PER_PAGE)
        droplets += [each["id"] for each in answer.json()["droplets"]]
    # Some droplets are just being created or deleted, and refuse.
    answers = (stage.sandbox.act(droplet, token, "rename", name="web") for droplet in droplets)
    begun = ((answer.json()["action"]["resource_id"], answer.json()["action"]) for answer in answers if answer.ok)
    found = []
    for connection, (droplet, action) in zip(connections, begun, strict=False):
        found.append((droplet, int(action["id"])))
        Action.objects.create(
            user=connection.user,
            key=uuid4(),
            connection_id=connection.pk,
            droplet_id=droplet,
            droplet_name="web",
            kind="rename",
            status=Action.Status.IN_PROGRESS,
            digitalocean_id=action["id"],
            began_at=action["started_at"],
            sent_at=timezone.now(),
            ask_at=timezone.now(),
        )
    if len(found) != CONNECTIONS:
        raise Incomplete(f"{len(found)} actions instead of {CONNECTIONS}")
    return found


def _refresh_command() -> float:
    Connection.objects.filter(team_uuid="team").update(
        refreshed_at=timezone.now() - timedelta(days=29), connected_at=timezone.now() - timedelta(days=60)
    )
    SocialToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    return _command("refresh_tokens", f"{CONNECTIONS} refreshed, ")


def _follow_command() -> float:
    Action.objects.update(ask_at=timezone.now())
    return _command("follow_actions", f"{CONNECTIONS} under way, ")


def _command(name: str, expected: str) -> float:
    out = StringIO()
    start = perf_counter()
    call_command(name, stdout=out, stderr=StringIO())
    seconds = perf_counter() - start
    if not out.getvalue().startswith(expected):
        raise Incomplete(f"{name}: {out.getvalue().splitlines()[-1]}")
    return seconds


def _bare_refresh(refresh_tokens: list[str]) -> float:
    def refresh(number: int) -> None:
        refresh_tokens[number] = oauth.refresh(refresh_tokens[number]).refresh_token

    return _in_threads(refresh)


def _bare_poll(token: str, acted: Sequence[tuple[int, int]]) -> float:
    def poll(number: int) -> None:
        droplet, action = acted[number]
        actions_api.action(token, droplet, action, deadline=monotonic() + 10)

    return _in_threads(poll)


def _in_threads(call: Callable[[int], None]) -> float:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        start = perf_counter()
        for _ in pool.map(call, range(CONNECTIONS)):
            pass
        return perf_counter() - start
