"""The time line, from readings of the sandbox: each change once, for those who are connected to the team."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.utils import timezone
from msgspec.structs import replace

from accounts.models import Connection
from droplets import tasks
from droplets.changes import store
from droplets.fleet import cache as fleet_cache
from droplets.fleet.readings import Reading
from droplets.models import Action, Change, TeamReading
from tests.droplets.watching import LISTING, TEAM, change, read, reading_of
from tests.support.at_once import at_once
from tests.support.person import Person

SHARED = "Northwind"
Kind = Change.Kind


def found(person: Person) -> list[tuple[str, str, str]]:
    """What the person may see, the oldest first."""
    return [(each.kind, each.before, each.after) for each in store.changes_since(person.user, 0)]


def droplet_of(person: Person, index: int = 0) -> dict[str, Any]:
    team = person.connections[0]
    token = person.sandbox.connect(team=team.team_name, user=person.digitalocean)["access_token"]
    listed: list[dict[str, Any]] = person.sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]
    return listed[index]


def reading(connection: Connection, **fields: Any) -> Reading:
    """What the cache has of a connection, as a reading."""
    entry = fleet_cache.load([connection.pk])[connection.pk]
    droplets = fleet_cache.droplets({connection.pk: entry})[connection.pk]
    return Reading(connection, replace(entry, **fields), droplets)


def acted(connection: Connection, droplet: int, kind: str, **fields: Any) -> Action:
    given: dict[str, Any] = {
        "user": connection.user,
        "key": uuid4(),
        "connection_id": connection.pk,
        "team_uuid": connection.team_uuid,
        "team_name": connection.team_name,
        "droplet_id": droplet,
        "droplet_name": "web",
        "kind": kind,
        "status": Action.Status.COMPLETED,
        "ended_at": timezone.now(),
    }
    return Action.objects.create(**given | fields)


def _store_and_die(*given: Any, **more: Any) -> None:
    _store(*given, **more)
    raise DatabaseError("the connection was lost")


_store = store._store


# Works


def test_changes_between_two_readings(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    name = droplet_of(alice)["name"]
    change(alice.sandbox, name="renamed", status="off")
    alice.sandbox.droplets(TEAM, remove=1)
    began = timezone.now()

    read(connection)

    assert sorted(kind for kind, *_ in found(alice)) == [Kind.GONE, Kind.POWERED_OFF, Kind.RENAMED]
    row = Change.objects.get(kind=Kind.RENAMED)
    assert (row.before, row.after, row.droplet_name, row.team_name) == (name, "renamed", "renamed", TEAM)
    assert row.since < began < row.at
    assert (row.user, row.action_id) == (None, None)


def test_the_person_who_did_it(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    droplet = droplet_of(alice)["id"]
    action = acted(connection, droplet, "rename")
    acted(connection, droplet, "reboot")
    change(alice.sandbox, name="renamed", tags=["new"])

    read(connection)

    assert {row.kind: (row.user, row.action_id) for row in Change.objects.all()} == {
        Kind.RENAMED: (alice.user, action.pk),
        Kind.TAGS: (None, None),
    }


def test_colleagues_see_the_same_changes(alice: Person, bob: Person) -> None:
    """Two connections to one team, whichever reads first."""
    hers, his = alice.connect(SHARED), bob.connect(SHARED)
    read(hers)
    read(his)
    change(alice.sandbox, SHARED, name="renamed")
    read(his)
    read(hers)
    change(alice.sandbox, SHARED, name="again")
    read(hers, his)

    assert [after for _, _, after in found(alice)] == ["renamed", "again"]
    assert found(alice) == found(bob)


def test_what_is_new_since_an_id(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    assert store.latest_id() == 0
    change(alice.sandbox, name="first")
    read(connection)
    latest = store.latest_id()
    change(alice.sandbox, name="second")
    read(connection)

    assert [row.after for row in store.changes_since(alice.user, latest)] == ["second"]
    assert not store.changes_since(alice.user, store.latest_id())


def test_old_changes_are_deleted(alice: Person, settings: Any) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    change(alice.sandbox, name="first")
    read(connection)

    tasks.delete_old_changes()
    assert len(found(alice)) == 1
    Change.objects.update(at=timezone.now() - timedelta(days=settings.CHANGE_DAYS, minutes=1))
    tasks.delete_old_changes()

    assert found(alice) == []


# Refuses


def test_others_see_nothing(alice: Person, bob: Person) -> None:
    connection = alice.connect(TEAM)
    bob.connect(SHARED)
    read(connection)
    change(alice.sandbox, name="renamed")
    read(connection)

    assert len(found(alice)) == 1
    assert found(bob) == []
    Connection.objects.update(state=Connection.State.NEEDS_RECONNECT)  # as when DigitalOcean has refused it
    assert found(alice) == []


def test_an_action_that_cannot_be_the_cause(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    droplet = droplet_of(alice)["id"]
    acted(connection, droplet + 1, "rename")  # of another droplet
    acted(connection, droplet, "resize")
    acted(connection, droplet, "rename", status=Action.Status.REFUSED)
    acted(connection, droplet, "rename", ended_at=timezone.now() - timedelta(hours=1))
    acted(connection, droplet, "rename", team_uuid="another team")
    change(alice.sandbox, name="renamed")

    read(connection)

    assert Change.objects.get().action_id is None


def test_the_first_reading_of_a_team_makes_no_changes(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")
    assert not TeamReading.objects.exists()
    change(alice.sandbox, name="while it was disconnected")

    read(alice.connect(TEAM))

    assert found(alice) == []


# Handles


def test_a_message_that_comes_twice(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    change(alice.sandbox, name="renamed")
    read(connection)

    read(connection)
    store.store_reading(reading(connection))

    assert len(found(alice)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_readers_of_a_team_at_once(alice: Person, bob: Person) -> None:
    hers, his = alice.connect(SHARED), bob.connect(SHARED)
    read(hers)
    read(his)
    alice.sandbox.droplets(SHARED, patch=[{"index": n, "set": {"name": f"renamed-{n}"}} for n in range(50)])

    at_once(lambda: read(hers), lambda: read(his))

    assert Change.objects.count() == 50
    assert sorted(Change.objects.values_list("after", flat=True)) == sorted(f"renamed-{n}" for n in range(50))


def test_a_reading_without_all_droplets_makes_no_changes(alice: Person) -> None:
    alice.sandbox.droplets(TEAM, count=450)
    connection = alice.connect(TEAM)
    read(connection)
    alice.sandbox.fault("status", path=LISTING, page=2, status=503, times=10)
    change(alice.sandbox, name="renamed")

    read(connection)

    assert found(alice) == []
    alice.sandbox.clear_faults()
    read(connection)
    assert [kind for kind, *_ in found(alice)] == [Kind.RENAMED]


def test_a_droplet_that_cannot_be_decoded_is_not_gone(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    change(alice.sandbox, id="not a number")

    read(connection)

    assert found(alice) == []


def test_a_failure_in_the_middle_stores_nothing(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a worker is killed: the reading and its changes are stored together, or the next reading finds them."""
    connection = alice.connect(TEAM)
    read(connection)
    before = reading_of(connection)
    change(alice.sandbox, name="renamed")
    with monkeypatch.context() as patch:
        patch.setattr(store, "_store", _store_and_die)
        read(connection)
    assert found(alice) == []
    assert reading_of(connection).taken_at == before.taken_at

    read(connection)

    assert [after for _, _, after in found(alice)] == ["renamed"]


