"""Checks of this host: settings, directories, database, migrations, keys, cache."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.core.checks import run_checks
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts import token_store
from accounts.models import Connection
from conveyor import caches
from conveyor.doctor.findings import Finding, misconfigured, note, ok, unavailable

_KEYS_CHECKED = 1_000


def check_settings() -> Iterator[Finding]:
    """Django's deployment checks and Conveyor's. That variables are well formed is checked before any command runs."""
    name = "Settings"
    if settings.DEBUG:
        yield note(name, "DEBUG is on: pages show tracebacks.", "On a host, remove DEBUG from the environment.")
    if settings.SANDBOX:
        yield note(name, "The sandbox is used instead of DigitalOcean.", "On a host, remove DIGITAL_OCEAN_OAUTH_URL.")
    found = [each for each in run_checks(include_deployment_checks=True) if not each.is_silenced()]
    for each in found:
        finding = misconfigured if each.is_serious() else note
        yield finding(name, f"{each.msg} ({each.id})", str(each.hint or "See docs/deploy.md."))
    if not found:
        yield ok(name, f"All variables are well formed; BASE_URL is {settings.BASE_URL}.")


def check_directories() -> Iterator[Finding]:
    """The directories that Conveyor writes to."""
    directories = {"SPILL_DIR": settings.SPILL_DIR}
    if not settings.REDIS_URL:
        directories["QUEUE_DIR"] = settings.QUEUE_DIR
    if settings.METRICS_DIR:
        directories["METRICS_DIR"] = Path(settings.METRICS_DIR)
    for variable, directory in directories.items():
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor-"):
                pass
        except OSError as error:
            yield misconfigured(
                "Directories",
                f"{variable} ({directory}) cannot be written to: {error.strerror}.",
                f"Give it to the user that Conveyor runs as: chown that-user {directory}",
            )
        else:
            yield ok("Directories", f"{variable} ({directory}) can be written to.")
    if os.geteuid() == 0:
        yield note("Directories", "This command runs as root.", "Run it, and Conveyor, as a user without rights.")


def check_database() -> Iterator[Finding]:
    """The database answers, and has the tables of this version."""
    began = monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        text = " ".join(str(error).split())[:300]
        yield unavailable(
            "Database", f"It does not answer ({text}).", "Start it, or correct DATABASE_URL. Does its user have access?"
        )
        return
    yield ok("Database", f"{connection.display_name} answers in {(monotonic() - began) * 1000:.0f} ms.")
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield misconfigured(
            "Migrations",
            f"{len(plan)} have not run, the first is {plan[0][0].app_label}.{plan[0][0].name}.",
            "Run python manage.py migrate.",
        )
        return
    yield ok("Migrations", "All have run.")
    yield from _check_keys()


def _check_keys() -> Iterator[Finding]:
    rows = Connection.objects.select_related("account", "token").exclude(token=None)[:_KEYS_CHECKED]
    readable = [token_store.is_readable(row) for row in rows]
    if lost := readable.count(False):
        yield misconfigured(
            "Keys",
            f"No key of TOKEN_KEYS decrypts {lost} of {len(readable)} stored tokens.",
            "Add the key that is missing to TOKEN_KEYS, see docs/keys.md. If it is lost, the owners must reconnect.",
        )
    else:
        yield ok("Keys", f"TOKEN_KEYS decrypts the {len(readable)} stored tokens that were tried.")


def check_cache() -> Iterator[Finding]:
    """Redis answers, where there is one."""
    if not settings.REDIS_URL:
        yield note(
            "Redis",
            "REDIS_URL is not set: each process has its own cache and its own count of calls and log-ins.",
            "With more than one web process, or more than one host, set REDIS_URL.",
        )
        return
    try:
        caches.ping()
    except Exception as error:  # redis-py raises many kinds; its text may hold the URL
        yield unavailable("Redis", f"It does not answer ({type(error).__name__}).", "Start it, or correct REDIS_URL.")
    else:
        yield ok("Redis", "It stores and returns a value.")
