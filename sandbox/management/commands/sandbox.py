"""`python manage.py sandbox`: the stand-in DigitalOcean, started from the project."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sandbox import options
from sandbox.server import run


class Command(BaseCommand):
    """Serve the sandbox until interrupted."""

    help = "A stand-in DigitalOcean on loopback, for trying Conveyor, for tests and for benchmarks."
    # It touches neither the project's database nor its apps.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as `python -m sandbox`."""
        options.add_arguments(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        """Exits with the sandbox's own code: 1 when its port or its state file cannot be used."""
        sys.exit(run(options.read(argparse.Namespace(**given))))
