"""`python -m tests.bench`: run all benchmarks, or those that are named, and print the table of results."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.environment import MEASURES, SANDBOX, set_up
from tests.support.sandbox import Sandbox


def main() -> int:
    """Exit code 0 if every bound that could be measured is met, else 1."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure how fast Conveyor is.")
    parser.add_argument("names", nargs="*", metavar="measure", help=f"one of {', '.join(MEASURES)} (default: all)")
    parser.add_argument("--profile", action="store_true", help="profile pages instead of measuring them")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MEASURES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(MEASURES)}")
    with tempfile.TemporaryDirectory(prefix="conveyor-bench-") as name:
        directory = Path(name)
        sandbox = Sandbox.start(state=directory / "sandbox.sqlite3", options=SANDBOX)
        try:
            set_up(directory, sandbox)
            # Imported here because Django's models can only be imported after the set-up.
            from tests.bench import profiling, run

            if given.profile:
                return profiling.run(directory, sandbox)
            return run.run(directory, sandbox, given.names)
        finally:
            sandbox.stop()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
