"""`python -m sandbox`: the sandbox without Django, so that it starts fast."""

from __future__ import annotations

import argparse
import sys

from sandbox import options
from sandbox.server import run


def main() -> int:
    """Parse the command line and serve until stopped. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A stand-in DigitalOcean on loopback.")
    options.add_arguments(parser)
    return run(options.read(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
