"""Set-up of the process that measures: like a host, with DEBUG off, static files collected and its own database.

The environment of the tests is set first; what is set here is set before Django reads its settings.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

import tests.support.environment  # noqa: F401  # sets the keys, ignores a developer's .env
from tests.support.sandbox import Sandbox

MEASURES = ("first", "hang", "warm", "signed_in", "growth", "stampede", "upkeep", "job", "workers", "watch", "busy")
"""The benchmarks, in the order of a run. Each is the file of that name in measures/."""

BY_WORKERS = ("job", "workers", "watch", "busy")
"""Those that need workers, and so PostgreSQL and Redis: each runs in a process of its own (by_workers.py)."""

SEED = 1
SANDBOX = ("--seed", str(SEED), "--teams", "36", "--droplets", "20")


def set_up(directory: Path, sandbox: Sandbox, **environment: str) -> None:
    """Create a database and collect the static files in `directory`. Conveyor then uses `sandbox` as DigitalOcean.

    `environment` are further variables, such as another DATABASE_URL.
    """
    os.environ.update(
        {
            "DIGITAL_OCEAN_OAUTH_URL": sandbox.oauth_url,
            "DIGITAL_OCEAN_API_URL": sandbox.api_url,
            "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
            "STATIC_ROOT": str(directory / "static"),
            "REDIS_URL": "",
            "EMAIL_URL": "",  # no emails
            "DJANGO_SETTINGS_MODULE": "conveyor.settings",
            **environment,
        }
    )
    django.setup()
    # Errors show in the results; log lines would break the progress bar.
    logging.disable(logging.CRITICAL)
    # For this process only, which signs users up.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
