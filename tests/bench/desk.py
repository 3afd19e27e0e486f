"""The lists of the admin with 100,000 users: `python -m tests.bench.desk`, with DATABASE_URL of an empty database.

Makes 100,000 users, 90,000 connections, 300,000 events, 100,000 actions and 20,000 jobs once, and then measures each
list, search and filter on the server, as a member of the support staff: the median of five requests.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conveyor.settings")
django.setup()

from allauth.account.internal.flows.login import record_authentication  # noqa: E402  # Django has to be set up first, here and below
from allauth.account.models import EmailAddress  # noqa: E402
from allauth.mfa.models import Authenticator  # noqa: E402
from allauth.socialaccount.models import SocialAccount, SocialToken  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import Permission  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection as database  # noqa: E402
from django.db.models import Model  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Connection, Event, Revocation, User  # noqa: E402
from droplets.models import Action, Job, JobTeam  # noqa: E402

USERS, CONNECTIONS, EVENTS, ACTIONS, JOBS, REVOCATIONS = 100_000, 90_000, 300_000, 100_000, 20_000, 2_000
STAFF = "support@desk.example"
_BATCH = 5_000
_TIMES = 5
_SECONDS_OF_A_YEAR = 365 * 24 * 3600

chance = random.Random(7)  # the same rows each time
now = timezone.now()


def moment() -> Any:
    return now - timedelta(seconds=chance.uniform(60, _SECONDS_OF_A_YEAR))


def uuid(kind: int, number: int) -> UUID:
    return UUID(int=kind << 96 | number + 1)


def email_of(number: int) -> str:
    return f"person-{number:06}@company-{number % 7919}.example"


def team_of(number: int) -> str:
    return f"{('Acme', 'Northwind', 'Hopper', 'Globex', 'Initech')[number % 5]} {number:06}"


def store(model: type[Model], rows: Iterator[Any]) -> None:
    """A batch at a time."""
    began, count = time.monotonic(), 0
    while batch := list(islice(rows, _BATCH)):
        model._default_manager.bulk_create(batch)
        count += len(batch)
    print(f"{count:>7,} {model._meta.verbose_name_plural} in {time.monotonic() - began:.0f} s", file=sys.stderr)


def users() -> Iterator[User]:
    for number in range(USERS):
        yield User(
            email=email_of(number), password="!", is_active=number % 200 != 1, date_joined=moment(), last_login=moment()
        )


def connections(accounts: list[int], tokens: list[int]) -> Iterator[Connection]:
    for number in range(CONNECTIONS):
        state = "needs_reconnect" if number % 100 == 0 else "healthy"
        yield Connection(
            id=uuid(1, number), account_id=accounts[number], token_id=tokens[number], user_uuid=str(uuid(2, number)),
            team_uuid=str(uuid(3, number // 2)), team_name=team_of(number), email=email_of(number), scope="read",
            state=state, last_error="unavailable" if number % 70 == 0 else "", connected_at=moment(),
            droplets_read_at=moment() if number % 50 else None, reading_since=moment(), reading_at=now,
            reading_outcome="unavailable" if number % 90 == 0 else "incomplete" if number % 300 == 1 else "ok",
        )  # fmt: skip


def events(people: list[int]) -> Iterator[Event]:
    kinds = ("log_in", "log_in", "refresh", "refresh", "connect", "email", "two_factor", "sign_up")
    for number in range(EVENTS):
        kind, of = kinds[number % len(kinds)], chance.randrange(CONNECTIONS)
        background = kind in ("refresh", "email")
        yield Event(
            at=moment(), kind=kind, outcome="ok" if chance.random() < 0.975 else "unavailable",
            actor="refresh_tokens" if background else "person", user_id=people[of] if kind != "refresh" else None,
            connection_id=uuid(1, of) if kind in ("refresh", "connect") else None,
            team_name=team_of(of) if kind in ("refresh", "connect") else "",
            detail=f"request {number:016x}", request_id=f"do-request-{number}",
        )  # fmt: skip


def actions(people: list[int]) -> Iterator[Action]:
    for number in range(ACTIONS):
        of = chance.randrange(CONNECTIONS)
        status = "lost" if number % 2000 == 0 else "errored" if number % 100 == 0 else "completed"
        yield Action(
            id=uuid(4, number), user_id=people[of], key=uuid(5, number), connection_id=uuid(1, of),
            team_uuid=str(uuid(3, of // 2)), team_name=team_of(of), droplet_id=number + 1,
            droplet_name=f"web-{number:06}.prod", kind=("reboot", "power_off", "snapshot")[number % 3], status=status,
            digitalocean_id=number + 1, began_at=now, request_id=f"do-action-{number}", recorded_at=moment(),
        )  # fmt: skip


def make() -> None:
    """The rows, unless they are there. Refuses a database that has others."""
    call_command("migrate", verbosity=0)
    if User.objects.filter(email=STAFF).exists():
        return
    if User.objects.exists():
        sys.exit("This database has users. Give the URL of an empty one in DATABASE_URL.")
    store(User, users())
    people = list(User.objects.order_by("pk").values_list("pk", flat=True))
    store(EmailAddress, (
        EmailAddress(user_id=pk, email=email_of(number), primary=True, verified=number % 25 != 0)
        for number, pk in enumerate(people)
    ))  # fmt: skip
    store(Authenticator, (
        Authenticator(user_id=pk, type="totp", data={}) for number, pk in enumerate(people) if number % 3
    ))  # fmt: skip
    store(SocialAccount, (
        SocialAccount(user_id=pk, provider="digitalocean", uid=f"{uuid(2, number)}:{uuid(3, number // 2)}")
        for number, pk in enumerate(people[:CONNECTIONS])
    ))  # fmt: skip
    accounts = list(SocialAccount.objects.order_by("pk").values_list("pk", flat=True))
    store(SocialToken, (
        SocialToken(account_id=pk, token="x", expires_at=now + timedelta(days=chance.uniform(-1, 30)))
        for pk in accounts
    ))  # fmt: skip
    tokens = list(SocialToken.objects.order_by("pk").values_list("pk", flat=True))
    store(Connection, connections(accounts, tokens))
    store(Event, events(people))
    store(Revocation, (
        Revocation(token="x", team_name=team_of(number), email=email_of(number), reason="disconnected",
                   created_at=moment(), due_at=now, attempts=number % 5)
        for number in range(REVOCATIONS)
    ))  # fmt: skip
    store(Action, actions(people))
    store(Job, (
        Job(id=uuid(6, number), user_id=people[number], kind="reboot", state="running" if number % 50 == 0 else "ended",
            created_at=moment())
        for number in range(JOBS)
    ))  # fmt: skip
    store(JobTeam, (
        JobTeam(job_id=uuid(6, number), connection_id=uuid(1, number), team_name=team_of(number),
                due_at=now - timedelta(hours=1) if number % 50 == 0 else None)
        for number in range(JOBS)
    ))  # fmt: skip
    staff = User.objects.create_user(STAFF, is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def staff_client() -> Client:
    """A browser of the support staff, with the second factor used just now."""
    base = urlsplit(settings.BASE_URL)
    client = Client(SERVER_NAME=base.hostname or "", **{"wsgi.url_scheme": base.scheme})
    user = User.objects.get(email=STAFF)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    request = HttpRequest()
    request.session = client.session
    record_authentication(request, user, "mfa", id=1, type="totp")
    request.session.save()
    return client


def pages() -> Iterator[tuple[str, str]]:
    """What is measured: a name, and a URL."""
    yield "index with its numbers", reverse("admin:index")
    searches = {
        User: ["person-054321", "company-77.example", "example", "pe", "nobody", "Northwind 000001"],
        Connection: ["Northwind 012341", "Acme", "person-054321", "zz", str(uuid(3, 777))],
        Event: ["Northwind 012341", "person-054321", "Acme", str(uuid(1, 777)), "do-request-777"],
        Revocation: ["Northwind 000341", "person-000321"],
        SocialAccount: ["person-054321", str(uuid(2, 777))],
        Action: ["web-054321", "web", "person-054321", "777", str(uuid(1, 777))],
        Job: ["person-000321", str(uuid(6, 777))],
    }
    filters = {
        User: [
            "connections=never", "connections=none", "connections=sick", "connections=reconnect", "connections=live",
            "email_state=unverified", "second_factor=no", "second_factor=yes", "is_active__exact=0", "o=2", "o=-7",
            "q=person&connections=sick",
        ],
        Connection: [
            "condition=sick", "condition=reconnect", "condition=failing", "condition=failing-day",
            "condition=refresh", "condition=incomplete", "condition=expiring", "condition=expired",
            "condition=unread", "condition=healthy", "owner=deactivated", "owner=unverified", "sign_in__exact=1",
        ],
        Event: ["kind__exact=email", "kind__exact=lost", "ended=badly", "by=staff", "by=conveyor",
                "kind__exact=email&ended=badly"],
        Revocation: ["status__exact=queued", "waiting=day", "tries=failed"],
        Action: ["status__exact=lost", "ended=hangs", "ended=badly", "kind=reboot", "kind=destroy"],
        Job: ["state__exact=running", "progress=stuck"],
    }  # fmt: skip
    for model, words in searches.items():
        url, name = _list(model), str(model._meta.verbose_name_plural)
        yield name, url
        if model in (User, Event, Action):
            yield f"{name}, the last page", f"{url}?p=40"
        for each in words:
            yield f"{name}, search “{each[:20]}”", f"{url}?q={each}"
        for each in filters.get(model, []):
            yield f"{name}, {each}", f"{url}?{each}"


def _list(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def measure(ask: Callable[[str], Any], url: str) -> tuple[float, float]:
    """Median and longest time in milliseconds, after a first request that is not measured."""
    answer = ask(url)
    assert answer.status_code == 200, f"{url}: {answer.status_code}"
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        ask(url)
        times.append((time.perf_counter() - began) * 1000)
    return median(times), max(times)


def main() -> None:
    make()
    # Static files without collectstatic, as in the tests.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    setup_test_environment()
    client = staff_client()
    print("| List | Median | Longest of 5 |")
    print("| --- | ---: | ---: |")
    for name, url in pages():
        middle, longest = measure(client.get, url)
        print(f"| {name} | {middle:.0f} ms | {longest:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