def test_another_droplet_of_the_same_name(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    name = droplet_of(alice)["name"]
    change(alice.sandbox, id=987_654_321, name=name)

    read(connection)

    assert sorted(kind for kind, *_ in found(alice)) == [Kind.APPEARED, Kind.GONE]
    assert set(Change.objects.values_list("droplet_name", flat=True)) == {name}


def test_a_team_that_was_renamed(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    alice.sandbox.rename_team(TEAM, "Acme Cloud")
    read(connection)
    assert found(alice) == []


def test_a_connection_that_was_reconnected(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    Connection.objects.update(state=Connection.State.NEEDS_RECONNECT)
    change(alice.sandbox, name="renamed")
    read(connection)
    assert not Change.objects.exists()

    again = alice.connect(TEAM)
    assert again.pk == connection.pk
    read(again)

    assert [after for _, _, after in found(alice)] == ["renamed"]


def test_a_reading_that_overlaps_the_latest_is_not_stored(alice: Person) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    before = reading_of(connection)
    assert before.taken_at

    late = reading(connection, began_at=before.taken_at - timedelta(seconds=1), taken_at=timezone.now())
    store.store_reading(late._replace(droplets=late.droplets[1:]))

    assert found(alice) == []
    assert reading_of(connection).taken_at == before.taken_at


def test_a_clock_that_was_moved_back(alice: Person, bob: Person) -> None:
    """The changes since then are found, each once, whichever connection of the team had the later moment."""
    hers, his = alice.connect(SHARED), bob.connect(SHARED)
    read(hers)
    read(his)
    TeamReading.objects.filter(connection=his).update(taken_at=timezone.now() + timedelta(hours=3))
    change(alice.sandbox, SHARED, name="renamed")

    for _ in range(2):
        read(hers)
        read(his)

    assert [after for _, _, after in found(alice)] == ["renamed"]


def test_ten_thousand_droplets(alice: Person, django_assert_max_num_queries: Any) -> None:
    connection = alice.connect(TEAM)
    read(connection)
    one = reading(connection)
    many = tuple(replace(one.droplets[0], id=number, name=f"web-{number}") for number in range(10_000))
    began = timezone.now()
    store.store_reading(one._replace(droplets=many, entry=replace(one.entry, began_at=began, taken_at=began)))
    Change.objects.all().delete()
    began = timezone.now()
    changed = tuple(replace(droplet, status="off") for droplet in many)

    with django_assert_max_num_queries(150):
        store.store_reading(one._replace(droplets=changed, entry=replace(one.entry, began_at=began, taken_at=began)))

    assert Change.objects.filter(kind=Kind.POWERED_OFF).count() == 10_000
