"""A Redis of a test's own, which can go away in all the ways that a Redis goes away."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.support.programs import free_port
from tests.support.waiting import wait_until

OUTAGES = ["killed", "hung", "read-only", "full", "closed to us"]


class RedisServer:
    """`url` is how Conveyor reaches it; the password in it is nobody else's."""

    def __init__(self, directory: Path) -> None:
        if not shutil.which("redis-server"):
            pytest.skip("there is no redis-server here")
        self._directory = directory
        self._port = free_port()
        self.password = uuid4().hex
        self.url = f"redis://:{self.password}@127.0.0.1:{self._port}/0"
        self.admin = Redis.from_url(self.url, protocol=2)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self._port), "--requirepass", self.password]
        self._process = subprocess.Popen(
            [*command, "--save", "", "--dir", str(self._directory)], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def go_away(self, how: str) -> None:
        """Be `killed`, `hung`, `read-only`, `full` or `closed to us`, whose password is the right one no longer."""
        match how:
            case "killed":
                self.stop()
            case "hung":
                self._send(signal.SIGSTOP)
            case "read-only":
                self.admin.replicaof("127.0.0.1", 1)
            case "full":
                self.admin.config_set("maxmemory", 1)
            case "closed to us":
                self.admin.config_set("requirepass", "another")
                self.close_connections()

    def wake_up(self) -> None:
        """From being hung."""
        self._send(signal.SIGCONT)

    def make_room(self) -> None:
        """After having been full."""
        self.admin.config_set("maxmemory", 0)

    def close_connections(self) -> None:
        """As a Redis does with those that nobody used for long. The administrator's own stays."""
        self.admin.client_kill_filter(_type="normal", skipme=True)

    def connections_so_far(self) -> int:
        return int(self.admin.info("stats")["total_connections_received"])

    def stop(self) -> None:
        """Kill it; whatever it held is gone."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None
            self.admin.close()

    def _send(self, what: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(what)

    def _answers(self) -> bool:
        try:
            return bool(self.admin.ping())
        except RedisError:
            return False
