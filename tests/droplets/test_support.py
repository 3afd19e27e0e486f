"""What the support desk shows and finds of droplets."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Connection
from droplets.models import Action, Change, Job, JobStep, JobTeam
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff

SEARCH = "/admin/people/"


@pytest.fixture
def agent(digitalocean: Sandbox, db: None) -> Person:
    return make_staff(digitalocean, "agent@example.com", permissions="view_")


@pytest.fixture
def connection(alice: Person) -> Connection:
    return alice.connect("Northwind")


def act(person: Person, connection: Connection, **fields: object) -> Action:
    return Action.objects.create(
        **{
            "user": person.user,
            "key": uuid4(),
            "connection_id": connection.pk,
            "team_uuid": connection.team_uuid,
            "team_name": connection.team_name,
            "droplet_id": 4711,
            "droplet_name": "web-1",
            "kind": "reboot",
            **fields,
        }
    )


def add_job(person: Person, connection: Connection, name: str = "db-1") -> Job:
    job = Job.objects.create(user=person.user, kind="reboot", count=1, state=Job.State.ENDED, started_at=timezone.now())
    team = JobTeam.objects.create(job=job, connection_id=connection.pk, team_name=connection.team_name)
    JobStep.objects.create(team=team, droplet_id=4712, droplet_name=name, state="failed")
    return job


def page(person: Person) -> str:
    return f"{SEARCH}{person.user.pk}/"


def leads_to(agent: Person, words: object, person: Person) -> bool:
    answer = agent.client.get(SEARCH, {"q": str(words)})
    assert answer.status_code == 302, text_of(answer)
    assert answer["Location"] == page(person)
    return True


class TestWorks:
    def test_actions_and_jobs_are_on_the_page(self, agent: Person, alice: Person, connection: Connection) -> None:
        act(alice, connection, status="lost", words="Nobody knows.", request_id="do-9", digitalocean_id=99)
        job = add_job(alice, connection)

        shown = agent.client.get(page(alice))

        assert says(shown, "web-1, Northwind", "Lost", "Nobody knows.", "this person", "4711", "99", "do-9")
        assert says(shown, "Reboot 1 droplet", "1 failed", str(job.pk))

    def test_who_of_the_team_did_it(self, agent: Person, alice: Person, bob: Person, connection: Connection) -> None:
        act(bob, bob.connect("Northwind"))

        assert says(agent.client.get(page(alice)), "web-1, Northwind", "bob@example.com")

    def test_an_action_is_found(self, agent: Person, alice: Person, connection: Connection) -> None:
        row = act(alice, connection, request_id="do-9", digitalocean_id=99)

        for words in (row.pk, "do-9", 99, 4711, "web-1"):
            assert leads_to(agent, words, alice)

    def test_a_job_is_found(self, agent: Person, alice: Person, connection: Connection) -> None:
        job = add_job(alice, connection)

        for words in (job.pk, 4712, "db-1"):
            assert leads_to(agent, words, alice)

    def test_a_droplet_is_found(self, agent: Person, alice: Person, connection: Connection) -> None:
        now = timezone.now()
        Change.objects.create(
            team_key=connection.team_key, droplet_id=815, droplet_name="old-1", kind="gone", since=now, at=now
        )

        for words in (815, "old-1"):
            assert leads_to(agent, words, alice)

    def test_more_rows_take_no_more_queries(self, agent: Person, alice: Person, connection: Connection) -> None:
        act(alice, connection)
        add_job(alice, connection)
        counts = []
        for number in range(2):
            agent.client.get(page(alice))
            with CaptureQueriesContext(database) as queries:
                agent.client.get(page(alice))
            counts.append(len(queries))
            for _ in range(3):
                act(alice, connection, digitalocean_id=None)
                add_job(alice, connection, name=f"db-{number}")

        assert counts[0] == counts[1]


class TestRefuses:
    def test_an_action_of_a_deleted_account_leads_to_nobody(
        self, agent: Person, alice: Person, connection: Connection
    ) -> None:
        act(alice, connection, user=None)

        assert says(agent.client.get(SEARCH, {"q": "web-1"}), "No person has")
