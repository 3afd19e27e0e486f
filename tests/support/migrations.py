"""Which migrations break the code that still runs while they are applied: the version before.

Conveyor is upgraded without a pause: first the database, then one process after another. So a migration may add what
old code does not know, and take nothing that old code uses (CONTRIBUTING.md, "Migrations"). django-migration-linter
reads the SQL instead of the operations; on SQLite, where Django copies tables, it finds mistakes that are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AlterField,
    AlterModelTable,
    AlterUniqueTogether,
    CreateModel,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field, ManyToManyField
from django.db.models.fields import NOT_PROVIDED

RELEASED = {"accounts": "0004_revocation_status", "droplets": "0002_actions"}
"""The last migration of each app in the latest release: the code that still runs is that one's (CONTRIBUTING.md)."""

EXCUSE = "survived_by_old_code"
"""The attribute of a migration that says why old code survives it all the same."""

_GONE = (RemoveField, DeleteModel, RenameField, RenameModel, AlterModelTable)


def problems(migration: Migration, before: ProjectState, new: set[str] | None = None) -> list[str]:
    """What old code does not survive in this migration; `before` is the state that it starts from.

    `new` are the tables that old code does not know; those that the migration creates are added.
    """
    new = set() if new is None else new
    found, state = [], before.clone()
    for operation in _flat(migration.operations):
        if isinstance(operation, CreateModel):
            new.add(operation.name_lower)
        elif getattr(operation, "model_name_lower", "") in new:
            pass  # old code knows no new table
        elif why := _problem(operation, migration.app_label, state):
            found.append(f"{migration.app_label}.{migration.name}: {operation.describe()}: {why}")
        operation.state_forwards(migration.app_label, state)
    return [] if getattr(migration, EXCUSE, "") else found


def all_problems() -> list[str]:
    """Of the migrations since the latest release, in their order."""
    loader = MigrationLoader(None)
    found = []
    for app, released in RELEASED.items():
        new: set[str] = set()
        for node in sorted(node for node in loader.graph.nodes if node[0] == app and node[1] > released):
            found += problems(loader.disk_migrations[node], loader.project_state(node, at_end=False), new)
    return found


def _flat(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation


def _problem(operation: Operation, app: str, state: ProjectState) -> str:
    match operation:
        case _ if isinstance(operation, _GONE):
            return "old code still uses it; take it away one release later"
        case AddField(field=field) if not _may_be_left_out(field):
            return "old code inserts rows without it; give it null=True or a db_default"
        case AlterField(field=field, model_name_lower=model, name=name):
            return _altered(state.models[app, model].fields[name], field)
        case AddConstraint() | AlterUniqueTogether():
            return "old code may write rows that it refuses; add it one release after the code that keeps it"
        case RunSQL():
            return "nobody can see what it does; say why old code survives it"
    return ""


def _may_be_left_out(field: Field) -> bool:
    return field.null or isinstance(field, ManyToManyField) or field.db_default is not NOT_PROVIDED


def _altered(old: Field, new: Field) -> str:
    if old.null and not new.null and new.db_default is NOT_PROVIDED:
        return "old code writes null into it"
    if not old.unique and new.unique:
        return "old code may write rows that it refuses"
    if new.max_length is not None and (old.max_length is None or old.max_length > new.max_length):
        return "old code may write longer texts"
    if old.get_internal_type() != new.get_internal_type() not in ("CharField", "TextField"):
        return "old code writes values of another type"
    return ""
