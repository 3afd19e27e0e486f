"""`manage.py backup DIRECTORY`: run it every night. docs/backups.md says how to restore."""

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from common import backups
from common.commands import database_problem
from common.exit_codes import ExitCode


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


class Command(BaseCommand):
    help = "Writes a copy of the database into a directory, while Conveyor runs. Keep TOKEN_KEYS elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="where backups are; made if it does not exist")
        parser.add_argument("--keep", type=_count, default=14, metavar="N", help="how many backups to keep (14)")

    def handle(self, *args: Any, directory: Path, keep: int, **options: Any) -> None:
        try:
            path = backups.make(directory)
            deleted = backups.delete_old(directory, keep)
        except (backups.BackupFailed, OSError) as error:
            raise CommandError(f"No backup was made. {error}", returncode=ExitCode.WAITING) from None
        except (DatabaseError, InterfaceError) as error:
            raise database_problem(error) from None
        self.stdout.write(f"{path}: {path.stat().st_size:,} bytes; {len(deleted)} older deleted")
