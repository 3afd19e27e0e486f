"""Conveyor's programs as a host runs them: processes with an environment of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MANAGE = (sys.executable, "manage.py")
GUNICORN = (sys.executable, "-m", "gunicorn", "conveyor.wsgi")
DEPLOYED = dict(
    line.split("=", 1)
    for line in (PROJECT / "tests/support/deployment.env").read_text().splitlines()
    if line and not line.startswith("#")
)
"""What a host sets."""


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """An environment with nothing in it but a PATH, a HOME and what is given; a developer's .env is not read."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "ENV_FILE": "", **given}


def run(command: Sequence[str], given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program of the project to its end."""
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=environment(given),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
