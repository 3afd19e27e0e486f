"""The systemd units: each ExecStart runs, says that it is ready, and ends as its unit expects."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from conveyor import celery_config
from tests.support.hosts import DEPLOY, Place, in_path, unit
from tests.support.programs import free_port
from tests.support.waiting import wait_until

UNITS = sorted(path.name for path in (DEPLOY / "systemd").iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("host"))


def settings() -> dict[str, str]:
    """/etc/conveyor.env, of which DEPLOYED fills in what is empty."""
    lines = (DEPLOY / "conveyor.env").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value for name, value in pairs.items() if value}


def command_of(name: str) -> list[str]:
    return shlex.split(unit(name)["ExecStart"][0])


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_the_commands_run(host: Place, tmp_path: Path) -> None:
    given = settings() | {"PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    given["METRICS_DIR"] = "/var/lib/conveyor/metrics"
    metrics = f"http://127.0.0.1:{given['METRICS_PORT']}/metrics"
    for command in ("migrate --no-input", "collectstatic --no-input"):
        done = host.run(["/srv/conveyor/.venv/bin/python", "manage.py", *command.split()], given)
        assert done.returncode == 0, done.stderr
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(60)
        web, worker, scheduler = (tmp_path / f"{name}.log" for name in ("web", "worker", "scheduler"))
        with (
            host.running(command_of("conveyor-web.service"), given | {"NOTIFY_SOCKET": notified.getsockname()}, web),
            host.running(command_of("conveyor-scheduler.service"), given, scheduler),
            host.running(command_of("conveyor-metrics.service"), given, tmp_path / "metrics.log"),
        ):
            assert b"READY=1" in notified.recv(1000)  # Type=notify
            wait_until(host.has_messages, seconds=60)
            with host.running(command_of("conveyor-worker.service"), given, worker):
                wait_until(lambda: not host.has_messages(), seconds=60)
            wait_until(lambda: answers(metrics), seconds=60)
            backup = host.run(command_of("conveyor-backup.service"), given)
            assert backup.returncode == 0, backup.stderr
    [made] = (host.root / "var/lib/conveyor/backups").iterdir()
    assert made.suffix == ".sqlite3"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name: str) -> None:
    found = unit(name)

    assert found["User"] == ["conveyor"]
    assert found["ProtectSystem"] == ["strict"]
    assert found["NoNewPrivileges"] == ["yes"]
    assert found["CapabilityBoundingSet"] == [""]
    assert found["EnvironmentFile"] == ["/etc/conveyor.env"]


def test_processes_have_the_time_to_finish() -> None:
    graceful = int(re.findall(r"^graceful_timeout = (\d+)", (DEPLOY.parent / "gunicorn.conf.py").read_text(), re.M)[0])

    assert int(unit("conveyor-web.service")["TimeoutStopSec"][0]) > graceful
    assert int(unit("conveyor-worker.service")["TimeoutStopSec"][0]) > celery_config.task_time_limit
    for name in ("conveyor-web.service", "conveyor-worker.service", "conveyor-scheduler.service"):
        assert unit(name)["KillMode"] == ["mixed"]  # Celery's child processes must not get the signal themselves


@pytest.mark.skipif(not in_path("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        (tmp_path / name).write_text(re.sub(r"/srv/conveyor/.venv/bin/\w+", "/bin/true", text))

    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    about_ours = [line for line in found.stderr.splitlines() if "conveyor-" in line]
    assert (found.returncode, about_ours) == (0, [])


@pytest.mark.skipif(not in_path("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_calls_the_exposure_small(name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(DEPLOY / "systemd" / name)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert found.returncode == 0, found.stdout[-300:]
