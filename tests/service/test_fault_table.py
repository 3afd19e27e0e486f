"""The table of docs/token-faults.md: for each fault, what the user sees and what is stored, with counts.

With WRITE_DOCS=1 this test writes the table; otherwise the table in the docs must be equal to the one it makes.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from django.utils import timezone

from accounts import connection_cards, token_store
from accounts.models import Connection, Revocation
from digitalocean_client import oauth
from droplets.fleet import service as fleet_service
from tests.support.person import Person
from tests.support.sandbox import Sandbox

PAGE = Path(__file__).resolve().parents[2] / "docs" / "token-faults.md"
TRIES = 3
TOKEN, REVOKE, ACCOUNT = "/v1/oauth/token", "/v1/oauth/revoke", "/v2/account"

# name, fault, its parameters
FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("500", "status", {"status": 500}),
    ("503, no effect", "status", {"status": 503}),
    ("503, but it took effect", "status", {"status": 503, "phase": "after"}),
    ("429 with retry-after", "status", {"status": 429, "headers": {"retry-after": "120"}}),
    ("429 without retry-after", "status", {"status": 429}),
    ("connection reset, no effect", "reset", {}),
    ("connection reset, answer lost", "reset", {"phase": "after"}),
    ("no answer", "hang", {"seconds": 20}),
    ("a very slow answer", "drip", {"interval": 0.2}),
    ("an answer cut short", "truncate", {"at": 40}),
    ("an empty answer", "empty", {}),
    ("HTML with 200", "html", {"status": 200}),
    ("HTML with 502", "html", {"status": 502}),
    ("a JSON list", "json", {"json": [], "status": 200}),
    ("null tokens", "json", {"json": {"access_token": None, "refresh_token": None}, "status": 200}),
    ("a 400 without an RFC 6749 error code", "json", {"json": {"message": "no"}, "status": 400}),
    ("invalid_grant", "json", {"json": {"error": "invalid_grant"}, "status": 400}),
    ("invalid_client", "json", {"json": {"error": "invalid_client"}, "status": 401}),
    ("a redirect to another host", "redirect", {"location": "http://127.0.0.1:9/", "status": 307}),
]


@dataclass
class Line:
    """The outcomes of one fault at one place, over all tries."""

    where: str
    fault: str
    seen: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        cells = [self.where, self.fault, _counted(self.seen), _counted(self.stored)]
        return "| " + " | ".join(cells) + " |"


def _counted(what: Counter[str]) -> str:
    return "; ".join(f"{text} ({count}×)" for text, count in sorted(what.items()))


@pytest.fixture
def person(digitalocean: Sandbox, transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Person:
    monkeypatch.setattr(oauth, "TIMEOUT", 0.6)
    settings.PAGE_DEADLINE = 3.0
    digitalocean.reset(droplets=1)
    digitalocean.settings(burst_limit=1_000_000)
    alice = Person(digitalocean, "alice@example.com")
    alice.sign_up()
    return alice


def test_the_table_is_what_happens(person: Person) -> None:
    lines = [*_refreshes(person), *_connects(person), *_disconnects(person)]
    made = _page(lines)

    if "WRITE_DOCS" in os.environ:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run `make docs` if the new table is right"


def _refreshes(person: Person) -> Iterator[Line]:
    """An access token has expired, the user opens the fleet page, and the refresh gets the fault."""
    sandbox = person.sandbox
    for name, kind, more in FAULTS:
        line = Line("refresh", name)
        for _ in range(TRIES):
            for known in person.connections:
                _disconnect(person, known)  # nothing is kept of a team that has just been connected
            connection = person.connect()
            sandbox.expire()
            SocialToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
            sandbox.fault(kind, path=TOKEN, grant_type="refresh_token", times=1, **more)
            line.seen[_banner(person.client.get("/droplets/").content.decode())] += 1
            sandbox.clear_faults()
            person.client.get("/droplets/")  # at once again: it waits, and does not ask
            Connection.objects.update(retry_at=None)
            fleet_service.request_reload(connection)
            person.client.get("/droplets/")  # and when the wait is over
            line.stored[_state(sandbox, Connection.objects.get(pk=connection.pk))] += 1
        yield line


def _connects(person: Person) -> Iterator[Line]:
    """In the callback, the exchange of the code, or the request for the account, gets the fault."""
    sandbox = person.sandbox
    places = [("connect: exchange of the code", TOKEN, "POST"), ("connect: /v2/account", ACCOUNT, "GET")]
    for where, path, method in places:
        for name, kind, more in FAULTS:
            line = Line(where, name)
            for _ in range(TRIES):
                before = list(SocialToken.objects.order_by("pk").values())
                live = {grant.grant for grant in sandbox.live_grants()}
                there = person.leave()
                callback = sandbox.authorize(there, team="Northwind")
                sandbox.fault(kind, path=path, method=method, times=1, **more)
                answer = person.come_back(callback)
                sandbox.clear_faults()
                line.seen[_trouble(answer.content.decode())] += 1
                untouched = list(SocialToken.objects.order_by("pk").values()) == before
                new = [grant for grant in sandbox.live_grants() if grant.grant not in live]
                line.stored[_nothing(untouched, bool(new))] += 1
                Revocation.objects.all().delete()
            yield line


def _disconnects(person: Person) -> Iterator[Line]:
    """Disconnecting a team: the revocation gets the fault."""
    sandbox = person.sandbox
    for name, kind, more in FAULTS:
        line = Line("disconnect: revocation", name)
        for _ in range(TRIES):
            connection = person.connect()
            sandbox.fault(kind, path=REVOKE, **more)
            answer = _disconnect(person, connection)
            sandbox.clear_faults()
            line.seen[[str(message) for message in answer.context["messages"]][-1]] += 1
            assert not Connection.objects.exists()
            queued = Revocation.objects.filter(connection_id=connection.pk).exists()
            line.stored["no connection; revocation queued" if queued else "no connection; nothing queued"] += 1
            Revocation.objects.all().delete()
        yield line


def _disconnect(person: Person, connection: Connection) -> Any:
    return person.client.post(f"/accounts/connections/{connection.pk}/disconnect/", follow=True)


def _state(sandbox: Sandbox, connection: Connection) -> str:
    """The connection's state after the wait; checks that DigitalOcean agrees."""
    assert connection.token
    pair = token_store.decrypt_pair(connection.token, connection.account.uid)
    assert pair
    accepted = any(grant.refresh_token == pair[1] and grant.refresh_live for grant in sandbox.ledger())
    card = connection_cards.card(connection)
    if card.state.needs_owner:
        assert not accepted or connection.last_error == "invalid_grant"
        return "needs its owner"
    assert accepted
    return "tokens kept, waiting" if connection.last_error else "tokens kept, refreshed at the next try"


