"""The process that measures, set up like the hosts that it measures: DEBUG off, files collected, a database of its own.

The tests' environment comes first; what is set here is set before Django reads its settings.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

import tests.support.environment  # noqa: F401  # sets the keys, keeps a developer's .env away
from tests.support.sandbox import Sandbox

MEASURES = ("first", "hang", "warm", "growth", "stampede")
"""In the order of a run; each is a file of its name in measures/."""

SEED = 1
SANDBOX = ("--seed", str(SEED), "--teams", "36", "--droplets", "20")


def set_up(directory: Path, sandbox: Sandbox) -> None:
    """Make a database and collect the static files in `directory`; Conveyor takes `sandbox` for DigitalOcean."""
    os.environ.update(
        {
            "DIGITAL_OCEAN_OAUTH_URL": sandbox.oauth_url,
            "DIGITAL_OCEAN_API_URL": sandbox.api_url,
            "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
            "STATIC_ROOT": str(directory / "static"),
            "REDIS_URL": "",
            "EMAIL_URL": "",  # nobody waits for letters
            "DJANGO_SETTINGS_MODULE": "conveyor.settings",
        }
    )
    django.setup()
    # What goes wrong shows in what is measured; the log would only tear the progress apart.
    logging.disable(logging.CRITICAL)
    # Of this process alone, which signs people up.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
