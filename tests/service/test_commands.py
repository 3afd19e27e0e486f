"""The commands as monitoring sees them: processes with an exit code and lines for people, ended by signals too."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.models import Connection
from digitalocean_client import errors
from droplets.models import Action
from tests.accounts.test_tokens import expire
from tests.support.person import Person
from tests.support.processes import database_url
from tests.support.programs import DEPLOYED, MANAGE, PROJECT, environment, run
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until

COMMANDS = ("refresh_tokens", "follow_actions", "reseal_tokens")


@pytest.fixture
def given(digitalocean: Sandbox, transactional_db: None, settings: Any) -> dict[str, str]:
    """The environment of a host, with the test's database and sandbox."""
    return DEPLOYED | {
        "DATABASE_URL": database_url(),
        "TOKEN_KEYS": ",".join(settings.TOKEN_KEYS),
        "DIGITAL_OCEAN_CLIENT_ID": settings.DIGITAL_OCEAN_CLIENT_ID,
        "DIGITAL_OCEAN_CLIENT_SECRET": settings.DIGITAL_OCEAN_CLIENT_SECRET,
        "DIGITAL_OCEAN_OAUTH_URL": settings.DIGITAL_OCEAN_OAUTH_URL,
        "DIGITAL_OCEAN_API_URL": settings.DIGITAL_OCEAN_API_URL,
        "SPILL_DIR": str(settings.SPILL_DIR),
    }


@pytest.fixture
def ada(given: dict[str, str], digitalocean: Sandbox) -> Person:
    person = Person(digitalocean, "alice@example.com", "ada")
    person.sign_up()
    return person


class Running:
    """A command that has been started and not waited for."""

    def __init__(self, command: str, given: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [*MANAGE, command], cwd=PROJECT, env=environment(given), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def end(self, number: int) -> tuple[int, str]:
        """Send the signal, and wait for the end. Returns the exit code and all that was printed."""
        self._process.send_signal(number)
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, (out + err).decode()


# Works


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_to_do(given: dict[str, str], command: str) -> None:
    found = run([*MANAGE, command], given)

    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_waits_for_the_refresh_under_way(
    ada: Person, given: dict[str, str], digitalocean: Sandbox, number: int
) -> None:
    connection = ada.connect()
    expire(connection, timedelta(days=1))
    fault = digitalocean.fault("delay", path="/v1/oauth/token", seconds=2)
    command = Running("refresh_tokens", given)
    wait_until(lambda: digitalocean.hits(fault) == 1)

    code, printed = command.end(number)

    assert code == 128 + number
    assert "1 refreshed" in printed
    assert f"Stopped by {signal.Signals(number).name}" in printed
    assert "Traceback" not in printed
    connection.refresh_from_db()
    assert (connection.generation, connection.lease_id) == (2, None)
    [(_, token)] = tokens.access_tokens([Connection.objects.get()], deadline=0)
    assert token in {grant.access_token for grant in digitalocean.live_grants()}


def test_a_signal_begins_no_further_refresh(ada: Person, given: dict[str, str], digitalocean: Sandbox) -> None:
    for team in ("Acme Web", "Northwind", "Side projects"):
        expire(ada.connect(team), timedelta(days=1))
    fault = digitalocean.fault("delay", path="/v1/oauth/token", seconds=2)
    digitalocean.reset_counters()
    process = subprocess.Popen(
        [*MANAGE, "refresh_tokens", "--batch", "1"],
        cwd=PROJECT,
        env=environment(given),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: digitalocean.hits(fault) == 1)

    process.terminate()

    assert process.wait(60) == 128 + signal.SIGTERM
    assert digitalocean.counters().refresh_requests == 1
    assert sorted(Connection.objects.values_list("generation", flat=True)) == [1, 1, 2]


# Refuses


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_option_is_not_taken_for_refused_credentials(given: dict[str, str], command: str) -> None:
    found = run([*MANAGE, command, "--quick"], given)

    assert found.returncode == 2
    assert "unrecognized arguments: --quick" in found.stderr


def test_credentials_that_digitalocean_does_not_accept(ada: Person, given: dict[str, str]) -> None:
    expire(ada.connect(), timedelta(days=1))

    found = run([*MANAGE, "refresh_tokens"], given | {"DIGITAL_OCEAN_CLIENT_SECRET": "hunter2"})

    assert found.returncode == 77
    assert "does not accept DIGITAL_OCEAN_CLIENT_ID and DIGITAL_OCEAN_CLIENT_SECRET" in found.stderr
    assert "hunter2" not in found.stdout + found.stderr


# Handles


def test_some_failed_and_are_tried_again(ada: Person, given: dict[str, str], digitalocean: Sandbox) -> None:
    expire(ada.connect(), timedelta(days=1))
    digitalocean.fault("status", path="/v1/oauth/token", status=503)

    found = run([*MANAGE, "refresh_tokens"], given)

    assert found.returncode == 75
    assert "the next run tries again" in found.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.sqlite3", "postgres://conveyor:hunter2@127.0.0.1:9/conveyor"]
)
def test_a_database_that_does_not_answer_is_one_line(command: str, url: str) -> None:
    found = run([*MANAGE, command], DEPLOYED | {"DATABASE_URL": url})

    assert found.returncode == 69
    assert found.stderr.splitlines()[-1].startswith("CommandError: The database does not answer (")
    assert "Traceback" not in found.stderr
    assert "hunter2" not in found.stderr


def test_django_s_own_commands_say_so_too() -> None:
    found = run([*MANAGE, "clearsessions"], DEPLOYED | {"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"})

    assert found.returncode == 69
    assert found.stderr.startswith("The database does not answer (")
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_without_tables(command: str, tmp_path: Path) -> None:
    found = run([*MANAGE, command], DEPLOYED | {"DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}"})

    assert found.returncode == 78
    assert "run python manage.py migrate" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("missing", ["TOKEN_KEYS", "SECRET_KEY", "DIGITAL_OCEAN_CLIENT_ID"])
def test_a_missing_setting_is_one_line(missing: str) -> None:
    found = run([*MANAGE, "refresh_tokens"], {name: value for name, value in DEPLOYED.items() if name != missing})

    assert found.returncode == 78
    assert found.stderr.startswith(f"Conveyor cannot start: {missing} is not set")
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["refresh_tokens", "reseal_tokens", "follow_actions"])
def test_a_key_that_is_missing(ada: Person, given: dict[str, str], command: str) -> None:
    connection = ada.connect()
    expire(connection, timedelta(days=1))
    Action.objects.create(
        user=ada.user,
        key=uuid4(),
        connection_id=connection.pk,
        droplet_id=1,
        droplet_name="web-1",
        kind="reboot",
        status=Action.Status.IN_PROGRESS,
        digitalocean_id=1,
        began_at=timezone.now(),
        sent_at=timezone.now(),
        ask_at=timezone.now(),
    )

    found = run([*MANAGE, command], given | {"TOKEN_KEYS": DEPLOYED["TOKEN_KEYS"]})

    assert found.returncode == 78
    assert "TOKEN_KEYS" in found.stderr
    assert "Traceback" not in found.stderr
    connection.refresh_from_db()
    assert connection.state == Connection.State.HEALTHY


def test_an_error_that_nobody_expected_has_a_code_of_its_own() -> None:
    """1 is Python's own, so no documented outcome may be mistaken for it."""
    found = run([sys.executable, "-c", "raise RuntimeError"], {})

    assert found.returncode == 1
    assert errors.Misconfigured.code != errors.Unavailable.code
