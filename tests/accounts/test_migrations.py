"""Data migrations: what the rows of the previous release become."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import Revocation


@pytest.fixture
def before_status(transactional_db: None) -> Any:
    """The Revocation model before it had a status; afterwards the database is migrated again."""
    executor = MigrationExecutor(connection)
    executor.migrate([("accounts", "0003_scopes_of_any_length")])
    yield executor.loader.project_state([("accounts", "0003_scopes_of_any_length")]).apps.get_model(
        "accounts", "Revocation"
    )
    _migrate_to_latest()


def _migrate_to_latest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_grants_that_wait_to_be_connected_become_pending(before_status: Any) -> None:
    rows = {
        "pending": before_status.objects.create(reason="abandoned"),
        "disconnected": before_status.objects.create(reason="disconnected"),
        "tried": before_status.objects.create(reason="abandoned", attempts=1),
        "being tried": before_status.objects.create(
            reason="abandoned", lease_until=timezone.now() + timedelta(seconds=30)
        ),
    }

    _migrate_to_latest()

    statuses = {name: Revocation.objects.get(pk=row.pk).status for name, row in rows.items()}
    assert statuses == {"pending": "pending", "disconnected": "queued", "tried": "queued", "being tried": "queued"}


def test_the_previous_release_can_still_insert_rows(db: None) -> None:
    """During a deployment it runs beside the new one, and knows none of the newer columns."""
    row = Revocation(reason="disconnected")
    columns = [field for field in Revocation._meta.concrete_fields if not field.has_db_default()]
    names = ", ".join(connection.ops.quote_name(field.column) for field in columns)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO accounts_revocation ({names}) VALUES ({', '.join(['%s'] * len(values))})",
            values,
        )

    assert Revocation.objects.get().status == Revocation.Status.QUEUED