def _nothing(untouched: bool, live: bool) -> str:
    queued = Revocation.objects.exists()
    kept = "stored tokens unchanged" if untouched else "stored tokens changed"
    if live:
        return f"{kept}; the new grant {'queued for revocation' if queued else 'unknown to Conveyor (answer lost)'}"
    return f"{kept}; no new grant"


def _banner(html: str) -> str:
    found = re.search(r'<div class="banner-text">\s*<p>(.*?)</p>', html, re.S)
    return _plain(found[1]) if found else "the fleet"


def _trouble(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html, re.S)
    return _plain(found[1]) if found else "connected"


def _plain(html: str) -> str:
    text = " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
    text = re.sub(r"(It had|Trying again) .*", "", text).strip()  # how old and how soon differ from run to run
    return text.replace("Acme Web: ", "")


def _page(lines: list[Line]) -> str:
    total = sum(line.seen.total() for line in lines)
    head = f"""# What each error of DigitalOcean does

`make docs` writes this file with `tests/service/test_fault_table.py`, against the sandbox over real sockets.
Each of {len(lines)} faults was tried {TRIES} times, {total} tries in all; the number after each outcome is its count.
"What is stored" is the state after the next try, when the pause that the fault caused is over.

"Answer lost" means that DigitalOcean did what was asked, but Conveyor got no answer. For a refresh, the new tokens are
lost with it, and the next try can only learn that the old refresh token no longer works.

| Where | Fault | What the user sees | What is stored |
| --- | --- | --- | --- |
"""
    return head + "\n".join(str(line) for line in lines) + "\n"
