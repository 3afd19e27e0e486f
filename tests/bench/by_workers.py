"""A benchmark with workers, on a PostgreSQL and a Redis of its own, in a process of its own.

    python -m tests.bench.by_workers job /tmp/results.json

PostgreSQL does not wait for its disk (fsync is off), so that the disk of the machine does not matter.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from tests.bench.environment import SANDBOX, set_up
from tests.bench.results import Result
from tests.bench.server import redis
from tests.support.postgres_server import PostgresServer, binaries
from tests.support.programs import PROJECT
from tests.support.sandbox import Sandbox


def results_of(directory: Path, name: str) -> list[Result]:
    """Run the benchmark of that name in a process of its own."""
    if binaries() is None or not shutil.which("redis-server"):
        return [Result(f"make bench M={name}", "", "PostgreSQL's server or redis-server is not installed")]
    path = directory / f"{name}.json"
    subprocess.run([sys.executable, "-m", "tests.bench.by_workers", name, str(path)], cwd=PROJECT, check=True)
    return [Result(**each) for each in json.loads(path.read_text())]


def main(name: str, path: str) -> None:
    with tempfile.TemporaryDirectory(prefix="conveyor-bench-") as given:
        directory = Path(given)
        database = PostgresServer()
        try:
            database.execute("CREATE DATABASE conveyor")
            with redis(directory, "redis-server") as redis_url:
                sandbox = Sandbox.start(state=directory / "sandbox.sqlite3", options=SANDBOX)
                try:
                    set_up(directory, sandbox, DATABASE_URL=database.url("conveyor"), REDIS_URL=redis_url)
                    Path(path).write_text(json.dumps([asdict(result) for result in _measure(name, directory, sandbox)]))
                finally:
                    sandbox.stop()
        finally:
            database.close()


def _measure(name: str, directory: Path, sandbox: Sandbox) -> list[Result]:
    # Imported here because Django's models can only be imported after the set-up.
    from django.db import connections

    from tests.bench.stage import Stage

    try:
        results: list[Result] = import_module(f"tests.bench.measures.{name}").measure(Stage(directory, sandbox))
    finally:
        connections.close_all()
    return results


if __name__ == "__main__":
    main(*sys.argv[1:])
