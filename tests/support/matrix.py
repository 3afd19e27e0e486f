"""Every URL of Conveyor, every role, every method: how each is answered, and what it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Event, IncidentEmail, Revocation, SecondFactorReset, User
from droplets.models import Action, Job, SavedView, Watcher
from tests.support import passkey, totp
from tests.support.callback import REVOKE
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.staff import log_in_with_second_factor, make_staff
from tests.support.support_group import make_agent

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as TestResponse

ROLES = ("anonymous", "stranger", "owner", "staff", "viewer", "superuser", "agent")
"""Not logged in, another user, the user whose objects the URLs name, staff without rights, staff with the right to view
everything, a superuser, and a member of the Support group. All but the first have logged in with a second factor."""

PUBLIC_ADDRESS = "93.184.216.34"
"""Not of this network: `/readyz` answers everybody in it."""

_SESSION_TABLES = ("django_session", "usersessions_usersession")
_WRITE = re.compile(r'\s*(INSERT|UPDATE|DELETE)\s+(?:INTO\s+|FROM\s+)?"?(\w+)', re.IGNORECASE)


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """The route of each URL pattern, as urls.py has it, with the routes of those that include it in front."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        else:
            yield route


def _user(sandbox: Sandbox, email: str) -> Person:
    person = Person(sandbox, email)
    person.sign_up()
    log_in_with_second_factor(person, totp.switch_on(person.user))
    return person


class World:
    """A user with a connection, a droplet and a saved view, and a client for each role."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.people = {
            "stranger": _user(sandbox, "stranger@example.com"),
            "owner": _user(sandbox, "owner@example.com"),
            "staff": make_staff(sandbox, "staff@example.com"),
            "viewer": make_staff(sandbox, "viewer@example.com", permissions="view_"),
            "superuser": make_staff(sandbox, "superuser@example.com", superuser=True),
            "agent": make_agent(sandbox),
        }
        for person in self.people.values():
            RecoveryCodes.activate(person.user)
            passkey.store(person.user)
            person.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        owner = self.people["owner"]
        connection = owner.connect("Acme Web")
        sandbox.fault("status", **REVOKE, status=503)  # a disconnect that is rolled back must leave the token alive
        rows = {
            "auth/group": Group.objects.create(name="Colleagues"),
            "accounts/user": owner.user,
            "accounts/connection": connection,
            "accounts/event": Event.objects.first(),
            "accounts/revocation": Revocation.objects.create(token="x", reason="disconnected"),
            "accounts/secondfactorreset": SecondFactorReset.objects.create(user=owner.user, expires_at=timezone.now()),
            "socialaccount/socialaccount": SocialAccount.objects.get(),
        }
        view = SavedView.objects.create(user=owner.user, name="Mine", query="q=web")
        watcher = Watcher(user=owner.user, view=view, condition="new")
        watcher.webhook_url = "https://example.com/"
        watcher.save()
        key = Authenticator.objects.get(user=owner.user, type="webauthn")
        job = Job.objects.create(user=owner.user, kind="reboot", state=Job.State.RUNNING, started_at=timezone.now())
        rows["droplets/job"] = job
        rows["droplets/action"] = Action.objects.create(
            user=owner.user, key=job.pk, connection_id=connection.pk, team_name="Acme Web", droplet_id=1, kind="reboot"
        )
        droplet = json.loads(owner.client.get("/droplets.json").getvalue())["droplets"][0]["id"]
        self._values = {
            "accounts/2fa/webauthn/keys/": {"<int:pk>": key.pk},
            "accounts/connections/<uuid:pk>": {"<uuid:pk>": connection.pk},
            "droplets/": {"<uuid:connection>": connection.pk, "<int:droplet>": droplet, "<uuid:view>": view.pk},
            "watchers/": {"<uuid:pk>": watcher.pk},
            "jobs/": {"<uuid:job>": job.pk},
            "admin/incident/email/": {"<uuid:pk>": IncidentEmail.objects.create(subject="Down", text="Sorry").pk},
            "admin/people/<int:pk>/acts/": {"<slug:code>": "end_sessions"},
            "admin/people/<int:pk>/connections/": {"<slug:code>": "ask"},
            "admin/people/": {"<int:pk>": owner.user.pk, "<uuid:connection>": connection.pk},
            "admin/r/": {
                "<path:content_type_id>": ContentType.objects.get_for_model(User).pk,
                "<path:object_id>": owner.user.pk,
            },
            **{
                f"admin/{name}/": {"<path:object_id>": row.pk, "<path:pk>": row.pk, "<int:pk>": row.pk}
                for name, row in rows.items()
            },
            "": {
                "<slug:kind>": "reboot",
                "<str:key>": "no-such-key",
                "<str:secret>": "no-such-secret",
                r"^confirm-email/(?P<key>[-:\w]+)/$": "confirm-email/no-such-key/",
                r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "password/reset/key/1-no-such-key/",
                r"^(?P<app_label>auth|accounts|droplets|socialaccount)/$": "accounts/",
                r"(?P<url>.*)$": "no-such-page/",
            },
        }

    def path(self, route: str) -> str:
        """A URL of this route that names the owner's objects."""
        for start, values in self._values.items():
            if route.startswith(start):
                for name, value in values.items():
                    route = route.replace(name, str(value))
        assert not set("<^$\\") & set(route), f"no example for {route}: add one to World"
        return f"/{route}"

    def client(self, role: str, *, csrf: bool = False) -> Client:
        """A browser of the role. With `csrf`, a POST needs the token, as it does outside of tests."""
        client = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR=PUBLIC_ADDRESS, enforce_csrf_checks=csrf)
        if role in self.people:
            client.cookies = deepcopy(self.people[role].client.cookies)
        return client


@contextmanager
def undone(client: Client) -> Iterator[None]:
    """What a request stores in the database and in the browser is undone."""
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    client.cookies = cookies


class Writes:
    """What is written, like "UPDATE accounts_connection", but for sessions. For `connection.execute_wrapper`."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = _WRITE.match(sql)
        if found and found[2] not in _SESSION_TABLES:
            self.found.add(f"{found[1]} {found[2]}")
        return execute(sql, params, many, context)


def ask(client: Client, method: str, path: str) -> tuple[str, frozenset[str]]:
    """The answer in short, and what the request has written (`Writes`), which is undone."""
    writes = Writes()
    with undone(client), database.execute_wrapper(writes):
        answer = client.post(path) if method == "POST" else client.generic(method, path)
        if answer.streaming:
            answer.getvalue()
    return in_short(answer), frozenset(writes.found)


def in_short(answer: TestResponse) -> str:
    """The status, or where a redirect leads to: "log-in", "admin-log-in", "DigitalOcean" or "redirect"."""
    if answer.status_code not in (301, 302):
        return str(answer.status_code)
    target = answer["Location"].partition("?")[0]
    if target.startswith("http"):
        return "DigitalOcean"
    return {"/accounts/login/": "log-in", "/admin/login/": "admin-log-in"}.get(target, "redirect")
