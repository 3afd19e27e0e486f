"""`python -m tests.load`: run Conveyor under load while its parts are killed, and hold it against bounds."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.environment import SEED, set_up
from tests.load.observed import OWN_NAME
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.sandbox import Sandbox

SANDBOX = ("--seed", str(SEED), "--droplets", "30", "--latency-ms", "10")


def main() -> int:
    """Exit code 0 if every bound is met, else 1."""
    given = _arguments()
    with ExitStack() as stack:
        directory = given.directory
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conveyor-load-")))
        directory.mkdir(parents=True, exist_ok=True)
        try:
            postgres = PostgresServer()
            stack.callback(postgres.close)
            redis = RedisServer(directory)
            stack.callback(redis.stop)
        except pytest.skip.Exception as missing:
            print(f"make load needs both servers: {missing}", file=sys.stderr)
            return 1
        sandbox = Sandbox.start(state=directory / "sandbox.sqlite3", options=SANDBOX)
        stack.callback(sandbox.stop)
        # libpq's variable: it tells this process's own connections to PostgreSQL from Conveyor's.
        os.environ["PGAPPNAME"] = OWN_NAME
        set_up(directory, sandbox, DATABASE_URL=postgres.url(), REDIS_URL=redis.url)
        # Imported here because Django's models can only be imported after the set-up.
        from tests.load import run

        return run.run(directory, sandbox, postgres, redis, minutes=given.minutes, number=given.people)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long parts are killed (default: 10)")
    parser.add_argument("--people", type=int, default=200, help="how many people are signed in (default: 200)")
    parser.add_argument("--directory", type=Path, help="where logs and samples are kept (default: nowhere)")
    given = parser.parse_args()
    if not 1 <= given.minutes <= 24 * 60:
        parser.error("MINUTES must be from 1 to 1440")
    if not 1 <= given.people <= 2_000:
        parser.error("PEOPLE must be from 1 to 2000")
    return given


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
