"""The exit codes of Conveyor's commands, for monitoring. docs/commands.md explains them.

They are those of sysexits.h where it has one. 1 is left to Python, which ends with it after an error that nobody
expected, and 2 to argparse.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. A process that a signal ended has 128 + its number, as in a shell."""

    DONE = 0
    """All done, or nothing to do."""

    WRONG_OPTION = 2
    """The command line is wrong. Nothing was done."""

    UNAVAILABLE = 69
    """The database does not answer. Nothing was lost; the next run does what is left."""

    WAITING = 75
    """Some could not be done now. The next run tries again."""

    CREDENTIALS = 77
    """DigitalOcean does not accept Conveyor's own client ID and secret."""

    CONFIGURATION = 78
    """A setting is missing or wrong: a variable, a key of TOKEN_KEYS, migrations that have not run."""
