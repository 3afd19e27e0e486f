"""What Conveyor's management commands share: exit codes that tell why, one line instead of a traceback, and signals."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from common.exit_codes import ExitCode

_NO_TABLE = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn")


class Stop:
    """Whether the process was asked to end, by SIGINT or SIGTERM."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


class OperatorCommand(BaseCommand):
    """A command that monitoring can trust. Implement `work`; raise `CommandError` with a `returncode` of `ExitCode`.

    The database's errors become one line. On SIGINT and SIGTERM `stop` becomes true: `work` starts nothing more, waits
    for what is under way and returns. Then the command ends with 128 + the signal's number.
    """

    stop: Stop

    def handle(self, *args: Any, **options: Any) -> None:
        with stop_on_signals() as self.stop:
            try:
                self.work(**options)
            except (DatabaseError, InterfaceError) as error:
                raise database_problem(error) from None
            except CommandError:
                if not self.stop:
                    raise
        if self.stop.signal is not None:
            name = signal.Signals(self.stop.signal).name
            raise CommandError(f"Stopped by {name}. The next run does what is left.", returncode=128 + self.stop.signal)

    def work(self, **options: Any) -> None:
        """What the command does; each command has its own. Raises CommandError where not all was done."""
        raise NotImplementedError  # as Django's BaseCommand.handle


def database_problem(error: Exception) -> CommandError:
    """One line about a database that does not answer, or that lacks a table because migrations have not run."""
    text = " ".join(str(error).split()) or type(error).__name__
    if any(part in f"{type(error.__cause__).__name__} {text}" for part in _NO_TABLE):
        return CommandError(
            "The database has no up-to-date tables: run python manage.py migrate.", returncode=ExitCode.CONFIGURATION
        )
    return CommandError(f"The database does not answer ({text[:300]}).", returncode=ExitCode.UNAVAILABLE)


@contextmanager
def exit_codes() -> Iterator[None]:
    """For manage.py: Django's own commands end as Conveyor's do where the database does not answer, or on Ctrl-C."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        if "--traceback" in sys.argv:
            raise
        problem = database_problem(error)
        print(problem, file=sys.stderr)  # noqa: T201  # the command's own output has ended
        sys.exit(problem.returncode)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Within the block, SIGINT and SIGTERM only set the `Stop`. In a thread other than the main one, signals stay."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        stop.signal = stop.signal or number

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
