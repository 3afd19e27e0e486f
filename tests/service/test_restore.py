"""A backup is restored on another host, with the keys and without them; what it does not know does no harm."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection as database

from common import backups
from droplets.models import Action, Job
from tests.accounts.test_tokens import expire, token_for
from tests.droplets.jobs.many import Many
from tests.support.engine import run_tasks
from tests.support.person import Person
from tests.support.restored import restored
from tests.support.sandbox import Sandbox

MODELS = "__import__('django.apps').apps.apps.get_model"


@pytest.fixture
def alice(digitalocean: Sandbox, transactional_db: None) -> Person:
    person = Person(digitalocean, "alice@example.com")
    person.sign_up()
    return person


@pytest.fixture
def many(alice: Person) -> Iterator[Many]:
    found = Many(alice)
    found.team("Acme Web", count=6)
    yield found
    run_tasks()


def test_a_pair_that_was_refreshed_since_needs_its_owner_who_is_told_once(
    alice: Person, digitalocean: Sandbox, tmp_path: Path
) -> None:
    connection = alice.connect()
    expire(connection)
    backup = backups.make(tmp_path / "backups")
    assert isinstance(token_for(connection), str)  # the refresh token of the backup is used
    digitalocean.reset_counters()

    with restored(backup, tmp_path) as host:
        first = host.manage("refresh_tokens")
        second = host.manage("refresh_tokens")

        assert "1 need their owner" in first.stdout, first.stderr
        assert "0 refreshed, 0 need their owner" in second.stdout
        assert host.ask(f"{MODELS}('accounts', 'Connection').objects.get().state") == "needs_reconnect"
        assert digitalocean.counters().refresh_requests == 1  # it is not tried again
        [email] = host.emails()
        assert "To: alice@example.com" in email
    assert isinstance(token_for(connection), str)  # the old host goes on


def test_a_pair_that_nobody_has_used_since_works(alice: Person, digitalocean: Sandbox, tmp_path: Path) -> None:
    expire(alice.connect())

    with restored(backups.make(tmp_path / "backups"), tmp_path) as host:
        done = host.manage("refresh_tokens")

        assert "1 refreshed" in done.stdout, done.stderr
        assert host.emails() == []


def test_without_the_keys_nothing_is_sent_and_nothing_is_lost(
    alice: Person, digitalocean: Sandbox, tmp_path: Path
) -> None:
    expire(alice.connect())
    digitalocean.reset_counters()

    with restored(backups.make(tmp_path / "backups"), tmp_path) as host:
        without = host.manage("refresh_tokens", TOKEN_KEYS=Fernet.generate_key().decode())
        assert "Traceback" not in without.stderr
        assert digitalocean.counters().refresh_requests == 0
        assert host.ask(f"{MODELS}('accounts', 'Connection').objects.get().state") == "healthy"

        with_them = host.manage("refresh_tokens")
        assert "1 refreshed" in with_them.stdout


def test_what_must_not_go_on_is_ended(many: Many, digitalocean: Sandbox, tmp_path: Path) -> None:
    job = many.start("reboot", at_once=2)
    Action.objects.create(
        user=many.person.user,
        key=job.pk,
        connection_id=many.person.connections[0].pk,
        team_name="Acme Web",
        droplet_id=1,
        droplet_name="web-1",
        kind="reboot",
    )
    backup = backups.make(tmp_path / "backups")
    sent = many.sent()

    with restored(backup, tmp_path) as host:
        asked = host.manage("after_restore", answer="n\n")
        done = host.manage("after_restore", "--yes")
        again = host.manage("after_restore", "--yes")

        assert (asked.returncode, asked.stderr.strip()) == (1, "CommandError: Nothing was changed.")
        assert done.stdout == "1 sessions, 6 droplets of jobs, 1 actions, 0 messages ended\n", done.stderr
        assert again.stdout == "0 sessions, 0 droplets of jobs, 0 actions, 0 messages ended\n"
        assert host.ask(f"{MODELS}('droplets', 'Job').objects.get().state") == "ended"
        assert host.ask(f"{MODELS}('droplets', 'Action').objects.get().status") == "lost"
    assert many.sent() == sent
    assert Job.objects.get().state == "running"  # the old host's


class TestBackup:
    def test_a_file_for_its_owner_alone(self, alice: Person, tmp_path: Path) -> None:
        out = StringIO()

        call_command("backup", str(tmp_path / "new" / "backups"), stdout=out)

        [path] = (tmp_path / "new" / "backups").iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert str(path) in out.getvalue()
        with restored(path, tmp_path) as host:
            assert host.ask(f"{MODELS}('accounts', 'User').objects.get().email") == "alice@example.com"
            assert host.manage("migrate", "--check").returncode == 0

    def test_the_newest_are_kept_and_other_files_too(self, alice: Person, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        (tmp_path / "conveyor-mine.sqlite3").touch()
        made = [backups.make(tmp_path) for _ in range(4)]

        call_command("backup", str(tmp_path), "--keep", "2", stdout=StringIO())

        left = set(tmp_path.iterdir())
        assert {path for path in made if path in left} == {made[-1]}
        assert len(left) == 4

    @pytest.mark.parametrize("keep", ["0", "-1", "many", "1.5", ""])
    def test_a_bad_number(self, db: None, tmp_path: Path, keep: str) -> None:
        with pytest.raises(CommandError, match="not a whole number"):
            call_command("backup", str(tmp_path), f"--keep={keep}")

        assert list(tmp_path.iterdir()) == []

    def test_a_directory_that_is_a_file(self, db: None, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(CommandError, match="No backup was made"):
            call_command("backup", str(tmp_path / "file"))

    @pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite needs no program")
    def test_without_pg_dump(self, db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))

        with pytest.raises(CommandError, match="pg_dump is not installed"):
            call_command("backup", str(tmp_path / "backups"))

        assert list((tmp_path / "backups").iterdir()) == []

    @pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has no password")
    def test_a_server_that_refuses(self, db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(database.settings_dict, "PORT", "9")
        monkeypatch.setitem(database.settings_dict, "PASSWORD", "hunter2")

        with pytest.raises(CommandError, match="No backup was made") as caught:
            call_command("backup", str(tmp_path / "backups"))

        assert "hunter2" not in str(caught.value)
        assert list((tmp_path / "backups").iterdir()) == []
