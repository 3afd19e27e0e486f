"""The sandbox as a process of its own: start it, stop it, call its control API."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

PROJECT = Path(__file__).resolve().parents[2]
READY = "Sandbox listens on "
TIMEOUT = 30.0  # seconds, for every request of the tests to the sandbox
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"


class NotStarted(Exception):
    """The sandbox did not start. The text is what it printed."""


class SandboxProcess:
    """A running sandbox. `url` is its address, without a slash at the end."""

    def __init__(self, state: Path | str, options: Sequence[str]) -> None:
        """Use `start`."""
        self._state = str(state)
        self._options = list(options)
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    @classmethod
    def start(cls, *, state: Path | str = ":memory:", options: Sequence[str] = ()) -> Self:
        """Start a sandbox on a free port and wait until it listens. Raises NotStarted."""
        sandbox = cls(state, options)
        sandbox._launch(0)
        return sandbox

    def _launch(self, port: int) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--state", self._state, *self._options]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith(READY):
            process.kill()
            raise NotStarted(line or "The sandbox ended at once; its own output is above.")
        self._process = process
        self.url = line.removeprefix(READY).strip()

    def stop(self) -> None:
        """Stop it. A second call does nothing."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(timeout=TIMEOUT)
            if process.stdout is not None:
                process.stdout.close()

    def kill(self) -> None:
        """Kill the process, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=TIMEOUT)

    def restart(self) -> None:
        """Stop it and start it again on the same port, with the same state file."""
        port = urlsplit(self.url).port or 0
        self.stop()
        self._launch(port)

    @property
    def pid(self) -> int:
        """The process id of a running sandbox."""
        assert self._process is not None
        return self._process.pid

    @property
    def oauth_url(self) -> str:
        """The setting DIGITAL_OCEAN_OAUTH_URL: stands for https://cloud.digitalocean.com/v1/oauth."""
        return f"{self.url}/v1/oauth"

    @property
    def api_url(self) -> str:
        """The setting DIGITAL_OCEAN_API_URL: stands for https://api.digitalocean.com/v2."""
        return f"{self.url}/v2"

    @property
    def client_id(self) -> str:
        """The id of the registered OAuth client."""
        return CLIENT_ID

    @property
    def client_secret(self) -> str:
        """The secret of the registered OAuth client."""
        return CLIENT_SECRET

    def _control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the control API. Raises ValueError with its message for an error response."""
        answer = request(method, f"{self.url}/_sandbox/{path}", json=body)
        if not answer.ok:
            raise ValueError(answer.json()["message"])
        return answer.json()


def new_session() -> requests.Session:
    """A session that ignores proxies and ~/.netrc: the sandbox is on this machine."""
    session = requests.Session()
    session.trust_env = False
    return session


def request(method: str, url: str, **more: Any) -> requests.Response:
    """One request in a session of its own, so that threads may share a sandbox. Redirects are not followed."""
    with new_session() as session:
        return session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **more)
