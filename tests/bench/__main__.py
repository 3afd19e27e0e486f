"""`python -m tests.bench`: every measure, or those that are named, and the table of what came of them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.environment import MEASURES, SANDBOX, set_up
from tests.support.sandbox import Sandbox


def main() -> int:
    """Exit code 0 when every bound that could be measured held, else 1."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure how fast Conveyor is.")
    parser.add_argument("names", nargs="*", metavar="measure", help=f"of {', '.join(MEASURES)} (default: all)")
    parser.add_argument("--profile", action="store_true", help="write where the time of a page goes, instead")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MEASURES):
        parser.error(f"there is no measure {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    with tempfile.TemporaryDirectory(prefix="conveyor-bench-") as name:
        directory = Path(name)
        sandbox = Sandbox.start(state=directory / "sandbox.sqlite3", options=SANDBOX)
        try:
            set_up(directory, sandbox)
            # Only now: Django's models can be imported once it is set up.
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
