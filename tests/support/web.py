"""A web server as systemd runs it: the socket is open while the server is replaced. And people who use it meanwhile."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.programs import PROJECT, environment
from tests.support.waiting import wait_until

# What systemd does for a service with a socket: descriptor 3, and two variables that say so.
_ACTIVATED = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3, inheritable=True); "
    "os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())}; os.execv(sys.argv[2], sys.argv[2:])"
)


# Not `python -m gunicorn`: another master, started by SIGUSR2, would then find gunicorn's `http` for Python's.
_GUNICORN = (sys.executable, str(Path(sys.executable).with_name("gunicorn")), "conveyor.wsgi")


class WebServer:
    """gunicorn on a socket that outlives it; on one of its own if not `activated`.

    Every process that `start` made is ended by `close`.
    """

    def __init__(self, directory: Path, given: Mapping[str, str], *, activated: bool = True) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port: int = self._socket.getsockname()[1]
        self._is_activated = activated
        if not activated:
            self._socket.close()
        self._given = environment({**given, "LISTEN": "127.0.0.1", "PORT": str(self.port)})
        self._log = directory / "web.log"
        self._pid = directory / "web.pid"
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._processes[-1]

    def start(self) -> None:
        command = [*_GUNICORN, "--pid", str(self._pid)]
        if self._is_activated:
            command = [sys.executable, "-c", _ACTIVATED, str(self._socket.fileno()), *command]
        log: IO[bytes]
        with self._log.open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=PROJECT,
                    env=self._given,
                    stdout=log,
                    stderr=log,
                    pass_fds=[self._socket.fileno()] if self._is_activated else [],
                )
            )

    def started(self, times: int) -> bool:
        """Whether so many workers have become ready, all together."""
        ended = self.process.poll()
        assert ended in (None, 0), self.output
        return self.output.count("Worker ready") >= times

    def stop(self) -> int:
        """SIGTERM, as `systemctl stop` and `systemctl restart` send it. Returns the exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def new_master(self) -> int:
        """SIGUSR2: the process id of another master, on the same socket."""
        second = self._pid.with_name(f"{self._pid.name}.2")
        os.kill(self.process.pid, signal.SIGUSR2)
        wait_until(second.exists, seconds=60)
        return int(second.read_text())

    def close(self) -> None:
        self._socket.close()
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
                process.wait(60)


class Load:
    """People who open pages without a pause: `kept` of them over one kept connection each, as a proxy has them."""

    def __init__(self, port: int, paths: list[str], cookie: str = "") -> None:
        self._port, self._paths = port, paths
        self._headers = {"Cookie": cookie, "Accept-Encoding": "gzip"} if cookie else {"Accept-Encoding": "gzip"}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        """How often each status was answered, or each error met."""

    @property
    def total(self) -> int:
        with self._lock:
            return self.answers.total()

    @contextmanager
    def running(self, *, people: int = 4, kept: int = 2) -> Iterator[Load]:
        threads = [threading.Thread(target=self._browse, args=[index < kept]) for index in range(people)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(60)

    def goes_on(self, answers: int = 20) -> None:
        """Wait for so many more answers."""
        before = self.total
        wait_until(lambda: self.total >= before + answers, seconds=60)

    def _browse(self, keeps: bool) -> None:
        connection = self._connect()
        while not self._stop.is_set():
            for path in self._paths:
                try:
                    connection.request("GET", path, headers=self._headers)
                    answer = connection.getresponse()
                    answer.read()  # raises IncompleteRead where the page ends in the middle
                    met = f"{answer.status} {answer.headers.get('Location', '')}".strip()
                except (OSError, http.client.HTTPException) as error:
                    met = f"{type(error).__name__} of {path}, {'kept' if keeps else 'new'} connection"
                    connection.close()
                with self._lock:
                    self.answers[met] += 1
                if not keeps:
                    connection.close()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=40)
