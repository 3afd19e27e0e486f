"""Code of the version before survives each migration, so that an upgrade needs no pause."""

from __future__ import annotations

import pytest
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from tests.support.migrations import EXCUSE, all_problems, problems


def check(*operations: Operation, excuse: str = "") -> list[str]:
    """The problems of a migration with these operations, on a table `box` with a row for each kind of field."""
    state = ProjectState()
    fields = {
        "id": models.BigAutoField(primary_key=True),
        "name": models.CharField(max_length=50),
        "note": models.TextField(null=True),
        "size": models.IntegerField(),
    }
    state.add_model(ModelState("boxes", "Box", list(fields.items())))
    migration = migrations.Migration("0002_test", "boxes")
    migration.operations = list(operations)
    setattr(migration, EXCUSE, excuse)
    return problems(migration, state)


def test_old_code_survives_every_migration() -> None:
    assert all_problems() == []


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("Box", "more", models.IntegerField(null=True)),
        migrations.AddField("Box", "more", models.IntegerField(db_default=0)),
        migrations.AlterField("Box", "name", models.CharField(max_length=80)),
        migrations.AlterField("Box", "name", models.TextField()),
        migrations.AlterField("Box", "name", models.CharField(max_length=50, choices=[("a", "A")])),
        migrations.AddIndex("Box", models.Index(fields=["name"], name="by_name")),
        migrations.AlterModelOptions("Box", {"ordering": ["name"]}),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.CreateModel("Lid", [("id", models.BigAutoField(primary_key=True))]),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_old_code_survives(operation: Operation) -> None:
    assert check(operation) == []


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("Box", "name"),
        migrations.RenameField("Box", "name", "title"),
        migrations.RenameModel("Box", "Crate"),
        migrations.DeleteModel("Box"),
        migrations.AddField("Box", "more", models.IntegerField(default=0)),
        migrations.AlterField("Box", "note", models.TextField()),
        migrations.AlterField("Box", "name", models.CharField(max_length=20)),
        migrations.AlterField("Box", "name", models.CharField(max_length=50, unique=True)),
        migrations.AlterField("Box", "size", models.DateTimeField()),
        migrations.AddConstraint("Box", models.UniqueConstraint(fields=["name"], name="one_name")),
        migrations.RunSQL("select 1"),
        migrations.SeparateDatabaseAndState([migrations.RemoveField("Box", "name")]),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_old_code_does_not_survive(operation: Operation) -> None:
    assert len(check(operation)) == 1
    assert check(operation, excuse="nobody has used it for two releases") == []


def test_a_table_of_an_earlier_migration_since_the_release_may_change_too() -> None:
    migration = migrations.Migration("0003_test", "boxes")
    migration.operations = [migrations.AddField("Lid", "size", models.IntegerField())]
    state = ProjectState()
    state.add_model(ModelState("boxes", "Lid", [("id", models.BigAutoField(primary_key=True))]))

    assert problems(migration, state, {"lid"}) == []
    assert len(problems(migration, state, {"box"})) == 1


def test_a_table_that_old_code_does_not_know_may_change() -> None:
    create = migrations.CreateModel("Lid", [("id", models.BigAutoField(primary_key=True))])

    assert check(create, migrations.AddField("Lid", "size", models.IntegerField())) == []
