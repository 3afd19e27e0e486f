"""The process: how it starts, what it prints when it cannot start, how it stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from sandbox.middleware import from_loopback
from tests.support.sandbox import PROJECT, Sandbox

MODULE = [sys.executable, "-m", "sandbox"]
COMMAND = [sys.executable, "manage.py", "sandbox"]
LINE = r"Sandbox listens on http://127\.0\.0\.1:\d+\n"


def run(command: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *options], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", [MODULE, COMMAND], ids=["python -m sandbox", "manage.py sandbox"])
def test_it_prints_one_line_serves_and_stops(command: list[str], tmp_path: Path) -> None:
    options = ["--port", "0", "--state", str(tmp_path / "state.sqlite3"), "--droplets", "3", "--client-id", "mine"]
    process = subprocess.Popen([*command, *options], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert re.fullmatch(LINE, line)
        teams = requests.get(line.split()[-1] + "/_sandbox/teams", timeout=10).json()["teams"]
        assert {team["droplets"] for team in teams} == {3}
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    assert rest == ""
    assert process.returncode == 0


@pytest.mark.parametrize("command", [MODULE, COMMAND], ids=["python -m sandbox", "manage.py sandbox"])
def test_a_port_in_use_is_one_clear_line(command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run(command, "--port", str(port), "--state", ":memory:")

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Sandbox cannot listen on 127.0.0.1:{port}: the port is in use. Choose another with --port.\n"
    )
    assert ended.stdout == ""


def test_a_state_file_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    nonsense, foreign = tmp_path / "nonsense.sqlite3", tmp_path / "foreign.sqlite3"
    nonsense.write_text("not a database, but longer than a header would be: " * 20)
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE somebody_elses (id)")
    connection.close()

    for file in (nonsense, foreign, tmp_path / "no" / "such" / "folder.sqlite3"):
        ended = run(MODULE, "--port", "0", "--state", str(file))
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"Sandbox cannot use the state file {file}: ")
        assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "options", [["--port", "65536"], ["--port", "http"], ["--droplets", "-1"], ["--teams", "many"], ["--seed", "x"]]
)
def test_an_invalid_option_is_refused(options: list[str]) -> None:
    ended = run(MODULE, *options)

    assert ended.returncode == 2
    assert options[0] in ended.stderr


def test_its_own_client_and_callbacks_can_be_given(tmp_path: Path) -> None:
    callback = "http://app.example/back"
    options = ["--client-id", "sandbox-client", "--client-secret", "other", "--redirect-uri", callback]
    sandbox = Sandbox.start(options=options)
    try:
        code = sandbox.code(redirect_uri=callback)
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback}
        assert sandbox.token(**fields).json()["error"] == "invalid_client"
        assert sandbox.token(**fields, client_secret="other").ok
    finally:
        sandbox.stop()


def test_token_lifetime_and_latency_can_be_given() -> None:
    sandbox = Sandbox.start(options=["--token-lifetime", "20", "--latency-ms", "30", "--teams", "5"])
    try:
        assert sandbox.connect()["expires_in"] == 20
        assert sandbox.settings()["latency_ms"] == 30
        assert len(sandbox.user("ada").teams) == 5
    finally:
        sandbox.stop()


def test_it_stops_while_requests_hang(tmp_path: Path) -> None:
    sandbox = Sandbox.start()
    sandbox.fault("hang", path="/v2/")
    thread = threading.Thread(target=_ignore_errors, args=(sandbox,))
    thread.start()
    time.sleep(0.3)

    start = time.monotonic()
    sandbox.stop()

    assert time.monotonic() - start < 5
    thread.join(timeout=10)
    assert not thread.is_alive()


def _ignore_errors(sandbox: Sandbox) -> None:
    with suppress(requests.ConnectionError):
        sandbox.get("/v2/account")


def test_it_needs_no_django() -> None:
    code = "import sys, sandbox.server, sandbox.options; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=os.environ, check=False).returncode == 0


@pytest.mark.parametrize(
    ("remote", "near"),
    [("127.0.0.1", True), ("::1", True), ("192.0.2.7", False), ("fe80::1", False), (None, False), ("", False)],
)
def test_the_control_api_is_for_this_machine_alone(remote: str | None, near: bool) -> None:
    assert from_loopback(remote) is near
