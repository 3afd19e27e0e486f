"""The lists of the admin: filters that answer, searches by an index, numbers, and downloads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib import admin
from django.db import connection as database
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Connection, Event, Revocation, User
from accounts.support import list_pages, list_search
from accounts.support.list_search import text_columns
from accounts.support.lists import DeskList
from common import trigrams
from droplets.models import Action, Job, JobTeam
from tests.support import totp
from tests.support.admin import page
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff

LISTS = (User, Connection, Event, Revocation, SocialAccount, Action, Job)

on_postgresql = pytest.mark.skipif("database.vendor != 'postgresql'", reason="SQLite has no trigram indexes")


def person(email: str, **more: Any) -> User:
    """A user with a confirmed address, and no browser."""
    user = User.objects.create_user(email, **more)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def connection(user: User, team: str, **more: Any) -> Connection:
    account = SocialAccount.objects.create(user=user, provider="digitalocean", uid=str(uuid4()))
    expires_at = more.pop("expires_at", timezone.now() + timedelta(days=30))
    token = SocialToken.objects.create(account=account, token="x", expires_at=expires_at)
    return Connection.objects.create(account=account, token=token, user_uuid=str(uuid4()), team_name=team, **more)


def action(user: User, status: str, **more: Any) -> Action:
    values = {"key": uuid4(), "connection_id": uuid4(), "team_name": "Team", "droplet_id": 1, "kind": "reboot"}
    return Action.objects.create(user=user, status=status, **values | {"droplet_name": "web-1"} | more)


def shown(staff: Person, model: type[Model], **query: str) -> list[str]:
    """The rows of a list, as `str` shows them."""
    answer = staff.client.get(page(model), query)
    assert answer.status_code == 200, (answer.status_code, query)
    return sorted(str(row) for row in answer.context["cl"].result_list)


def download(staff: Person, model: type[Model], query: str = "") -> list[dict[str, str]]:
    answer = staff.client.post(f"{page(model)}csv/{query}")
    assert answer.status_code == 200, answer.status_code
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode().removeprefix("\ufeff"))))


class TestFiltersOfPeople:
    @pytest.fixture
    def people(self, db: None) -> None:
        person("never@example.com")
        was = person("was@example.com")
        Event.objects.create(kind="connect", actor="person", user=was)
        connection(person("fine@example.com"), "Fine")
        connection(person("lost@example.com"), "Lost", state="needs_reconnect")
        connection(person("failing@example.com"), "Failing", reading_outcome="unavailable")
        connection(person("gone@example.com", is_active=False), "Gone")
        EmailAddress.objects.filter(email="fine@example.com").update(verified=False)
        for user in User.objects.filter(is_staff=False).exclude(email="never@example.com"):
            totp.switch_on(user)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"connections": "never"}, ["never"]),
            ({"connections": "none"}, ["never", "was"]),
            ({"connections": "sick"}, ["failing", "lost"]),
            ({"connections": "reconnect"}, ["lost"]),
            ({"connections": "live"}, ["gone"]),
            ({"email_state": "unverified"}, ["fine"]),
            ({"second_factor": "no"}, ["never"]),
            ({"is_active__exact": "0"}, ["gone"]),
            ({"connections": "sick", "q": "los"}, ["lost"]),
            ({"connections": "nonsense"}, ["failing", "fine", "gone", "lost", "never", "was"]),
        ],
    )
    def test_each(self, agent: Person, people: None, query: dict[str, str], expected: list[str]) -> None:
        found = shown(agent, User, **query)

        assert found == [f"{name}@example.com" for name in expected]


class TestFiltersOfConnections:
    @pytest.fixture
    def connections(self, db: None) -> None:
        now = timezone.now()
        old = {"reading_since": now - timedelta(hours=2), "reading_outcome": "unavailable"}
        connection(person("a@example.com"), "Fine", reading_outcome="ok", droplets_read_at=now)
        connection(person("b@example.com"), "Lost", state="needs_reconnect", droplets_read_at=now)
        connection(person("c@example.com"), "Down", **old, droplets_read_at=now)
        connection(person("d@example.com"), "Slow", last_error="too_slow", droplets_read_at=now)
        connection(person("e@example.com"), "Half", reading_outcome="incomplete", droplets_read_at=now)
        connection(person("f@example.com"), "Soon", expires_at=now + timedelta(days=2), droplets_read_at=now)
        connection(person("g@example.com"), "Late", expires_at=now - timedelta(days=2), droplets_read_at=now)
        connection(person("h@example.com", is_active=False), "New")
        # It failed with the tokens from before it was reconnected.
        connection(
            person("i@example.com"), "Back", reading_outcome="needs_reconnect", generation=1, droplets_read_at=now
        )

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"condition": "sick"}, ["Down", "Half", "Lost", "Slow"]),
            ({"condition": "reconnect"}, ["Lost"]),
            ({"condition": "failing"}, ["Down"]),
            ({"condition": "failing-hour"}, ["Down"]),
            ({"condition": "failing-day"}, []),
            ({"condition": "refresh"}, ["Slow"]),
            ({"condition": "incomplete"}, ["Half"]),
            ({"condition": "expiring"}, ["Late", "Soon"]),
            ({"condition": "expired"}, ["Late"]),
            ({"condition": "unread"}, ["New"]),
            ({"condition": "healthy"}, ["Back", "Fine", "Late", "New", "Soon"]),
            ({"owner": "deactivated"}, ["New"]),
        ],
    )
    def test_each(self, agent: Person, connections: None, query: dict[str, str], expected: list[str]) -> None:
        assert shown(agent, Connection, **query) == expected


class TestSearch:
    @pytest.mark.parametrize(
        ("model", "text", "expected"),
        [
            (User, "LICE@exam", ["alice@example.com"]),
            (User, "northwi", ["alice@example.com"]),
            (User, "al", ["alice@example.com"]),
            (User, "zzz", []),
            (User, "%", []),
            (Connection, "orthwind", ["Hopper Labs", "Northwind"]),
            (Connection, "alice@", ["Northwind"]),
            (Action, "eb-1", ["reboot of web-1, recorded"]),
            (Action, "7", ["reboot of web-1, recorded"]),
            (Job, "alice", ["reboot, draft"]),
            (Revocation, "acme", ["Acme Web, disconnected"]),
        ],
    )
    def test_parts_of_texts_and_whole_numbers(
        self, agent: Person, customers: Person, model: type[Model], text: str, expected: list[str]
    ) -> None:
        assert shown(agent, model, q=text) == expected

    def test_whole_ids(self, agent: Person, customers: Person) -> None:
        row = customers.connection("Northwind")
        Event.objects.filter(connection_id=row.pk).update(request_id="do-request-1")

        for text in (str(row.pk), row.team_uuid, row.user_uuid):
            assert "Northwind" in shown(agent, Connection, q=text)
        assert shown(agent, User, q=row.team_uuid) == ["alice@example.com"]
        assert len(shown(agent, Event, q="do-request-1")) == len(shown(agent, Event, q=str(row.pk))) > 0

    def test_too_many_are_said_to_be_too_many(
        self, agent: Person, customers: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(list_search, "MOST_RELATED", 1)

        found = agent.client.get(page(Connection), {"q": "@example.com"})

        assert says(found, "Type more of it", "1 connection")


class TestPages:
    def test_not_all_is_counted(self, agent: Person, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(list_pages, "MOST", 100)
        User.objects.bulk_create(User(email=f"person-{number:03}@example.com") for number in range(130))

        first = agent.client.get(page(User))
        last = agent.client.get(page(User), {"p": "2"})

        assert says(first, "The pages have the first 100", "users")
        assert len(last.context["cl"].result_list) == 50
        assert agent.client.get(page(User), {"p": "3"})["Location"].endswith("?e=1")

    @pytest.mark.parametrize("model", LISTS)
    def test_the_number_of_queries_does_not_grow(self, agent: Person, customers: Person, model: type[Model]) -> None:
        def count(query: dict[str, str]) -> int:
            with CaptureQueriesContext(database) as queries:
                assert agent.client.get(page(model), query).status_code == 200
            return len(queries)

        queries: tuple[dict[str, str], ...] = ({}, {"q": "example"})
        for query in queries:
            count(query)
        few = [count(query) for query in queries]
        for number in range(5):
            user = person(f"more-{number}@example.com")
            row = connection(user, f"Example {number}")
            action(user, "lost", droplet_name="example")
            Job.objects.create(user=user, kind="reboot")
            Revocation.objects.create(token="x", team_name="Example", reason="disconnected")
            Event.objects.create(kind="connect", actor="person", user=user, connection_id=row.pk, team_name="Example")

        assert [count(query) for query in queries] == few


class TestNumbers:
    def test_each_leads_to_its_list(self, agent: Person, customers: Person) -> None:
        user = customers.user
        Revocation.objects.update(created_at=timezone.now() - timedelta(days=2), status="queued")
        Event.objects.create(kind="email", actor="emails", outcome="failed", user=user)
        action(user, "lost")
        job = Job.objects.create(user=user, kind="reboot", state="running")
        due_at = timezone.now() - timedelta(hours=1)
        JobTeam.objects.create(job=job, connection_id=uuid4(), team_name="Northwind", due_at=due_at)

        index = agent.client.get("/admin/")
        numbers = {number.label: number for number in index.context["numbers"]}

        assert {label: number.count for label, number in numbers.items()} == {
            "Connections not healthy": 1,
            "Revocations waiting": 1,
            "Emails failed today": 1,
            "Actions lost today": 1,
            "Jobs that do not go on": 1,
        }
        assert {part.label: part.count for part in numbers["Revocations waiting"].parts} == {
            "for more than an hour": 1,
            "for more than a day": 1,
            "for more than a week": 0,
        }
        assert says(index, "1 for more than a day")
        assert "for more than a week" not in text_of(index)
        for number in numbers.values():
            for each in (number, *number.parts):
                assert agent.client.get(each.url).context["cl"].result_count == each.count, each.label

    def test_nothing_for_staff_without_rights(self, digitalocean: Sandbox, customers: Person) -> None:
        nobody = make_staff(digitalocean, "nobody@example.com")

        assert nobody.client.get("/admin/").context["numbers"] == []


class TestDownloads:
    @pytest.mark.parametrize("model", LISTS)
    def test_each_list(self, agent: Person, customers: Person, model: type[Model]) -> None:
        rows = download(agent, model)

        visible = [row for row in model._default_manager.all() if "agent@" not in str(getattr(row, "user", row))]
        assert len(rows) == len(visible) > 0
        assert not {"token", "token_secret", "password", "key"} & set(rows[0])

    def test_what_is_filtered_and_who_did_it(self, agent: Person, customers: Person) -> None:
        rows = download(agent, Connection, "?condition=reconnect&q=Hopper")

        assert [row["team_name"] for row in rows] == ["Hopper Labs"]
        event = Event.objects.get(kind="export")
        assert (event.staff, event.actor, event.user) == (agent.user, "staff", None)
        assert "list of connections with condition=reconnect and a search" in event.detail
        assert "Hopper" not in event.detail

    def test_a_formula_is_a_text(self, agent: Person, db: None) -> None:
        connection(person("a@example.com"), '=HYPERLINK("https://evil.example")')

        assert [row["team_name"] for row in download(agent, Connection)] == ['\'=HYPERLINK("https://evil.example")']

    def test_a_filter_that_makes_no_sense(self, agent: Person, db: None) -> None:
        answer = agent.client.post(f"{page(Event)}csv/?at__gte=nonsense")

        assert answer.status_code == 302

    def test_not_without_the_right_to_see_the_list(self, digitalocean: Sandbox, db: None) -> None:
        nobody = make_staff(digitalocean, "nobody@example.com")

        assert nobody.client.post(f"{page(User)}csv/").status_code == 403
        assert not Event.objects.filter(kind="export").exists()


class TestOtherStaff:
    def test_support_sees_no_rows_about_staff(self, agent: Person, staff: Person, customers: Person) -> None:
        row = connection(staff.user, "Of staff")
        action(staff.user, "lost", droplet_name="of-staff")
        Event.objects.create(kind="connect", actor="person", user=staff.user, connection_id=row.pk, detail="of staff")

        assert shown(agent, Connection, q="Of staff") == []
        assert shown(agent, Action, q="of-staff") == []
        assert "staff@example.com" not in str(shown(agent, User))
        assert not any("of staff" in entry["detail"] for entry in download(agent, Event))
        assert shown(staff, Connection, q="Of staff") == ["Of staff"]


class TestOnPostgreSQL:
    @on_postgresql
    def test_each_text_that_is_searched_has_its_index(self, db: None) -> None:
        with database.cursor() as cursor:
            cursor.execute("SELECT indexname FROM pg_indexes")
            names = {name for (name,) in cursor.fetchall()}

        assert names >= {trigrams.name_of(*column) for column in _searched()}

    @on_postgresql
    @pytest.mark.parametrize(("model", "field"), [(User, "email"), (Connection, "team_name"), (Event, "team_name")])
    def test_the_plan_of_a_search_uses_it(self, db: None, model: type[Model], field: str) -> None:
        with database.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # these tables are too small for an index to pay

        plan = model._default_manager.filter(**{f"{field}__icontains": "orthwin"}).order_by().explain()

        assert trigrams.name_of(model._meta.db_table, field) in plan

    @on_postgresql
    def test_without_the_right_to_create_the_extension(self, db: None) -> None:
        with database.cursor() as cursor:
            cursor.execute("DROP EXTENSION pg_trgm CASCADE")
            cursor.execute(f"CREATE ROLE weak_{(suffix := uuid4().hex)}")
            cursor.execute(f"SET LOCAL ROLE weak_{suffix}")

        assert trigrams.add(database, [("accounts_user", "email")]).startswith("PostgreSQL's extension pg_trgm cannot")
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")  # the transaction goes on
            cursor.execute("RESET ROLE")


def _searched() -> Iterator[tuple[str, str]]:
    for each in admin.site._registry.values():
        if isinstance(each, DeskList):
            yield from text_columns(each.model, each.search)
