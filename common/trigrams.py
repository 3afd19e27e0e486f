"""Trigram indexes for searches of a part of a text (https://www.postgresql.org/docs/current/pgtrgm.html).

They need PostgreSQL's extension pg_trgm, which comes with PostgreSQL. The owner of a database may create it since
PostgreSQL 13. Where that is not allowed, or on SQLite, everything works without these indexes, and searches of large
tables take longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


def add(database: BaseDatabaseWrapper, columns: Iterable[tuple[str, str]]) -> str:
    """Add an index for each (table, column), as Django's `icontains` looks for it. Returns why not, "" if it worked.

    What is there already stays.
    """
    if database.vendor != "postgresql":
        return "Only PostgreSQL has trigram indexes."
    try:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for table, column in columns:
                cursor.execute(
                    f"CREATE INDEX IF NOT EXISTS {database.ops.quote_name(name_of(table, column))} "
                    f"ON {database.ops.quote_name(table)} "
                    f"USING gin (upper({database.ops.quote_name(column)}::text) gin_trgm_ops)"
                )
    except DatabaseError as error:
        return f"PostgreSQL's extension pg_trgm cannot be used: {type(error.__cause__ or error).__name__}."
    return ""


def remove(database: BaseDatabaseWrapper, columns: Iterable[tuple[str, str]]) -> None:
    """Remove the indexes. The extension stays: others may use it."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            for table, column in columns:
                cursor.execute(f"DROP INDEX IF EXISTS {database.ops.quote_name(name_of(table, column))}")


def name_of(table: str, column: str) -> str:
    """The name of an index, of at most 63 characters, PostgreSQL's limit."""
    name = f"{table}_{column}_trigrams"
    return name if len(name) <= 63 else f"{name[:54]}_{sha256(name.encode()).hexdigest()[:8]}"
