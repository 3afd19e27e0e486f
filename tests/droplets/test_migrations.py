"""Data migrations: what the rows of the previous release become."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from droplets.models import SavedView, Watcher

BEFORE = [("droplets", "0009_actions_on_the_time_line")]
TIME_LINE = import_module("droplets.migrations.0009_actions_on_the_time_line")


@pytest.fixture
def before_encryption(transactional_db: None) -> Iterator[Any]:
    """The models before the URLs of webhooks were encrypted; afterwards the database is migrated again."""
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps
    migrate_to_latest()


def migrate_to_latest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_urls_of_webhooks_are_encrypted_and_can_be_read(before_encryption: Any) -> None:
    user = User.objects.create_user(email="ada@example.com")
    old = before_encryption.get_model("droplets", "Watcher")
    view = SavedView.objects.create(user=user, name="Mine", query="")
    with_url, without = (
        old.objects.create(id=uuid4(), user_id=user.pk, view_id=view.pk, condition="new", webhook_url=url)
        for url in ("https://hooks.example.com/secret", "")
    )

    migrate_to_latest()

    row = Watcher.objects.get(pk=with_url.pk)
    assert (row.webhook_url, row.has_webhook) == ("https://hooks.example.com/secret", True)
    assert "secret" not in row.sealed_url
    assert not Watcher.objects.get(pk=without.pk).has_webhook

    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    assert sorted(old.objects.values_list("webhook_url", flat=True)) == ["", "https://hooks.example.com/secret"]


@pytest.mark.django_db
def test_the_search_of_the_time_line_has_an_index_on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no trigrams")
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'droplets_change_words_trigrams'")
        [(definition,)] = cursor.fetchall()
    assert "gin (words gin_trgm_ops)" in definition


@pytest.mark.django_db
def test_a_database_that_may_not_have_the_extension_is_migrated_without(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(sql: str) -> None:
        raise ProgrammingError("permission denied to create extension")

    editor = SimpleNamespace(connection=SimpleNamespace(vendor="postgresql", alias="default"), execute=refuse)

    TIME_LINE.create_trigrams(None, editor)

    assert "docs/engine.md says how to make it" in caplog.text
