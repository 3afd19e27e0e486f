"""`manage.py doctor`: run it after the set-up, after an upgrade, and when something does not work."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from common.exit_codes import ExitCode
from conveyor.doctor import digitalocean, email, host, workers
from conveyor.doctor.findings import Check, Finding, Level, exit_code, run


class Command(BaseCommand):
    help = (
        "Checks this host, and says what to do: settings, directories, database, migrations, keys, Redis, broker, "
        "workers, email, DigitalOcean's OAuth application, callback URL, clock. Exit code: 0 no problem, 78 something "
        "is set up wrong, 69 something does not answer, 77 DigitalOcean does not accept Conveyor's credentials."
    )
    requires_system_checks = ()  # they are one of the checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="", metavar="ADDRESS", help="send a message to this address")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["email"]:
            try:
                validate_email(options["email"])
            except ValidationError:
                raise CommandError("--email is no email address", returncode=ExitCode.WRONG_OPTION) from None
        findings = []
        for finding in _all(options["email"]):
            findings.append(finding)
            self._show(finding)
        problems = sum(finding.level == Level.PROBLEM for finding in findings)
        self.stdout.write(f"\n{problems} problems, {sum(each.level == Level.NOTE for each in findings)} notes.")
        if problems:
            raise CommandError("Something needs you; what to do is above.", returncode=exit_code(findings))

    def _show(self, finding: Finding) -> None:
        style = {Level.OK: self.style.SUCCESS, Level.NOTE: self.style.WARNING, Level.PROBLEM: self.style.ERROR}
        self.stdout.write(f"{style[finding.level](f'{finding.level:<8}')} {finding.name}: {finding.text}")
        if finding.advice:
            self.stdout.write(f"         {finding.advice}")
        self.stdout.flush()


def _all(address: str) -> Iterator[Finding]:
    checks: dict[str, Check] = {
        "Settings": host.check_settings,
        "Directories": host.check_directories,
        "Database": host.check_database,
        "Redis": host.check_cache,
        "Workers": workers.check_workers,
        "Email": partial(email.check_email, address),
        "OAuth client": digitalocean.check_client,
        "Callback URL": digitalocean.check_callback,
        "Clock": digitalocean.check_clock,
    }
    for name, check in checks.items():
        yield from run(name, check)
