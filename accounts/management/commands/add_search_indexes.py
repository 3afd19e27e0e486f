"""Add the indexes that make the searches of the admin quick, where `migrate` was not allowed to."""

from typing import Any

from django.contrib import admin
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts.support.list_search import text_columns
from accounts.support.lists import DeskList
from common import trigrams


class Command(BaseCommand):
    help = (
        "Adds the trigram indexes for the searches of the admin. Run it after a superuser of PostgreSQL has run "
        "CREATE EXTENSION pg_trgm in Conveyor's database."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        lists = (each for each in admin.site._registry.values() if isinstance(each, DeskList))
        columns = sorted(set[tuple[str, str]]().union(*(text_columns(each.model, each.search) for each in lists)))
        if reason := trigrams.add(connection, columns):
            raise CommandError(reason)
        self.stdout.write(f"{len(columns)} columns have a trigram index.")
