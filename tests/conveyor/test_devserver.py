"""`make run`: keys written once, ports looked at first, and nothing left behind."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conveyor.devserver import write_env
from tests.support.programs import DEPLOYED, PROJECT, environment, free_port, run
from tests.support.waiting import wait_until

LAUNCHER = (sys.executable, "-m", "conveyor.devserver")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Launched:
    """A running `make run`, in a place of its own."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.sandbox_port = free_port()
        self.env_file = home / ".env"
        self.output = home / "output"
        given = {
            "ENV_FILE": str(self.env_file),
            "DATABASE_URL": f"sqlite:///{home}/db.sqlite3",
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
        }
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*LAUNCHER, "--state", str(home / "sandbox.sqlite3"), "--droplets", "3"],
                cwd=PROJECT,
                env=environment(given),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.said
        return "Conveyor is up" in self.said

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def children(self) -> list[int]:
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def listens(self) -> list[int]:
        return [port for port in (self.port, self.sandbox_port) if answers(port)]


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Launched]:
    launched = Launched(tmp_path)
    try:
        wait_until(launched.is_up, seconds=60)
        yield launched
    finally:
        launched.process.terminate()
        launched.process.wait(timeout=30)


def test_it_starts_both_says_what_to_do_next_and_leaves_nothing_behind(launched: Launched) -> None:
    assert f"Conveyor is up: http://127.0.0.1:{launched.port} " in launched.said
    assert 'sign up with any email address, press "Connect a team"' in launched.said
    assert launched.listens() == [launched.port, launched.sandbox_port]
    assert "DIGITAL_OCEAN" not in launched.env_file.read_text()

    launched.process.send_signal(signal.SIGTERM)

    assert launched.process.wait(timeout=30) == 128 + signal.SIGTERM
    assert launched.listens() == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
def test_where_one_dies_the_other_is_ended(launched: Launched) -> None:
    sandbox = next(pid for pid in launched.children if b"sandbox" in Path(f"/proc/{pid}/cmdline").read_bytes())

    subprocess.run(["kill", "-9", str(sandbox)], check=True)

    assert launched.process.wait(timeout=30) == 128 + signal.SIGKILL
    assert launched.listens() == []


def test_it_writes_keys_once_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"

    assert write_env(file)

    written = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(f"\n{name}=" in written for name in ("DEBUG", "SECRET_KEY", "TOKEN_KEYS"))
    assert not write_env(file)
    assert file.read_text() == written
    load = (sys.executable, "-c", "import conveyor.settings")
    assert run(load, {"ENV_FILE": str(file)}).returncode == 0


@pytest.mark.parametrize("taken", ["PORT", "SANDBOX_PORT"])
def test_it_names_the_port_that_is_taken(taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])

        found = run(
            LAUNCHER, {"DEBUG": "True", "PORT": str(free_port()), "SANDBOX_PORT": str(free_port()), taken: port}
        )

    assert (found.returncode, found.stdout) == (78, "")
    assert found.stderr.startswith(f"Conveyor cannot start: port {port} of 127.0.0.1 is not free (")
    assert f"; choose another one: make run {taken}=" in found.stderr


def test_a_bad_env_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("hunter2\n")

    found = run(LAUNCHER, {"ENV_FILE": str(file)})

    assert (found.returncode, found.stdout) == (78, "")
    assert found.stderr == "Conveyor cannot start: line 1 of .env is malformed: a good one looks like NAME=value.\n"


def test_options_for_a_sandbox_that_does_not_run_are_a_mistake() -> None:
    found = run([*LAUNCHER, "--droplets", "3"], DEPLOYED)

    assert found.returncode == 78
    assert "DIGITAL_OCEAN_CLIENT_ID is set, so no sandbox runs" in found.stderr


def test_bad_options_for_the_sandbox_end_it_with_the_sandbox_s_own_words(tmp_path: Path) -> None:
    given = {
        "ENV_FILE": str(tmp_path / ".env"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "PORT": str(free_port()),
        "SANDBOX_PORT": str(free_port()),
    }

    found = run([*LAUNCHER, "--droplets", "many"], given)

    assert found.returncode == 2
    assert "'many' is not a whole number" in found.stderr
